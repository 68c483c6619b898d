# SPDX-License-Identifier: BSD-3-Clause
import base64
import hashlib
import hmac
import json
import traceback
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.accounts.tokens import CONNECTING, LEEWAY, Claims, Signer, Use
from pyaiot.errors import AuthenticationFailed, InvalidToken, InvalidValue, StaleToken
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import TokenGate, make_token
from pyaiot.messages.types import MAX_TOKEN
from pyaiot.model.access import Role
from pyaiot.model.moment import Moment

PAIR = KeyPair("s" * 32, base64.urlsafe_b64encode(bytes(32)).decode())
OTHER = KeyPair("t" * 32, base64.urlsafe_b64encode(bytes(range(32))).decode())
NOW = 1_700_000_000.25
SIGNER = Signer(KeyRing((PAIR,)))
KEY = HKDF(SHA256(), length=32, salt=None, info=b"pyaiot accounts 1").derive(
    bytes(32) + PAIR.secret.encode()
)

CLAIMS = {
    Use.ACCESS: Claims(Use.ACCESS, "u1", "a1", NOW, NOW + 1800, Role.OPERATOR, "Ann", "s1"),
    Use.REFRESH: Claims(Use.REFRESH, "u1", "r1", NOW, NOW + 2_592_000, sid="s1"),
    Use.TICKET: Claims(Use.TICKET, "u1", "t1", NOW, NOW + 1800, Role.VIEWER, "Ann", "s1"),
    Use.DEVICE: Claims(Use.DEVICE, "node-1", "d1", NOW),
}


def signed(payload: Any, header: Any = None, key: bytes = KEY) -> str:
    """A token with a genuine signature over whatever it says."""
    parts = [
        base64.urlsafe_b64encode(each if isinstance(each, bytes) else json.dumps(each).encode())
        .decode()
        .rstrip("=")
        for each in (header or {"alg": "HS256", "typ": "JWT"}, payload)
    ]
    mac = hmac.digest(key, ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])


@pytest.mark.parametrize("use", Use)
def test_a_token_says_what_was_put_in(use: Use) -> None:
    assert SIGNER.check(SIGNER.make(CLAIMS[use]), use, NOW) == CLAIMS[use]


@pytest.mark.parametrize("use", Use)
def test_a_token_is_a_json_web_token_that_anybody_with_the_key_can_read(use: Use) -> None:
    token = SIGNER.make(CLAIMS[use])

    said = jwt.decode(token, KEY, ["HS256"], options={"verify_exp": False, "verify_iat": False})

    assert said["use"] == use.value
    assert said["sub"] == CLAIMS[use].sub
    assert ("exp" in said) == (use is not Use.DEVICE)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("use", Use)
@pytest.mark.parametrize("place", Use)
def test_no_token_of_one_use_passes_for_another(use: Use, place: Use) -> None:
    token = SIGNER.make(CLAIMS[use])
    if use is place:
        assert SIGNER.check(token, place, NOW).use is use
    else:
        with pytest.raises(InvalidToken, match=r"something else"):
            SIGNER.check(token, place, NOW)


@pytest.mark.parametrize("use", Use)
def test_a_place_may_take_several_uses(use: Use) -> None:
    token = SIGNER.make(CLAIMS[use])
    if use in {Use.ACCESS, Use.TICKET}:
        assert SIGNER.check(token, CONNECTING, NOW) == CLAIMS[use]
    else:
        with pytest.raises(InvalidToken):
            SIGNER.check(token, CONNECTING, NOW)


@pytest.mark.parametrize("use", [Use.ACCESS, Use.REFRESH, Use.TICKET])
def test_a_token_holds_until_its_end(use: Use) -> None:
    token = SIGNER.make(CLAIMS[use])
    end = CLAIMS[use].exp
    assert end is not None

    assert SIGNER.check(token, use, end - 1, leeway=0) == CLAIMS[use]
    assert SIGNER.check(token, use, end + LEEWAY - 1) == CLAIMS[use]
    for now, leeway in [(end, 0.0), (end + LEEWAY, LEEWAY), (end + 1e9, LEEWAY)]:
        with pytest.raises(StaleToken, match=r"expired") as caught:
            SIGNER.check(token, use, now, leeway)
        assert caught.value.age == now - end


