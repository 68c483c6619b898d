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

    __slots__ = ("_entries", "_limit", "_seqs", "seq")

    def __init__(self) -> None:
        self.seq = 0
        """The number of the newest change."""
        self._seqs = array("Q")
        self._entries: list[N] = []
        self._limit = _SMALL

    def touch(self, thing: N) -> None:
        """Note that `thing` changed."""
        self.seq = thing.seq = seq = self.seq + 1
        self._seqs.append(seq)
        self._entries.append(thing)
        if len(self._entries) > self._limit:
            self._compact()

    def since(self, seq: int) -> Iterator[N]:
        """What changed after number `seq`, each thing once, the one unchanged longest first.

        The journal must not be touched while this is iterated.
        """
        for index in range(bisect_right(self._seqs, seq), len(self._entries)):
            thing = self._entries[index]
            if thing.seq == self._seqs[index]:
                yield thing

    def _compact(self) -> None:
        # Doubling: each entry is moved a bounded number of times, however long this goes on.
        self._entries = [
            thing for seq, thing in zip(self._seqs, self._entries, strict=True) if thing.seq == seq
        ]
        self._seqs = array("Q", (thing.seq for thing in self._entries))
        self._limit = max(_SMALL, 2 * len(self._entries))
