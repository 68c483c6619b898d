# SPDX-License-Identifier: BSD-3-Clause
"""What the directory of accounts told: people, who may do what with nodes, who may be which node.

All of it stays known while no directory is connected.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from pyaiot.errors import InvalidContent, QueueFull
from pyaiot.messages.types import Access, Device, Devices, NodeAccess, People, Person

MAX_ENTRIES: Final = 1_000_000
"""Entries of one list."""


class Entry(Protocol):
    """One line of a list."""

    @property
    def gone(self) -> bool:
        """Whether it says that there is no such line any more."""


E = TypeVar("E", bound=Entry)


class _Coming(Generic[E]):
    """A whole list of which some parts have come."""

    def __init__(self) -> None:
        self.entries: dict[str, E] = {}
        self.parts = 0


class Listing(Generic[E]):
    """One list, by the key of its entries."""

    def __init__(self, key: Callable[[E], str], limit: int = MAX_ENTRIES) -> None:
        self.known: dict[str, E] = {}
        self.told = False
        """Whether a whole list has ever come."""
        self._key = key
        self._limit = limit
        self._coming: dict[str, _Coming[E]] = {}
        """What each source has begun to tell."""

    def whole(
        self, source: str, entries: Sequence[E], part: int, *, last: bool
    ) -> dict[str, E | None] | None:
        """Take one part of a whole list; what it changed once that is complete, None before.

        What changed is given as it was before. Raises InvalidContent for a part out of order and
        QueueFull for a list that is too long; what `source` said of this list is forgotten then.
        """
        coming = self._coming.pop(source, None)
        if part == 0:
            coming = _Coming()
        if coming is None or coming.parts != part:
            raise InvalidContent(f"Part {part} of a list comes out of order.")
        _apply(coming.entries, entries, self._key)
        coming.parts += 1
        self._check(len(coming.entries))
        if not last:
            self._coming[source] = coming
            return None
        former, self.known, self.told = self.known, coming.entries, True
        keys = former.keys() | self.known.keys()
        return {key: former.get(key) for key in keys if former.get(key) != self.known.get(key)}

    def changed(self, source: str, entries: Sequence[E]) -> dict[str, E | None]:
        """Take changes at once; what was known before of all that differs from it.

        Raises QueueFull where the list would become too long, and changes nothing.
        """
        fresh = {self._key(each) for each in entries if not each.gone} - self.known.keys()
        self._check(len(self.known) + len(fresh))
        coming = self._coming.get(source)
        if coming is not None:
            _apply(coming.entries, entries, self._key)
        former = {self._key(each): self.known.get(self._key(each)) for each in entries}
        _apply(self.known, entries, self._key)
        return {key: was for key, was in former.items() if was != self.known.get(key)}

    def abandon(self, source: str) -> None:
        """`source` will not tell the rest of its list."""
        self._coming.pop(source, None)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise QueueFull(f"A list must not have more than {self._limit} entries.")


class Directory:
    """The three lists."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self.people: Listing[Person] = Listing(lambda each: each.id, limit)
        self.access: Listing[NodeAccess] = Listing(lambda each: each.uid, limit)
        self.devices: Listing[Device] = Listing(lambda each: each.uid, limit)

    def take_people(self, source: str, message: People) -> dict[str, Person | None] | None:
        """As `Listing.whole` or `Listing.changed`."""
        if message.whole:
            return self.people.whole(source, message.people, message.part, last=message.last)
        return self.people.changed(source, message.people)

    def take_access(self, source: str, message: Access) -> dict[str, NodeAccess | None] | None:
        """As `Listing.whole` or `Listing.changed`."""
        if message.whole:
            return self.access.whole(source, message.nodes, message.part, last=message.last)
        return self.access.changed(source, message.nodes)

    def take_devices(self, source: str, message: Devices) -> dict[str, Device | None] | None:
        """As `Listing.whole` or `Listing.changed`."""
        if message.whole:
            return self.devices.whole(source, message.devices, message.part, last=message.last)
        return self.devices.changed(source, message.devices)

    def left(self, source: str) -> None:
        """A directory's connection ended; lists that it had not told to their end are void."""
        for listing in (self.people, self.access, self.devices):
            listing.abandon(source)


def _apply(known: dict[str, E], entries: Sequence[E], key: Callable[[E], str]) -> None:
    for each in entries:
        if each.gone:
            known.pop(key(each), None)
        else:
            known[key(each)] = each
