# SPDX-License-Identifier: BSD-3-Clause
import base64

import pytest
from cryptography.fernet import Fernet

from pyaiot.errors import InvalidSignature, InvalidToken, ReplayedToken, StaleToken
from pyaiot.messages import signing
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import Session, TokenGate, make_token, offered_token
from pyaiot.model.moment import Moment

PAIR = KeyPair("s" * 32, base64.urlsafe_b64encode(bytes(32)).decode())
OTHER = KeyPair("t" * 32, base64.urlsafe_b64encode(bytes(range(32))).decode())
NOW = Moment(1_000_000.0, 50.0)
NONCE = b"n" * 32


def gate(*pairs: KeyPair, clock_skew: float = 0.0) -> TokenGate:
    return TokenGate(KeyRing(pairs or (PAIR,)), clock_skew)


@pytest.mark.parametrize("length", [32, 40, 47])
def test_a_token_is_a_legal_header_token_of_the_original_s_length(length: int) -> None:
    token = make_token(KeyPair("s" * length, PAIR.private), NOW.wall)

    assert len(token) == 140
    assert "=" not in token


def test_the_original_reads_a_token() -> None:
    token = make_token(PAIR, NOW.wall)

    assert Fernet(PAIR.private).decrypt(token.encode()) == PAIR.secret.encode()


@pytest.mark.parametrize("header", ["token,T", "token, T", " token ,\tT "])
def test_the_token_is_the_second_of_two_items(header: str) -> None:
    assert offered_token(header) == "T"


@pytest.mark.parametrize("header", [None, "", "token", "token,", "T,token", "token,T,x", "Token,T"])
def test_any_other_offer_is_refused_in_the_original_s_words(header: str | None) -> None:
    with pytest.raises(InvalidToken, match=r"^Invalid subprotocols$"):
        offered_token(header)


def test_a_fresh_token_is_admitted_and_says_which_pair_made_it() -> None:
    assert gate(OTHER, PAIR).admit(make_token(PAIR, NOW.wall), NOW) is PAIR


def test_a_token_is_admitted_once() -> None:
    door = gate()
    token = make_token(PAIR, NOW.wall)
    door.admit(token, NOW)

    with pytest.raises(ReplayedToken):
        door.admit(token, NOW)


def test_another_spelling_of_the_same_token_is_the_same_token() -> None:
    door = gate()
    token = make_token(PAIR, NOW.wall)
    door.admit(token, NOW)

    for spelling in (token + "====", token[:70] + "!" + token[70:], token[:9] + "\n" + token[9:]):
        with pytest.raises((ReplayedToken, InvalidToken)):
            door.admit(spelling, NOW)


@pytest.mark.parametrize("age", [60, -60, 0])
def test_a_token_is_fresh_for_a_minute(age: float) -> None:
    assert gate().admit(make_token(PAIR, NOW.wall - age), NOW) is PAIR


@pytest.mark.parametrize(("age", "words"), [(3600, "3600 s ago"), (-90, "90 s in the future")])
def test_a_stale_token_is_refused_with_the_difference_of_the_clocks(age: float, words: str) -> None:
    with pytest.raises(StaleToken, match=words) as caught:
        gate().admit(make_token(PAIR, NOW.wall - age), NOW)

    assert caught.value.age == age


def test_machines_without_a_clock_can_be_tolerated() -> None:
    assert gate(clock_skew=3600).admit(make_token(PAIR, NOW.wall - 3600), NOW) is PAIR


@pytest.mark.parametrize(
    "token",
    ["", "x", "é", "A" * 140, "A" * 2000, make_token(OTHER, NOW.wall)],
    ids=["empty", "short", "not-ascii", "garbage", "long", "foreign-key"],
)
def test_what_was_not_made_with_our_key_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken, match=r"^Invalid token$"):
        gate().admit(token, NOW)


def test_the_right_key_with_the_wrong_secret_is_refused() -> None:
    with pytest.raises(InvalidToken, match=r"^Invalid token$"):
        gate().admit(make_token(KeyPair("w" * 32, PAIR.private), NOW.wall), NOW)


def test_memory_is_bounded_and_what_was_forgotten_is_not_admitted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "REMEMBERED_TOKENS", 2)
    door = gate()
    first, *others = [make_token(PAIR, NOW.wall + n) for n in range(4)]
    for token in (first, *others):
        door.admit(token, NOW)

    assert len(door._used) == 2
    with pytest.raises(ReplayedToken):
        door.admit(first, NOW)


def sessions() -> tuple[Session, Session]:
    return Session.of_service(PAIR, "T", NONCE), Session.of_broker(PAIR, "T", NONCE)


def test_messages_come_back_to_the_byte_in_both_directions() -> None:
    service, broker = sessions()
    for text in (b'{"type":"new","uid":"1"}', '{"type": "update", "data": "27°C"}'.encode()):
        assert broker.open(service.seal(text)) == text
        assert service.open(broker.seal(text).decode()) == text


def test_the_signature_is_the_last_member() -> None:
    frame = sessions()[0].seal(b'{"type":"out","uid":"1"}')

    assert frame.startswith(b'{"type":"out","uid":"1","seq":0,"sig":"')
    assert len(frame) == len(b'{"type":"out","uid":"1","seq":0,"sig":""}') + 32


def test_a_replay_is_refused() -> None:
    service, broker = sessions()
    frame = service.seal(b'{"a":1}')
    broker.open(frame)

    with pytest.raises(InvalidSignature, match="sequence"):
        broker.open(frame)


def test_a_gap_is_refused() -> None:
    service, broker = sessions()
    service.seal(b'{"a":1}')

    with pytest.raises(InvalidSignature, match="sequence"):
        broker.open(service.seal(b'{"a":2}'))


def test_a_reflection_is_refused() -> None:
    service, _ = sessions()

    with pytest.raises(InvalidSignature):
        service.open(service.seal(b'{"a":1}'))


def test_a_number_that_ends_in_the_expected_one_is_refused() -> None:
    service, _ = sessions()
    eleventh = [service.seal(b'{"a":1}') for _ in range(11)][-1]
    late = Session.of_broker(PAIR, "T", NONCE)

    with pytest.raises(InvalidSignature, match="sequence"):
        late.open(eleventh)


@pytest.mark.parametrize("frame", [b"", b"{}", b'{"a":1}', '{"a":"é"}', "\ud800", b"\xff" * 80])
def test_what_is_not_signed_is_refused(frame: str | bytes) -> None:
    with pytest.raises(InvalidSignature):
        sessions()[1].open(frame)


def test_another_token_nonce_or_pair_gives_other_keys() -> None:
    frame = sessions()[0].seal(b'{"a":1}')

    for broker in (
        Session.of_broker(PAIR, "U", NONCE),
        Session.of_broker(PAIR, "T", b"m" * 32),
        Session.of_broker(OTHER, "T", NONCE),
        Session.of_broker(KeyPair("u" * 32, PAIR.private), "T", NONCE),
    ):
        with pytest.raises(InvalidSignature):
            broker.open(frame)