def test_a_device_s_token_has_no_end() -> None:
    token = SIGNER.make(CLAIMS[Use.DEVICE])

    assert SIGNER.check(token, Use.DEVICE, NOW + 1e9) == CLAIMS[Use.DEVICE]


@pytest.mark.parametrize("use", Use)
def test_a_token_from_the_future_is_refused(use: Use) -> None:
    token = SIGNER.make(CLAIMS[use])

    assert SIGNER.check(token, use, NOW - LEEWAY) == CLAIMS[use]
    with pytest.raises(StaleToken, match=r"future") as caught:
        SIGNER.check(token, use, NOW - LEEWAY - 1)
    assert caught.value.age == -LEEWAY - 1


def test_tokens_of_all_valid_keys_hold_and_new_ones_are_made_with_the_first() -> None:
    before = SIGNER.make(CLAIMS[Use.ACCESS])
    rotated = Signer(KeyRing((PAIR,)).rotated(OTHER))
    after = rotated.make(CLAIMS[Use.ACCESS])

    assert rotated.check(before, Use.ACCESS, NOW) == rotated.check(after, Use.ACCESS, NOW)
    assert Signer(KeyRing((OTHER,))).check(after, Use.ACCESS, NOW) == CLAIMS[Use.ACCESS]
    for signer, token in [(SIGNER, after), (Signer(KeyRing((OTHER,))), before)]:
        with pytest.raises(InvalidToken):
            signer.check(token, Use.ACCESS, NOW)


def test_half_of_the_right_key_is_not_the_key() -> None:
    for pair in [KeyPair(PAIR.secret, OTHER.private), KeyPair(OTHER.secret, PAIR.private)]:
        with pytest.raises(InvalidToken):
            SIGNER.check(Signer(KeyRing((pair,))).make(CLAIMS[Use.ACCESS]), Use.ACCESS, NOW)


def test_tokens_of_services_and_of_people_are_strangers_to_each_other() -> None:
    with pytest.raises(InvalidToken):
        SIGNER.check(make_token(PAIR, NOW), CONNECTING, NOW)
    with pytest.raises(AuthenticationFailed):
        TokenGate(KeyRing((PAIR,))).admit(SIGNER.make(CLAIMS[Use.ACCESS]), Moment(NOW, 0))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "HS512", "typ": "JWT"},
        {"alg": "RS256", "typ": "JWT"},
        {"alg": ["HS256"]},
        {"alg": "HS256", "crit": ["b64"], "b64": False},
        {"alg": "HS256", "crit": ["x"]},
        {"typ": "JWT"},
        {"alg": "HS256", "kid": 1},
        [1],
        b"\xff",
        b"{",
        b"[" * 700,
    ],
)
def test_the_algorithm_is_not_the_sender_s_choice(header: Any) -> None:
    genuine = json.loads(SIGNER._jws.decode(SIGNER.make(CLAIMS[Use.DEVICE]), KEY, ["HS256"]))
    assert SIGNER.check(signed(genuine), Use.DEVICE, NOW) == CLAIMS[Use.DEVICE]

    with pytest.raises(InvalidToken):
        SIGNER.check(signed(genuine, header), Use.DEVICE, NOW)


