# SPDX-License-Identifier: BSD-3-Clause
"""What waits for the broker, in order. Readings are kept until they have arrived.

All messages go through it, so that a reading can never overtake the message before it. What has
been taken stays until it is confirmed: a connection that breaks gives it back. So a reading is
sent at least once; twice means the same time twice, which its receiver can tell.

Where the broker says which readings are in the store (`Feature.STORED`), those that have arrived
stay as well until they are stored, apart from the others: a recorder that is away holds up nothing.

It is in memory; with a `Journal`, whatever it keeps survives this process too.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator
from itertools import chain, islice
from typing import Final, Protocol

from pyaiot.messages.types import Message, Update

BUSY: Final = 10_000
"""Readings that may wait at least while the broker is there; it may be busy for a moment."""

CONTROLS: Final = 20_000
"""Messages other than readings that may wait; more means that the broker does not keep up."""


class Journal(Protocol):
    """Where readings are written down. Nothing here raises."""

    def kept(self) -> list[Update]:
        """What an earlier spool kept, in order; asked once, before anything else."""

    def append(self, reading: Update) -> None:
        """Keep `reading` behind all others; it is written when this returns."""

    def release(self, number: int) -> None:
        """The first `number` of those kept need not be kept any more."""

    def drop(self, position: int) -> None:
        """Nor need the one that has `position` others before it."""


class Spool:
    """A queue of messages with a bound on its readings."""

    def __init__(self, limit: int, journal: Journal | None = None) -> None:
        """`limit` readings are kept while the broker is away; then each costs the oldest."""
        self._limit = self._kept_away = limit
        self._journal = journal
        self._away = True
        self._until_stored = False
        self._unstored: deque[Update] = deque()
        """Readings that have arrived, but are not known to be stored."""
        self._let_go = 0
        """Older ones of this connection, for which there was no room."""
        self._taken: deque[Message] = deque()
        self._stored_early = 0
        """How many of the readings taken are stored, though not known to have arrived."""
        self._waiting: deque[Message] = deque()
        self._readings = 0
        self._on_their_way = 0
        self._uids: Counter[str] = Counter()
        self.dropped = 0
        """Readings lost because there was no room for them."""
        self.unproven = 0
        """Readings that arrived and were let go for want of room before they were stored."""
        self._inherited: list[Update] = []
        """What an earlier spool kept, until `disown` need not tell it from the rest any more."""
        self.survivors: dict[str, float] = {}
        """The nodes of whom an earlier spool kept readings, and the time of the last."""
        for reading in () if journal is None else journal.kept():
            self._keep(reading)
            self._inherited.append(reading)
            time = reading.time if isinstance(reading.time, float | int) else 0.0
            self.survivors[reading.uid] = max(self.survivors.get(reading.uid, 0.0), time)
        self._trim()

    def __len__(self) -> int:
        """How many readings are kept, on their way or waiting."""
        return self._readings

    @property
    def overrun(self) -> bool:
        """Whether more waits than a broker that keeps up ever leaves waiting."""
        return len(self._waiting) > self._limit + CONTROLS

    @property
    def uids(self) -> list[str]:
        """The nodes of whom readings are kept."""
        return list(self._uids)

    def put(self, message: Message) -> None:
        """Keep `message` behind all others; while the broker is away only if it is a reading."""
        if isinstance(message, Update):
            if self._journal is not None:
                self._journal.append(message)
            self._keep(message)
            self._trim()
        elif not self._away:
            self._waiting.append(message)

    def take(self, limit: int) -> list[Message]:
        """The next messages, at most `limit`; they remain here until confirmed."""
        batch = list(islice(self._waiting, limit))
        for message in batch:
            self._taken.append(self._waiting.popleft())
            self._on_their_way += isinstance(message, Update)
        return batch

    def confirm(self, number: int) -> None:
        """The first `number` of the messages taken have arrived."""
        released = 0
        for _ in range(number):
            message = self._taken.popleft()
            if not isinstance(message, Update):
                continue
            self._on_their_way -= 1
            if self._until_stored and not self._stored_early:
                self._unstored.append(message)
                continue
            self._stored_early = max(0, self._stored_early - 1)
            self._discount(message)
            released += 1
        self._release(released)

    def stored(self, number: int) -> None:
        """The next `number` of the readings taken on this connection are in the store."""
        known = min(number, self._let_go)
        self._let_go -= known
        number -= known
        released = min(number, len(self._unstored))
        for _ in range(released):
            self._discount(self._unstored.popleft())
        self._release(released)
        early = self._stored_early + number - released
        self._stored_early = min(early, self._on_their_way)

    def resume(self, *, until_stored: bool = False) -> None:
        """The broker is there; `until_stored` if it will say which readings are in the store."""
        self._away = False
        self._until_stored = until_stored
        self._limit = max(self._kept_away, BUSY)

    def rewind(self, *, refused: bool = False) -> list[Message]:
        """The broker is gone: readings that are not done with wait again, before the others.

        If it `refused` a message, those that were on their way are dropped instead. Gives the
        messages other than readings; they are no longer kept.
        """
        everything = list(chain(self._unstored, self._taken, self._waiting))
        controls = [each for each in everything if not isinstance(each, Update)]
        done, lost = self._stored_early, 0
        if refused:
            lost = self._on_their_way - done
            self.dropped += lost
        kept = [each for each in everything if isinstance(each, Update)]
        first = len(self._unstored)
        for reading in kept[first : first + done + lost]:
            self._discount(reading)
            if self._journal is not None:
                self._journal.drop(first)
        self._waiting = deque(kept[:first] + kept[first + done + lost :])
        self._unstored.clear()
        self._taken.clear()
        self._on_their_way = self._stored_early = self._let_go = 0
        self._away, self._until_stored = True, False
        self._limit = self._kept_away
        self._trim()
        return controls

    def disown(self, uids: Collection[str]) -> None:
        """Drop what this process kept of these nodes and has not sent: somebody else said it.

        To be called once, when it becomes known whose words can be believed.
        """
        inherited = {id(each) for each in self._inherited}
        self._inherited.clear()
        position = len(self._unstored) + self._on_their_way
        kept: deque[Message] = deque()
        for message in self._waiting:
            if isinstance(message, Update):
                if message.uid in uids and id(message) not in inherited:
                    self._discount(message)
                    if self._journal is not None:
                        self._journal.drop(position)
                    continue
                position += 1
            kept.append(message)
        self._waiting = kept

    def _keep(self, reading: Update) -> None:
        self._waiting.append(reading)
        self._readings += 1
        self._uids[reading.uid] += 1

    def _trim(self) -> None:
        while self._readings > self._limit:
            if self._unstored:
                # The oldest, and the broker has it.
                self._discount(self._unstored.popleft())
                self._let_go += 1
                self.unproven += 1
                self._release(1)
                continue
            # Near the front: other messages are few, and none at all while the broker is away.
            found = (n for n, each in enumerate(self._waiting) if isinstance(each, Update))
            oldest = next(found, None)
            if oldest is None:
                break
            self._discount(self._waiting[oldest])
            del self._waiting[oldest]
            if self._journal is not None:
                self._journal.drop(self._on_their_way)
            self.dropped += 1

    def _release(self, number: int) -> None:
        if number and self._journal is not None:
            self._journal.release(number)

    def _discount(self, message: Message) -> None:
        if isinstance(message, Update):
            self._readings -= 1
            self._uids[message.uid] -= 1
            if not self._uids[message.uid]:
                del self._uids[message.uid]

    def __iter__(self) -> Iterator[Update]:
        """The readings that are kept, in order."""
        everything = chain(self._unstored, self._taken, self._waiting)
        return (each for each in everything if isinstance(each, Update))
