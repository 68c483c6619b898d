# SPDX-License-Identifier: BSD-3-Clause
"""What a recorder decides: what it takes in, when it stores, what it confirms.

The broker numbers what happens and sends it until it is confirmed, after a new connection once
more. So whatever finds no room here is not lost: it is left out, with all that follows, and asked
for again by a new connection once there is room.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Raw

from pyaiot.messages.types import Recordable, Recorded, Stored
from pyaiot.model.moment import Moment
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.recorder.facts import Fact, Reader

TURN: Final = 200
"""Messages that are read before others have their turn."""

MAX_WAITING: Final = 200_000
"""Messages that may wait for the store."""

MAX_BATCH: Final = 50_000
"""Samples that are stored at once, about.

So many only gather where more comes than the store takes. Each series has its own place in the
database, and a page there is written whole for each batch: the more of a series come at once, the
fewer bytes are written for each.
"""


@dataclass(slots=True)
class Batch:
    """What is to be stored together."""

    stream: str
    through: int
    """The number of the last of its messages."""
    count: int = 0
    """Messages."""
    samples: list[Sample] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


@dataclass(slots=True)
class _Piece:
    """Messages that came in one frame, or what is left of them."""

    stream: str
    through: int
    messages: list[Raw]


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    received: int = 0
    """Messages taken in."""
    again: int = 0
    """Messages that came although they had come before."""
    unreadable: int = 0
    """Messages that were none."""
    lost: int = 0
    """Messages that the broker had no room for."""


class Core:
    """One recorder."""

    def __init__(
        self,
        decode: Callable[[Sequence[Raw]], tuple[list[Recorded], int]],
        *,
        gather: float = 0.1,
        rows: int = 1000,
        room: int = MAX_WAITING,
    ) -> None:
        """`decode` gives the messages that can be used, and how many cannot.

        `gather`: seconds for which readings gather, unless there are `rows` of them before.
        """
        self.counts = Counts()
        self.waiting = 0
        """Messages that have been taken in and not stored."""
        self._decode = decode
        self._gather = gather
        self._rows = rows
        self._room = room
        self._reader = Reader()
        self._unread: deque[_Piece] = deque()
        self._ready: Batch | None = None
        self._since = 0.0
        self._stream = ""
        self._newest = 0
        self._stored = 0
        self._confirmed = 0
        self._sent = 0
        self._gap = False

    # What the broker says

    def connected(self) -> None:
        """A connection begins: all that is not confirmed comes again."""
        self._gap = False
        self._sent = self._confirmed = 0

    def received(self, message: Recordable) -> None:
        """The broker sent what is to be recorded."""
        if message.stream != self._stream:
            self._stream = message.stream
            self._newest = self._stored = message.first - 1
            self._sent = self._confirmed = 0
            self.counts.lost += message.lost
        last = message.first + len(message.messages) - 1
        new = list(message.messages[max(0, self._newest + 1 - message.first) :])
        if self._gap or self.waiting + len(new) > self._room:
            self._gap = True
            return
        # The broker may have dropped what it had no room for once that had come here: only what
        # is missing is lost.
        self.counts.lost += max(0, message.first - 1 - self._newest)
        self._sent = last
        self.counts.again += len(message.messages) - len(new)
        if new:
            self._newest = last
            self.waiting += len(new)
            self.counts.received += len(new)
            self._unread.append(_Piece(message.stream, last, new))

    @property
    def starved(self) -> bool:
        """Whether there is room again for what was left out: a new connection would bring it."""
        return self._gap and self.waiting <= self._room // 2

    def confirmation(self) -> Stored | None:
        """What to tell the broker, if that is news."""
        # What was stored before this connection is confirmed once the broker has sent it again.
        through = min(self._stored, self._sent)
        if through <= self._confirmed:
            return None
        self._confirmed = through
        return Stored(through)

    # What is done with it

    def read(self, now: Moment) -> list[Fact] | None:
        """Read the next few messages; what they say, in order, or None where there are none."""
        if not self._unread:
            return None
        piece = self._unread[0]
        some, piece.messages = piece.messages[:TURN], piece.messages[TURN:]
        if not piece.messages:
            self._unread.popleft()
        messages, unreadable = self._decode(some)
        self.counts.unreadable += unreadable
        facts = self._reader.read(messages, now)
        batch = self._ready
        if batch is None or batch.stream != piece.stream:
            # What is left of a stream that has ended nobody waits for, but it is stored.
            self._since = now.steady
            self._ready = Batch(piece.stream, 0)
            if batch is not None:
                self._ready.samples, self._ready.sightings = batch.samples, batch.sightings
                self._ready.count = batch.count
            batch = self._ready
        batch.count += len(some)
        batch.through = piece.through - len(piece.messages)
        batch.samples += facts.samples
        batch.sightings += facts.sightings
        return facts.told

    @property
    def full(self) -> bool:
        """Whether as much has been read as is stored at once."""
        return self._ready is not None and len(self._ready.samples) >= MAX_BATCH

    def due(self, now: Moment) -> float | None:
        """Seconds until there is something to store; None: not before something comes."""
        if self._ready is None:
            return self._reader.heard_due(now)
        if len(self._ready.samples) >= self._rows:
            return 0.0
        return max(0.0, self._since + self._gather - now.steady)

    def batch(self, now: Moment) -> Batch | None:
        """What to store now; the next only after `stored`, or there would be an order to keep."""
        batch, self._ready = self._ready, None
        heard = self._reader.heard(now)
        if batch is None:
            if not heard:
                return None
            batch = Batch("", 0)
        batch.sightings += heard
        return batch

    def stored(self, batch: Batch) -> None:
        """All of `batch` is in the store for good."""
        self.waiting -= batch.count
        if batch.stream == self._stream:
            self._stored = max(self._stored, batch.through)

    def put_back(self, batch: Batch) -> None:
        """`batch` was not stored; it is first the next time."""
        later = self._ready
        if later is not None:
            batch.stream, batch.through = later.stream, later.through
            batch.count += later.count
            batch.samples += later.samples
            batch.sightings += later.sightings
        self._ready = batch
