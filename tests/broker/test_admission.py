# SPDX-License-Identifier: BSD-3-Clause
import itertools
import os

import pytest

from pyaiot.broker.admission import PERMISSIONS, Doorkeeper, House
from pyaiot.errors import (
    AuthenticationFailed,
    InvalidToken,
    OriginRefused,
    ReplayedToken,
    StaleToken,
)
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import TokenGate, make_token
from pyaiot.messages.types import Feature
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment

NOW = Moment(1_700_000_000.0, 5.0)
PAIR = KeyPair.generate(os.urandom)
ALL_FEATURES = "signed, batch,availability ,result,snapshot,teleport"


def keeper(**rules: object) -> Doorkeeper:
    return Doorkeeper(TokenGate(KeyRing((PAIR,))), House(**rules))  # type: ignore[arg-type]


def offer(token: str | None = None) -> dict[str, str]:
    return {"sec-websocket-protocol": f"token, {token or make_token(PAIR, NOW.wall)}"}


def signed(**more: str) -> dict[str, str]:
    return offer() | {"pyaiot-features": ALL_FEATURES} | more


def test_a_gateway_of_ours() -> None:
    visitor = keeper().gateway(signed(**{"pyaiot-name": "attic"}), NOW)
    assert visitor.pair is PAIR
    assert visitor.name == "attic"
    assert visitor.features == {
        Feature.BATCH,
        Feature.AVAILABILITY,
        Feature.RESULT,
        Feature.SIGNED,
    }
    assert visitor.token in signed()["sec-websocket-protocol"] or visitor.token


@pytest.mark.parametrize("features", [None, "batch,result"])
def test_who_cannot_sign_needs_permission(features: str | None) -> None:
    headers = offer() | ({} if features is None else {"pyaiot-features": features})
    with pytest.raises(AuthenticationFailed, match="--accept-unsigned"):
        keeper().gateway(headers, NOW)
    headers |= offer()
    visitor = keeper(accept_unsigned=True).gateway(headers, NOW)
    assert Feature.SIGNED not in visitor.features


@pytest.mark.parametrize(
    "offered",
    [None, "", "token", "token,", "basic,x", "token,a,b", ",token"],
)
def test_an_offer_that_is_none(offered: str | None) -> None:
    headers = {} if offered is None else {"sec-websocket-protocol": offered}
    with pytest.raises(InvalidToken, match=r"^Invalid subprotocols$"):
        keeper().gateway(headers, NOW)


def test_tokens_that_are_not_good() -> None:
    door = keeper()
    with pytest.raises(InvalidToken, match=r"^Invalid token$"):
        door.gateway(offer("garbage"), NOW)
    with pytest.raises(StaleToken, match="3600 s ago"):
        door.gateway(offer(make_token(PAIR, NOW.wall - 3600)), NOW)
    headers = signed()
    door.gateway(headers, NOW)
    with pytest.raises(ReplayedToken):
        door.gateway(headers, NOW)


@pytest.mark.parametrize(("name", "kept"), [("x" * 100, "x" * 64), ("a\tb", ""), ("\udc80", "")])
def test_a_name_is_only_for_show(name: str, kept: str) -> None:
    assert keeper().gateway(signed(**{"pyaiot-name": name}), NOW).name == kept


def test_a_list_of_features_without_end() -> None:
    headers = offer() | {"pyaiot-features": "x," * 1000 + "signed"}
    with pytest.raises(AuthenticationFailed):
        keeper().gateway(headers, NOW)


def test_a_client_with_a_token_may_everything() -> None:
    visitor = keeper().client(signed(origin="https://evil.example"), NOW)
    assert visitor.permissions == set(Permission)
    assert visitor.features == {
        Feature.SNAPSHOT,
        Feature.BATCH,
        Feature.AVAILABILITY,
        Feature.RESULT,
    }
    with pytest.raises(InvalidToken):
        keeper(anonymous=PERMISSIONS["control"]).client(offer("garbage"), NOW)
    with pytest.raises(InvalidToken):
        keeper(anonymous=PERMISSIONS["control"]).client({"sec-websocket-protocol": "token"}, NOW)


@pytest.mark.parametrize("word", ["view", "control", "script"])
def test_a_stranger_may_what_is_allowed(word: str) -> None:
    visitor = keeper(anonymous=PERMISSIONS[word]).client({"pyaiot-features": "result"}, NOW)
    assert visitor.permissions == PERMISSIONS[word]
    assert visitor.features == {Feature.RESULT}
    assert visitor.pair is None


def test_each_word_allows_more_than_the_one_before() -> None:
    allowed = [PERMISSIONS[word] for word in ("none", "view", "control", "script")]
    assert all(less < more for less, more in itertools.pairwise(allowed))
    assert Permission.SCRIPT not in PERMISSIONS["control"]
    assert PERMISSIONS["script"] == set(Permission)


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
def test_who_comes_by_a_proxy_is_no_neighbour(header: str) -> None:
    came = {header: "for=192.0.2.1"}
    concluded = keeper(anonymous=PERMISSIONS["script"], chosen=False)
    with pytest.raises(AuthenticationFailed, match="--anonymous what strangers may do"):
        concluded.client(came, NOW)
    assert concluded.client({}, NOW).permissions == set(Permission)
    assert concluded.client(signed(**came), NOW).permissions == set(Permission)
    assert keeper(anonymous=PERMISSIONS["view"]).client(came, NOW).permissions


def test_or_nothing() -> None:
    with pytest.raises(
        AuthenticationFailed, match="--anonymous=view, --anonymous=control or --anonymous=script"
    ):
        keeper(anonymous=PERMISSIONS["none"]).client({}, NOW)


def test_another_subprotocol_is_no_credential() -> None:
    visitor = keeper(anonymous=PERMISSIONS["view"]).client({"sec-websocket-protocol": "mqtt"}, NOW)
    assert not visitor.token


@pytest.mark.parametrize(
    ("origin", "host", "loopback", "allowed"),
    [
        ("http://pi.example:8080", "pi.example:8000", False, True),
        ("http://localhost:8080", "pi.example:8000", False, True),
        ("http://127.0.0.1", "127.0.0.1:8000", True, True),
        ("https://friend.example", "pi.example:8000", False, True),
        ("https://evil.example", "pi.example:8000", False, False),
        ("http://friend.example", "pi.example:8000", False, False),
        ("null", "pi.example:8000", False, False),
        ("http://rebound.example", "rebound.example:8000", True, False),
        ("http://[", "pi.example", False, False),
        ("http://a.example, http://b.example", "pi.example", False, False),
    ],
)
def test_pages_of_strangers(origin: str, host: str, loopback: bool, allowed: bool) -> None:
    door = keeper(
        anonymous=PERMISSIONS["control"],
        origins=("https://friend.example/",),
        loopback=loopback,
    )
    headers = {"origin": origin, "host": host}
    if allowed:
        door.client(headers, NOW)
    else:
        with pytest.raises(OriginRefused, match="--allow-origin"):
            door.client(headers, NOW)


def test_a_page_and_no_host() -> None:
    with pytest.raises(OriginRefused):
        keeper(anonymous=PERMISSIONS["view"]).client({"origin": "http://a.example"}, NOW)
