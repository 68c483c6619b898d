# SPDX-License-Identifier: BSD-3-Clause
"""In which order the resources of all nodes last changed.

A client that is too slow for everything needs no queue of its own: it is enough to remember up to
which number it has seen, and to go on from there with the newest value of whatever changed since.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

_SMALL: Final = 1024


class Numbered(Protocol):
    """Something that changes; `seq` is the number of its last change, 0 when it is gone."""

    seq: int


N = TypeVar("N", bound=Numbered)


class Journal(Generic[N]):
    """A log of changes in which only the last one of each thing counts."""

    __slots__ = ("_base", "_limit", "_recent", "_seqs", "_settled", "seq")

    def __init__(self) -> None:
        self.seq = 0
        """The number of the newest change."""
        self._settled: list[N] = []
        """What had changed when the journal was last compacted, in order."""
        self._seqs = array("Q")
        """The numbers of those changes."""
        self._recent: list[N] = []
        """What changed since then: the first with number `base` + 1, and none left out."""
        self._base = 0
        self._limit = _SMALL

    def touch(self, thing: N) -> None:
        """Note that `thing` changed."""
        self.seq = thing.seq = self.seq + 1
        recent = self._recent
        recent.append(thing)
        if len(recent) > self._limit:
            self._compact()

    def since(self, seq: int) -> Iterator[N]:
        """What changed after number `seq`, each thing once, the one unchanged longest first.

        The journal must not be touched while this is iterated.
        """
        if seq < self._base:
            for index in range(bisect_right(self._seqs, seq), len(self._settled)):
                thing = self._settled[index]
                if thing.seq == self._seqs[index]:
                    yield thing
        for index in range(max(0, seq - self._base), len(self._recent)):
            thing = self._recent[index]
            if thing.seq == self._base + index + 1:
                yield thing

    def _compact(self) -> None:
        self._settled = list(self.since(0))
        self._seqs = array("Q", (thing.seq for thing in self._settled))
        self._recent = []
        self._base = self.seq
        # As many again: each entry is moved a bounded number of times, however long this goes on.
        self._limit = max(_SMALL, len(self._settled))
