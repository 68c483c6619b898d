# SPDX-License-Identifier: BSD-3-Clause
"""Which readings of one gateway's connection are stored: those that it need not keep any more."""

from collections import deque


class Receipts:
    """Counts the readings of one connection, in the order in which they came."""

    __slots__ = ("_told", "_waiting", "broken", "done")

    def __init__(self) -> None:
        self.done = 0
        """How many, from the first on, are stored or need not be."""
        self.broken = False
        """Whether one was lost on the way, so that no later one can count: the gateway is to
        connect and send again."""
        self._told = 0
        self._waiting: deque[int] = deque()
        """Their numbers in the stream."""

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, number: int) -> None:
        """A reading came, and is on its way to the store with this number."""
        if not self.broken:
            self._waiting.append(number)

    def skip(self) -> None:
        """A reading came that will not be stored, as it cannot be used."""
        if self._waiting:
            self._waiting.append(0)
        elif not self.broken:
            self.done += 1

    def stored(self, through: int) -> None:
        """Everything up to this number is stored."""
        waiting = self._waiting
        while waiting and waiting[0] <= through:
            waiting.popleft()
            self.done += 1

    def lost(self, dropped: int) -> None:
        """What has a number up to this one and is not stored never will be."""
        # Numbers only grow, so the first that is one is the smallest.
        if 0 < next(filter(None, self._waiting), 0) <= dropped:
            self.broken = True
            self._waiting.clear()

    def news(self) -> int | None:
        """How many are done, if that was not told yet."""
        if self.done == self._told:
            return None
        self._told = self.done
        return self.done
