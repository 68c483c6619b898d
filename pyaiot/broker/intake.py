# SPDX-License-Identifier: BSD-3-Clause
"""What comes in on one connection: the request to connect, then frames.

All of it is the business of the sans-I/O core of ``websockets``, but for what a peer that means
well sends all the time: whole messages, each in a masked frame of its own (RFC 6455 section 5.2).
Those are cut out and unmasked here, in fewer steps. Every other frame goes to a core, as does
whatever it may refuse; a core that has nothing left to do is dropped, so that an idle connection
holds none.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover - built without its part in C
    from websockets.utils import apply_mask

Event: TypeAlias = "bytes | Frame | Request"
"""A whole message; a frame that is none; the request to connect."""

_HEAD_END: Final = b"\r\n\r\n"
_WHOLE: Final = frozenset({0x81, 0x82})
"""First bytes of frames that are whole messages: FIN, and the opcode of text or binary data."""
_MEDIUM: Final = 0x80 | 126
"""The second byte of a masked frame whose length is in the next two."""
_OPCODES: Final = frozenset({0, 1, 2, 8, 9, 10})

_quiet = logging.getLogger("pyaiot.broker.websocket")
# What the sans-I/O core logs of each connection is said better elsewhere, or not worth saying.
_quiet.setLevel(logging.CRITICAL + 1)


class Intake:
    """The incoming side of one connection."""

    __slots__ = ("_cuts", "_fed", "_limit", "_need", "_parts", "_rest", "core")

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of the longest message."""
        self.core: ServerProtocol | None = ServerProtocol(max_size=limit, logger=_quiet)
        self._limit = limit
        self._fed = False
        self._cuts = False
        """Whether frames are cut out here, so that the core is always between two of them."""
        self._rest: bytearray | None = None
        """The beginning of a frame."""
        self._need = 0
        """Bytes that `rest` must have before there is any sense in looking at it again."""
        self._parts: int | None = None
        """Bytes of the parts that have come of a message in parts."""

    def receive(self, data: bytes) -> Iterable[Event]:
        """What is in `data`, and in what came before it and was not complete.

        To be iterated to its end, unless nothing more is to be received at all.
        """
        if self._cuts:
            if (
                len(data) > 8
                and data[1] == _MEDIUM
                and 8 + (data[2] << 8 | data[3]) == len(data) <= self._limit
                and data[0] in _WHOLE
                and self._rest is None
                and self._parts is None
            ):
                return (apply_mask(data[8:], data[4:8]),)
            return self._cut(data)
        core = self.engine()
        core.receive_data(data)
        events = core.events_received()
        # The core must not have seen the beginning of a frame when others are kept from it.
        self._cuts = (
            not self._fed and len(events) == 1 and data.find(_HEAD_END) == len(data) - 4
        )  # fmt: skip
        self._fed = True
        return cast("list[Event]", events)  # responses come to clients only

    def end(self) -> None:
        """Nothing more will come."""
        core = self.engine()
        if self._rest is not None:
            core.receive_data(bytes(self._rest))
            self._rest = None
        core.receive_eof()

    def engine(self) -> ServerProtocol:
        """The core, to be told something; `release` it afterwards."""
        if self.core is None:
            self.core = ServerProtocol(state=OPEN, max_size=self._limit, logger=_quiet)
        return self.core

    def release(self) -> None:
        """Drop the core if it has nothing left to do; what it had to send must have been sent."""
        if self._cuts and self._parts is None and self.core is not None and self.core.state is OPEN:
            self.core = None

    def _cut(self, data: bytes) -> Iterator[Event]:
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data, self._rest = bytes(self._rest), None
        at, end = 0, len(data)
        while at < end:
            # Nearly every frame has a length of two bytes: a call for each is worth avoiding.
            if data[at] in _WHOLE and end - at > 8 and data[at + 1] == _MEDIUM:
                body = at + 8
                stop = body + (data[at + 2] << 8 | data[at + 3])
            else:
                body, stop = _extent(data, at, end)
            if body < 0 or stop - body > self._limit - (self._parts or 0):
                stop = end  # it will be refused, with all that follows
            elif stop > end:
                self._rest, self._need = bytearray(data[at:]), stop - at
                return
            elif self._parts is None and data[at] in _WHOLE:
                yield apply_mask(data[body:stop], data[body - 4 : body])
                at = stop
                continue
            yield from self._hand_over(data[at:stop])
            if self.core is not None and self.core.state is not OPEN:
                return
            at = stop

    def _hand_over(self, data: bytes) -> Iterator[Frame]:
        core = self.engine()
        core.receive_data(data)
        for frame in core.events_received():
            if not isinstance(frame, Frame):  # pragma: no cover - a core that is open asks nothing
                continue
            if frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                self._parts = None if frame.fin else (self._parts or 0) + len(frame.data)
            yield frame


def _extent(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins and ends.

    Its beginning is -1 if the frame cannot be right. While its header is not complete, its end is
    that of the header as far as it is known.
    """
    if data[at] & 0x0F not in _OPCODES:
        # A frame is refused for its opcode as soon as its second byte is there.
        return (-1, end) if end - at > 1 else (at + 2, at + 2)
    if end - at < 2:
        return at + 2, at + 2
    length = data[at + 1] - 0x80
    if length < 0:
        return -1, end
    if length < 126:
        return at + 6, at + 6 + length
    size = 2 if length == 126 else 8
    if end - at < 2 + size:
        return at + 2 + size, at + 2 + size
    body = at + 6 + size
    return body, body + int.from_bytes(data[at + 2 : at + 2 + size], "big")
