# SPDX-License-Identifier: BSD-3-Clause
"""What is cut out here must be what the sans-I/O core of websockets makes of the same bytes."""

import struct
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.utils import apply_mask

from pyaiot.broker.intake import Intake

REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LIMIT = 300
MASK = b"\x01\x80\x7f\xa5"


def masked(first: int, body: bytes, mask: bytes = MASK, size: int | None = None) -> bytes:
    """A frame of a client; `size`: bytes of the length, where it is not the shortest."""
    if size is None:
        size = 0 if len(body) < 126 else 2 if len(body) < 65_536 else 8
    code = {0: len(body), 2: 126, 8: 127}[size]
    length = len(body).to_bytes(size, "big") if size else b""
    return bytes((first, 0x80 | code)) + length + mask + apply_mask(body, mask)


class Mine:
    """An `Intake`, used as a connection uses it."""

    def __init__(self, request: Iterable[bytes] = (REQUEST,)) -> None:
        self.intake = Intake(LIMIT)
        self.seen: list[tuple[int, bytes]] = []
        self.parts: list[tuple[int, bool, bytes]] = []
        self.sent = b""
        self.ended = False
        for data in request:
            self.take(data)

    def take(self, data: bytes) -> None:
        if self.ended:
            return
        for event in self.intake.receive(data):
            if isinstance(event, bytes):
                self.parts.append((-1, True, event))
            elif isinstance(event, Frame):
                self.parts.append((event.opcode, event.fin, bytes(event.data)))
            else:
                core = self.intake.engine()
                core.send_response(core.accept(event))
                core.data_to_send()
                self.intake.release()
        self.flush()

    def end(self) -> None:
        if not self.ended:
            self.intake.end()
            self.flush()

    def flush(self) -> None:
        if self.intake.core is not None:
            for data in self.intake.core.data_to_send():
                self.sent += data
                self.ended = self.ended or not data
            self.intake.release()


class Theirs:
    """The core alone."""

    def __init__(self) -> None:
        self.core = ServerProtocol(max_size=LIMIT)
        self.core.receive_data(REQUEST)
        (request,) = self.core.events_received()
        assert isinstance(request, Request)
        self.core.send_response(self.core.accept(request))
        self.core.data_to_send()
        self.parts: list[tuple[int, bool, bytes]] = []
        self.sent = b""
        self.ended = False

    def take(self, data: bytes) -> None:
        if not self.ended:
            self.core.receive_data(data)
            self.flush()

    def end(self) -> None:
        if not self.ended:
            self.core.receive_eof()
            self.flush()

    def flush(self) -> None:
        for event in self.core.events_received():
            assert isinstance(event, Frame)
            self.parts.append((event.opcode, event.fin, bytes(event.data)))
        for data in self.core.data_to_send():
            self.sent += data
            self.ended = self.ended or not data


def alike(mine: Mine, theirs: Theirs) -> None:
    """Whether both saw and said the same until now."""
    assert len(mine.parts) == len(theirs.parts)
    for (opcode, *rest), (other, *others) in zip(mine.parts, theirs.parts, strict=True):
        assert rest == others
        assert opcode == other or (opcode == -1 and other in {1, 2})
    assert mine.sent == theirs.sent
    assert mine.ended == theirs.ended
    if theirs.core.state is OPEN:
        assert mine.intake.core is None or mine.intake.core.state is OPEN
    else:
        assert mine.intake.core is not None
        assert mine.intake.core.state is theirs.core.state
        assert type(mine.intake.core.parser_exc) is type(theirs.core.parser_exc)


FIRST = st.sampled_from(
    [0x81] * 8 + [0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88]
) | st.integers(0, 255)
BODIES = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=130),
    st.integers(120, LIMIT + 5).map(bytes),
    st.builds(
        lambda code, text: struct.pack("!H", code) + text.encode(),
        st.sampled_from([1000, 1001, 1005, 1006, 1011, 3000, 5000, 0]),
        st.text(max_size=10),
    ),
)
MASKS = st.binary(min_size=4, max_size=4)
FRAMES = st.one_of(
    st.builds(masked, FIRST, BODIES, MASKS),
    st.builds(masked, FIRST, BODIES, MASKS, st.sampled_from([2, 8])),
    st.builds(masked, st.just(0x81), BODIES, MASKS),
)
GARBAGE = st.binary(max_size=20) | st.sampled_from(
    [
        b"\x81\x00",
        b"\x81\x05hello",
        b"\x81\xff" + b"\xff" * 8,
        b"\x81\xfe\xff\xff",
        REQUEST,
        b"\x83",
    ]
)
STREAMS = st.lists(FRAMES | FRAMES | FRAMES | GARBAGE, max_size=12).map(b"".join)


@settings(max_examples=600, deadline=None)
@given(STREAMS, st.lists(st.integers(1, 60), min_size=1, max_size=12), st.booleans())
@example(b"".join(masked(0x81, bytes([65 + n])) for n in range(20)), [7], False)
@example(
    masked(0x01, b"a") + masked(0x89, b"p") + masked(0x80, b"b") + masked(0x81, b"c"), [1], True
)
@example(masked(0x01, bytes(200)) + masked(0x80, bytes(200)), [9], True)
@example(masked(0x01, bytes(200)) + masked(0x89, bytes(120)), [300], True)
@example(masked(0x81, b"a", size=8) + masked(0x82, b"b", size=2), [3], True)
@example(masked(0x88, b"\x03\xe8bye") + masked(0x81, b"late"), [400], True)
@example(masked(0x81, b"whole") + b"\x81\x80\x01", [2], True)
@example(masked(0xC1, b"rsv") + masked(0x81, b"after"), [4], False)
def test_it_agrees_with_the_core(stream: bytes, sizes: list[int], end: bool) -> None:
    mine, theirs = Mine(), Theirs()
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        mine.take(stream[at : at + size])
        theirs.take(stream[at : at + size])
        alike(mine, theirs)
        at += size
        turn += 1
    if end:
        mine.end()
        theirs.end()
        alike(mine, theirs)


@pytest.mark.parametrize(
    "request_bytes",
    [
        [REQUEST + masked(0x81, b"early")],
        [REQUEST + masked(0x81, b"early")[:3], masked(0x81, b"early")[3:]],
        [REQUEST[:50], REQUEST[50:] + masked(0x81, b"early")],
        [REQUEST[:-2], REQUEST[-2:], masked(0x81, b"early")],
        [bytes([each]) for each in REQUEST + masked(0x81, b"early")],
        [REQUEST + masked(0x81, b"\r\n\r\n", bytes(4)), masked(0x81, b"early")],
    ],
)
def test_what_comes_with_the_request_is_not_lost(request_bytes: list[bytes]) -> None:
    mine = Mine(request_bytes)
    mine.take(masked(0x01, b"fi"))
    mine.take(masked(0x80, b"nal"))
    assert [body for _, _, body in mine.parts][-3:] == [b"early", b"fi", b"nal"]
    assert not mine.ended


def test_an_idle_connection_holds_no_core() -> None:
    mine = Mine()
    assert mine.intake.core is None
    mine.take(masked(0x81, b"one")[:4])
    mine.take(masked(0x81, b"one")[4:])
    assert mine.intake.core is None
    mine.take(masked(0x89, b"ping"))
    assert mine.sent == b"\x8a\x04ping"
    assert mine.intake.core is None
