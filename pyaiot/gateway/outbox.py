# SPDX-License-Identifier: BSD-3-Clause
"""What goes to the broker next.

A broker that comes is told, in this order: that each node is there; the readings that were kept
while it was away, with their times; which nodes have gone and which have rebooted meanwhile; the
present value of each resource of which no kept reading told. New messages keep their place among
all this. Only kept readings are stored as messages, the rest is made when its turn comes.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from pyaiot.gateway.announcer import Announcer
from pyaiot.gateway.spool import Spool
from pyaiot.messages.types import Message, Update

WINDOW: Final = 10_000
"""Messages that may be on their way without the broker having confirmed them."""

MAX_RESENDS: Final = 256
"""Clients of a broker of the original that may wait for everything at once."""


class Outbox:
    """The order of all that one gateway sends."""

    def __init__(self, announcer: Announcer, spool: Spool) -> None:
        self._announcer = announcer
        self._spool = spool
        announcer.survivors = spool.survivors
        # None stands for a message of the spool, which keeps it itself.
        self._taken: deque[Message | None] = deque()
        self._greeting: Iterator[Message] = iter(())
        self._resends: dict[str, Iterator[Message]] = {}
        self._sent: deque[tuple[bool, int]] = deque()
        """How many readings in a row were sent that the spool keeps, or that it does not; those of
        which the broker is yet to say that they are stored."""
        self._stored = 0
        self._until_stored = False
        self._begun = False
        """Whether the broker that is there is told anything yet."""
        self._told: set[tuple[str, str]] | None = None
        """Resources told of since the broker came, until all have been."""

    def begin(self, *, until_stored: bool = False) -> None:
        """A broker is there; `until_stored` if it says which readings are in the store."""
        self._until_stored = until_stored
        self._begun = True
        self._spool.resume(until_stored=until_stored)
        kept = self._spool.uids
        self._told = set()
        self._greeting = self._introductions(self._announcer.uids(), kept)
        self._resends = {"": self._remainder(kept)}

    def end(self, *, refused: bool) -> list[Message]:
        """The broker is gone; gives what it may not have been told, other than readings.

        If it left because it `refused` a message, what was on its way is dropped: otherwise that
        message would be sent again, and refused again, for ever.
        """
        self._begun = False
        own = [message for message in self._taken if message is not None]
        self._taken.clear()
        self._sent.clear()
        self._stored = 0
        self._greeting = iter(())
        self._resends.clear()
        self._told = None
        return [*own, *self._spool.rewind(refused=refused)]

    def resend(self, dst: str) -> bool:
        """Send everything to the client `dst`; False if too many others wait for that."""
        if len(self._resends) >= MAX_RESENDS and dst not in self._resends:
            return False
        self._resends[dst] = self._everything(dst)
        return True

    def take(self, limit: int) -> list[Message]:
        """The next messages, at most `limit`, which are on their way then."""
        if not self._begun:
            return []
        limit = max(0, min(limit, WINDOW - len(self._taken)))
        batch = list(islice(self._greeting, limit))
        self._taken += batch
        kept = self._spool.take(limit - len(batch))
        self._taken += [None] * len(kept)
        batch += kept
        self._count(kept, by_spool=True)
        if self._told is not None:
            self._told.update((each.uid, each.endpoint) for each in kept if type(each) is Update)
        while self._resends and len(batch) < limit:
            dst, stream = next(iter(self._resends.items()))
            more = list(islice(stream, limit - len(batch)))
            if not more:
                del self._resends[dst]
            self._taken += more
            batch += more
            self._count(more, by_spool=False)
        return batch

    def confirm(self, number: int) -> None:
        """The first `number` of the messages on their way have arrived."""
        arrived = [self._taken.popleft() for _ in range(number)]
        self._spool.confirm(arrived.count(None))

    def stored(self, through: int) -> None:
        """The first `through` readings that were sent to this broker are in the store."""
        left, self._stored = through - self._stored, max(through, self._stored)
        while left > 0 and self._sent:
            by_spool, number = self._sent.popleft()
            done = min(left, number)
            if by_spool:
                self._spool.stored(done)
            if done < number:
                self._sent.appendleft((by_spool, number - done))
            left -= done

    def _count(self, messages: list[Message], *, by_spool: bool) -> None:
        if not self._until_stored:
            return
        number = sum(type(each) is Update for each in messages)
        if self._sent and self._sent[-1][0] is by_spool:
            number += self._sent.pop()[1]
        if number:
            self._sent.append((by_spool, number))

    def _introductions(self, uids: list[str], kept: list[str]) -> Iterator[Message]:
        introduced = set()
        for uid in uids:
            new = self._announcer.introduction(uid)
            if new is not None:
                introduced.add(uid)
                yield new
        for uid in kept:
            if uid not in introduced:
                yield self._announcer.revive(uid)

    def _remainder(self, kept: list[str]) -> Iterator[Message]:
        yield from self._announcer.farewells(frozenset(kept))
        for uid in kept:
            yield from self._announcer.lay(uid)
        for uid in self._announcer.uids():
            reset = self._announcer.take_reset(uid)
            if reset is not None:
                yield reset
            for update in self._announcer.values(uid):
                told = self._told or ()
                if reset is not None or (uid, update.endpoint) not in told:
                    yield update
        self._told = None

    def _everything(self, dst: str) -> Iterator[Message]:
        for uid in self._announcer.uids():
            new = self._announcer.introduction(uid, dst)
            if new is not None:
                yield new
                yield from self._announcer.values(uid, dst)
