# SPDX-License-Identifier: BSD-3-Clause
import pytest
from aiocoap import error
from aiocoap.message import Message
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.coap.datagram import MAX_OPTIONS, MAX_STRANGE, Head, Screen, options
from tests.gateway.coap import wire
from tests.gateway.coap.wire import Datagram


def test_head() -> None:
    screen = Screen()
    asked = wire.request(wire.POST, "alive", b"x", mid=0x1234)
    assert screen.head(asked.encode()) == Head(confirmable=True, request=True, mid=0x1234)
    asked.type = wire.NON
    assert screen.head(asked.encode()) == Head(confirmable=False, request=True, mid=0x1234)
    answered = Datagram(wire.ACK, wire.CONTENT, 7)
    assert screen.head(answered.encode()) == Head(confirmable=False, request=False, mid=7)
    assert not screen.head(Datagram(wire.CON, wire.EMPTY, 7).encode()).request


NUMBERS = st.integers(0, 0xFFFF)
OPTIONS = st.lists(st.tuples(NUMBERS, st.binary(max_size=300)), max_size=20)


@given(OPTIONS, st.binary(max_size=8), st.binary(max_size=50))
def test_options_are_found(wanted: list[tuple[int, bytes]], token: bytes, payload: bytes) -> None:
    datagram = Datagram(wire.CON, wire.GET, 1, token, wanted, payload).encode()
    assert list(options(datagram)) == sorted(wanted, key=lambda each: each[0])


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x40\x01\x00",
        b"\x00\x01\x00\x01",
        b"\xc0\x01\x00\x01",
        b"\x49\x01\x00\x01123456789",
        b"\x44\x01\x00\x01123",
        b"\x40\x01\x00\x01\xff",
        b"\x40\x01\x00\x01\xb5x",
        b"\x40\x01\x00\x01\xd0",
        b"\x40\x01\x00\x01\xe0\x01",
        b"\x40\x01\x00\x01\x0d",
        b"\x40\x01\x00\x01\xf0x",
        b"\x40\x01\x00\x01\x0fx",
        b"\x40\x01\x00\x01\xe0\xff\xff",
    ],
)
def test_broken_messages(broken: bytes) -> None:
    with pytest.raises(InvalidMessage):
        Screen().head(broken)


def test_options_of_wrong_length() -> None:
    for number, length in ((wire.MAX_AGE, 5), (wire.OBSERVE, 4), (wire.BLOCK1, 4), (5, 1)):
        fits = Datagram(0, wire.GET, 1, options=[(number, bytes(length - 1))])
        Screen().head(fits.encode())
        fits.options = [(number, bytes(length))]
        with pytest.raises(InvalidMessage):
            Screen().head(fits.encode())


def test_too_many_options() -> None:
    many = Datagram(0, wire.GET, 1, options=[(wire.URI_PATH, b"a")] * MAX_OPTIONS)
    Screen().head(many.encode())
    many.options.append((wire.URI_PATH, b"a"))
    with pytest.raises(InvalidMessage):
        Screen().head(many.encode())


def test_strange_options_and_formats_are_few() -> None:
    screen = Screen()
    strange = [(2000 + 2 * number, b"") for number in range(MAX_STRANGE // 2)]
    formats = [(wire.CONTENT_FORMAT, wire.uint(500 + number)) for number in range(MAX_STRANGE // 2)]
    for option in [*strange, *formats]:
        screen.head(Datagram(0, wire.GET, 1, options=[option]).encode())
    for option in [*strange, *formats, (wire.CONTENT_FORMAT, b""), (wire.CONTENT_FORMAT, b"\x28")]:
        screen.head(Datagram(0, wire.GET, 1, options=[option]).encode())
    for new in ((9999, b""), (wire.CONTENT_FORMAT, b"\x99\x99"), (17, b"\x99\x99")):
        with pytest.raises(InvalidMessage):
            screen.head(Datagram(0, wire.GET, 1, options=[new]).encode())


@given(st.binary(max_size=80).map(lambda rest: b"\x44\x02" + rest))
def test_what_passes_can_be_decoded(datagram: bytes) -> None:
    try:
        Screen().head(datagram)
    except InvalidMessage:
        return
    try:
        Message.decode(datagram)
    except (UnicodeDecodeError, error.UnparsableMessage):
        pytest.fail("a path that is no text") if _is_text(datagram) else None


def _is_text(datagram: bytes) -> bool:
    try:
        for number, value in options(datagram):
            if number in {3, 8, 11, 15, 20, 35, 39}:
                value.decode()
    except UnicodeDecodeError:
        return False
    return True
