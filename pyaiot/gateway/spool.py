# SPDX-License-Identifier: BSD-3-Clause
"""What waits for the broker, in order. Readings are kept until they have arrived.

All messages go through it, so that a reading can never overtake the message before it. What has
been taken stays until it is confirmed: a connection that breaks gives it back. So a reading is
sent at least once; twice means the same time twice, which its receiver can tell.

This spool is in memory. Its methods are all that its users rely on, so that one on disk fits too.
"""

from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from pyaiot.messages.types import Message, Update

BUSY: Final = 10_000
"""Readings that may wait at least while the broker is there; it may be busy for a moment."""

CONTROLS: Final = 20_000
"""Messages other than readings that may wait; more means that the broker does not keep up."""


class Spool:
    """A queue of messages with a bound on its readings."""

    def __init__(self, limit: int) -> None:
        """`limit` readings are kept while the broker is away; then each costs the oldest."""
        self._limit = self._kept_away = limit
        self._away = True
        self._waiting: deque[Message] = deque()
        self._taken: deque[Message] = deque()
        self._readings = 0
        self._uids: Counter[str] = Counter()
        self.dropped = 0
        """Readings lost because there was no room for them."""

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
        if self._away and not isinstance(message, Update):
            return
        self._waiting.append(message)
        if isinstance(message, Update):
            self._readings += 1
            self._uids[message.uid] += 1
            self._trim()

    def take(self, limit: int) -> list[Message]:
        """The next messages, at most `limit`; they remain here until confirmed."""
        batch = list(islice(self._waiting, limit))
        for _ in batch:
            self._taken.append(self._waiting.popleft())
        return batch

    def confirm(self, number: int) -> None:
        """The first `number` of the messages taken have arrived."""
        for _ in range(number):
            self._discount(self._taken.popleft())

    def resume(self) -> None:
        """The broker is there."""
        self._away = False
        self._limit = max(self._kept_away, BUSY)

    def rewind(self, *, refused: bool = False) -> list[Message]:
        """The broker is gone: readings that were not confirmed wait again, before the others.

        If it `refused` a message, those that were on their way are dropped instead. Gives the
        messages other than readings; they are no longer kept.
        """
        controls = [each for each in self._everything() if not isinstance(each, Update)]
        if refused:
            self.dropped += sum(isinstance(each, Update) for each in self._taken)
            self.confirm(len(self._taken))
        self._waiting = deque(each for each in self._everything() if isinstance(each, Update))
        self._taken.clear()
        self._away = True
        self._limit = self._kept_away
        self._trim()
        return controls

    def _everything(self) -> Iterator[Message]:
        return chain(self._taken, self._waiting)

    def _trim(self) -> None:
        while self._readings > self._limit:
            # Near the front: other messages are few, and none at all while the broker is away.
            found = (n for n, each in enumerate(self._waiting) if isinstance(each, Update))
            oldest = next(found, None)
            if oldest is None:
                break
            self._discount(self._waiting[oldest])
            del self._waiting[oldest]
            self.dropped += 1

    def _discount(self, message: Message) -> None:
        if isinstance(message, Update):
            self._readings -= 1
            self._uids[message.uid] -= 1
            if not self._uids[message.uid]:
                del self._uids[message.uid]
