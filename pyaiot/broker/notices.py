# SPDX-License-Identifier: BSD-3-Clause
"""What a gateway is told besides commands: who may be which node, and what is stored.

Neither piles up for a gateway that reads slowly: it gets the newest of it when it reads again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pyaiot.messages.types import Device, Devices, Stored

PART_DEVICES: Final = 500
PART_BYTES: Final = 131_072
"""About how much goes into one message; a gateway takes a multiple of that."""


class Notices:
    """For one gateway."""

    def __init__(self) -> None:
        self._parts: Iterator[Devices] | None = None
        self._changed: dict[str, Device] = {}
        self._stored: int | None = None
        self._nobody = False

    def nobody(self) -> None:
        """Tell that nobody knows who may be which node, and that there is nobody to wait for."""
        self._nobody = True

    def whole(self, known: Mapping[str, Device]) -> None:
        """Tell all of `known`, as it is when it is told."""
        self._parts = _parts(known)
        self._changed.clear()
        self._nobody = False

    def change(self, devices: Iterable[Device]) -> None:
        """Tell what has become of these."""
        self._changed.update((each.uid, each) for each in devices)

    def stored(self, through: int) -> None:
        """Tell that the first `through` readings are stored."""
        self._stored = through

    def next(self) -> Devices | Stored | None:
        """What to tell next; None when all is told."""
        if self._stored is not None:
            through, self._stored = self._stored, None
            return Stored(through)
        if self._nobody:
            self._nobody = False
            return Devices(())
        if self._parts is not None:
            part = next(self._parts, None)
            if part is not None:
                return part
            self._parts = None
        if not self._changed:
            return None
        chosen = _first(list(self._changed.values()))
        for each in chosen:
            del self._changed[each.uid]
        return Devices(tuple(chosen))


def gone(uid: str) -> Device:
    """What is told of a node that nothing is known of any more."""
    return Device(uid, gone=True)


def _parts(known: Mapping[str, Device]) -> Iterator[Devices]:
    uids = tuple(known)
    place = number = 0
    while place < len(uids) or number == 0:
        window = [known.get(uid) or gone(uid) for uid in uids[place : place + PART_DEVICES]]
        chosen = _first(window)
        place += len(chosen)
        present = tuple(each for each in chosen if not each.gone)
        yield Devices(present, number, place >= len(uids), whole=True)
        number += 1


def _first(devices: list[Device]) -> list[Device]:
    """As many as make one message, at least one if there is any."""
    size = 0
    for count, each in enumerate(devices):
        size += len(each.uid) + sum(map(len, each.tokens)) + 64
        if count >= PART_DEVICES or (size > PART_BYTES and count):
            return devices[:count]
    return devices
