# SPDX-License-Identifier: BSD-3-Clause
import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidValue
from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.coap.payload import (
    MAX_DIAGNOSTIC,
    announcement,
    confirmed_value,
    diagnostic,
    posted,
    value_of,
)

HOST = "fe80::1%tap0"


@pytest.mark.parametrize(
    ("body", "name", "rebooted"),
    [
        (b"Alive:1234", "1234", False),
        (b"alive:EE5F23232323232", "EE5F23232323232", False),
        (b"reset:EE5F23232323232", "EE5F23232323232", True),
        (b"alive:a:b:c", "c", False),
        (b"reset:a:b", "b", True),
        (b"alive: 12 ", "12", False),
        (b"alive:12\0\0\0", "12", False),
        (b"node-7", "node-7", False),
        (b"reset-node", "reset-node", True),
        (b"Reset:1", "1", False),
        ("alive:größe".encode(), "größe", False),
    ],
)
def test_announcement(body: bytes, name: str, rebooted: bool) -> None:
    assert announcement(body, HOST) == (name, Naming.UNIQUE, rebooted)


@pytest.mark.parametrize(
    ("body", "rebooted"),
    [
        (b"Alive", False),
        (b"alive", False),
        (b"reset", True),
        (b"alive:", False),
        (b"reset: ", True),
    ],
)
def test_firmwares_without_a_uid_are_named_after_their_host(body: bytes, rebooted: bool) -> None:
    assert announcement(body, HOST) == (HOST, Naming.LOCAL, rebooted)


def test_what_comes_to_reset_is_a_reboot() -> None:
    assert announcement(b"alive:1", HOST, reset=True) == ("1", Naming.UNIQUE, True)
    assert announcement(b"1", HOST, reset=True) == ("1", Naming.UNIQUE, True)


@pytest.mark.parametrize(
    "body", [b"", b"\0\0", b"  ", b"\xff\xfe", b"alive:\xff", b"alive:a\nb", b"alive:" + b"x" * 200]
)
def test_no_announcement(body: bytes) -> None:
    with pytest.raises(InvalidValue):
        announcement(body, HOST)


@pytest.mark.parametrize(
    ("body", "endpoint", "value"),
    [
        ("temperature:23.4°C".encode(), "temperature", "23.4°C"),
        (b"suit_state: 1", "suit_state", "1"),
        (b'position:{"lat":48.7,"lng":2.2}', "position", '{"lat":48.7,"lng":2.2}'),
        (b"led:1\0\0\0\0", "led", "1"),
        (b" led :1", "led", "1"),
        (b"cli/stats:3", "cli/stats", "3"),
        (b"/led:1", "led", "1"),
        (b"text:", "text", ""),
        (b"ribot:0:0:0\n", "ribot", "0:0:0\n"),
    ],
)
def test_posted(body: bytes, endpoint: str, value: str) -> None:
    assert posted(body) == (endpoint, value)


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"no colon", b":1", b" :1", b"\xff:1", b"a\nb:1", b"x" * 200 + b":1"]
)
def test_nothing_posted(body: bytes) -> None:
    with pytest.raises(InvalidValue):
        posted(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"0", "0"),
        (b"", ""),
        ("23.4°C".encode() + bytes(57), "23.4°C"),
        (b'imu:[{"type":"acc"}]', '[{"type":"acc"}]'),
        (b"imu: 1", "1"),
        (b"other:1", "other:1"),
        (b"line 1\nline 2\tend\r\n", "line 1\nline 2\tend\r\n"),
        (b"\x01", "AQ=="),
        (b"\xff\xfe", "//4="),
        (b"a\0b", "YQBi"),
        (b"\0\0", ""),
    ],
)
def test_value_of(body: bytes, value: str) -> None:
    assert value_of(body, "imu") == value


@given(st.binary())
def test_every_body_has_a_value(body: bytes) -> None:
    value = value_of(body, "x")
    value.encode()
    assert "\0" not in value
    if not body.rstrip(b"\0").isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            assert base64.b64decode(value) == body


@given(st.binary())
def test_posts_are_understood_or_refused(body: bytes) -> None:
    for parse in (lambda: announcement(body, HOST), lambda: posted(body)):
        with contextlib.suppress(InvalidValue):
            assert parse()


@given(st.text(alphabet="abc/", min_size=1, max_size=20), st.text(st.characters(codec="utf-8")))
def test_what_is_posted_arrives(name: str, value: str) -> None:
    if name == "/":
        return
    told = posted(f"{name}:{value}".encode())
    assert told.endpoint == name.removeprefix("/")
    assert told.value == value.rstrip("\0").strip(" ")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"led:1", "1"),
        (b"led: 1\0\0", "1"),
        (b"Updated", None),
        (b"other:1", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_confirmed_value(body: bytes, value: str | None) -> None:
    assert confirmed_value(body, "led") == value


def test_diagnostic_is_one_short_line() -> None:
    assert (
        diagnostic(b"no\r\n  such\tthing\x1b[31m\xff")
        == "no such thing[31m\N{REPLACEMENT CHARACTER}"
    )
    assert diagnostic(b"") == ""
    assert len(diagnostic(b"x" * 2000)) == MAX_DIAGNOSTIC