def test_a_token_without_a_signature_is_none() -> None:
    first, second, _ = SIGNER.make(CLAIMS[Use.DEVICE]).split(".")
    none = jwt.encode({"use": "device", "sub": "node-1", "jti": "d1", "iat": 1}, "", "none")
    for token in (f"{first}.{second}.", f"{first}.{second}", none):
        with pytest.raises(InvalidToken):
            SIGNER.check(token, Use.DEVICE, NOW)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{",
        [],
        {},
        {"use": "device", "sub": "n", "jti": "", "iat": 1},
        {"use": "device", "sub": "", "jti": "d", "iat": 1},
        {"use": "device", "sub": 5, "jti": "d", "iat": 1},
        {"use": "other", "sub": "n", "jti": "d", "iat": 1},
        {"use": "device", "sub": "n", "jti": "d", "iat": -1},
        {"use": "device", "sub": "n", "jti": "d", "iat": "1"},
        {"use": "device", "sub": "n", "jti": "d", "iat": 1, "exp": 2},
        {"use": "device", "sub": "n", "jti": "d", "iat": 1, "role": "admin"},
        {"use": "device", "sub": "n", "jti": "d", "iat": 1, "sid": "s"},
        {"use": "access", "sub": "n", "jti": "d", "iat": 1, "role": "admin", "sid": "s"},
        {"use": "access", "sub": "n", "jti": "d", "iat": 1, "exp": 9e9, "role": "admin"},
        {"use": "access", "sub": "n", "jti": "d", "iat": 1, "exp": 9e9, "sid": "s"},
        {"use": "access", "sub": "n", "jti": "d", "iat": 1, "exp": 9e9, "sid": "s", "role": "god"},
        {"use": "refresh", "sub": "n", "jti": "d", "iat": 1, "exp": 9e9},
        {"use": "refresh", "sub": "n", "jti": "d", "iat": 1, "exp": 9, "sid": "s", "role": "admin"},
    ],
)  # fmt: skip
def test_what_is_signed_but_is_no_token_is_refused(payload: Any) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.check(signed(payload), frozenset(Use), NOW)


@pytest.mark.parametrize("use", Use)
def test_claims_are_whole(use: Use) -> None:
    end = None if use is Use.DEVICE else NOW + 1
    with pytest.raises(InvalidToken):
        Claims(use, "x", "j", NOW, None if end else NOW, CLAIMS[use].role, sid=CLAIMS[use].sid)
    with pytest.raises(InvalidToken):
        Claims(use, "x", "j", NOW, end, None if CLAIMS[use].role else Role.ADMIN, sid="s")


def test_the_longest_name_fits_and_what_would_not_is_refused() -> None:
    long = Claims(Use.ACCESS, "u" * 64, "j" * 64, NOW, NOW, Role.OPERATOR, "\U0001f600" * 64, "s" * 64)  # fmt: skip # noqa: E501
    token = SIGNER.make(long)

    assert len(token) <= MAX_TOKEN
    assert SIGNER.check(token, Use.ACCESS, NOW) == long
    with pytest.raises(InvalidValue):
        SIGNER.make(Claims(Use.DEVICE, "\x01" * 128, "d", NOW))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "a" * 2000, "é.é.é", "\ud800..", "a\n.b.c"]
)
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.check(text, frozenset(Use), NOW)


@given(st.sampled_from(Use), st.integers(0, MAX_TOKEN), st.characters())
def test_no_character_of_a_token_can_be_another(use: Use, at: int, other: str) -> None:
    token = SIGNER.make(CLAIMS[use])
    at %= len(token)
    altered = token[:at] + other + token[at + 1 :]
    if altered == token:
        return

    with pytest.raises(InvalidToken) as caught:
        SIGNER.check(altered, frozenset(Use), NOW)

    told = "".join(traceback.format_exception(caught.value))
    assert token[-20:] not in told
    assert altered not in told


@given(st.sampled_from(Use), st.integers(0, MAX_TOKEN), st.text(max_size=5))
def test_nothing_can_be_left_out_of_a_token_or_put_into_it(use: Use, at: int, more: str) -> None:
    token = SIGNER.make(CLAIMS[use])
    at %= len(token)
    for altered in (token[:at], token[at + 1 :], token[:at] + more + "=" + token[at:], token + "="):
        with pytest.raises(InvalidToken):
            SIGNER.check(altered, frozenset(Use), NOW)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin1")))
def test_whatever_is_offered_is_refused_calmly(text: str) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.check(text, frozenset(Use), NOW)


def test_keys_are_in_no_representation() -> None:
    assert KEY.hex() not in repr(SIGNER)
    assert "Signer" in repr(SIGNER)
