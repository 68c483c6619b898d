# SPDX-License-Identifier: BSD-3-Clause
"""Everything that happens, numbered, until a recorder says that it is stored.

Messages are kept in pieces of about one frame, so that keeping one costs next to nothing, and
giving away what is stored does not cost more the more there is.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Raw

from pyaiot.broker.peers import Service
from pyaiot.errors import InvalidContent
from pyaiot.messages.types import Recordable

PIECE_BYTES: Final = 131_072
PIECE_MESSAGES: Final = 1000
_OBJECT: Final = 48
"""Bytes that a message takes in memory beyond its own."""


class Wake(Protocol):
    """How a recorder is told that there is something."""

    def record(self) -> None:
        """There is something to be recorded; it may be gathered for a moment."""


class _Piece:
    """Some messages that follow each other."""

    __slots__ = ("first", "size", "wires")

    def __init__(self, first: int) -> None:
        self.first = first
        self.size = 0
        self.wires: list[bytes] = []

    @property
    def last(self) -> int:
        return self.first + len(self.wires) - 1


@dataclass(slots=True)
class _Progress:
    """How far one recorder is."""

    sent: int
    stored: int


class Recording:
    """The stream of one run of the broker."""

    def __init__(self, stream: str, limit: int, wake: Wake, *, expected: bool = False) -> None:
        """`limit`: bytes to keep; `expected`: whether to keep any before a recorder ever came."""
        self.expected = expected
        """Whether there is to be a recorder. As long as there is not, nothing is kept."""
        self.newest = 0
        """The number of the newest message."""
        self.stored = 0
        """Up to which number all is stored."""
        self.dropped = 0
        """Up to which number nothing is kept that was not stored."""
        self.lost = 0
        """How many there was no room for."""
        self.kept_bytes = 0
        self._stream = stream
        self._limit = limit
        self._wake = wake
        self._idle = False
        """Whether recorders have been sent all there is, and want to be woken."""
        self._piece = _Piece(1)
        self._pieces = [self._piece]
        self._recorders: dict[Service, _Progress] = {}

    @property
    def kept(self) -> int:
        """How many messages are kept."""
        return self.newest - max(self.stored, self.dropped)

    def put(self, wire: bytes) -> int:
        """Keep a message until it is stored; its number."""
        # Called for each reading.
        piece = self._piece
        piece.wires.append(wire)
        piece.size = size = piece.size + len(wire) + _OBJECT
        self.newest = number = self.newest + 1
        if size >= PIECE_BYTES or len(piece.wires) >= PIECE_MESSAGES:
            self._complete(piece)
        if self._idle:
            self._idle = False
            self._wake.record()
        return number

    def joined(self, recorder: Service) -> None:
        """A recorder connected; it gets whatever is not stored, again if need be."""
        self.expected = True
        self._recorders[recorder] = _Progress(self.stored, self.stored)
        self._wake.record()

    def left(self, recorder: Service) -> None:
        """A recorder's connection ended. Those that are left need not wait for it."""
        del self._recorders[recorder]
        if not self._recorders:
            self._idle = False
        self._advance()

    def told(self, recorder: Service, through: int) -> bool:
        """A recorder has stored everything up to `through`; whether more is stored by all now.

        Raises InvalidContent for what it was not sent.
        """
        progress = self._recorders[recorder]
        if through > progress.sent:
            raise InvalidContent(f"Number {through} cannot be stored: it was not sent yet.")
        progress.stored = max(progress.stored, through)
        return self._advance()

    def take(self, recorder: Service) -> Recordable | None:
        """What to send next; None when that is all."""
        progress = self._recorders[recorder]
        after = max(progress.sent, self.dropped, self.stored)
        if after >= self.newest:
            return None
        piece = self._pieces[bisect_left(self._pieces, after + 1, key=lambda each: each.last)]
        wires = piece.wires[after + 1 - piece.first :]
        progress.sent = piece.last
        return Recordable(self._stream, after + 1, tuple(map(Raw, wires)), self.lost)

    def rest(self) -> None:
        """Recorders have all there is, or cannot take more: wake them for the next message."""
        self._idle = bool(self._recorders)

    def _complete(self, piece: _Piece) -> None:
        self.kept_bytes += piece.size
        self._piece = _Piece(self.newest + 1)
        self._pieces.append(self._piece)
        while self.kept_bytes > self._limit and len(self._pieces) > 1:
            oldest = self._pieces.pop(0)
            self.kept_bytes -= oldest.size
            self.lost += oldest.last - max(self.stored, oldest.first - 1)
            self.dropped = oldest.last

    def _advance(self) -> bool:
        """Let go of what all recorders that are connected have stored."""
        stored = min((each.stored for each in self._recorders.values()), default=self.stored)
        if stored <= self.stored:
            return False
        self.stored = stored
        done = 0
        while done < len(self._pieces) - 1 and self._pieces[done].last <= stored:
            self.kept_bytes -= self._pieces[done].size
            done += 1
        del self._pieces[:done]
        return True
