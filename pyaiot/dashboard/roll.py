# SPDX-License-Identifier: BSD-3-Clause
"""Who there is and who may do what, as it was last read from the store. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from msgspec import structs

from pyaiot.messages.types import Device, NodeAccess, Person

T = TypeVar("T", Person, NodeAccess, Device)


@dataclass(frozen=True, slots=True)
class News:
    """What another reading of the store has brought; who is gone is marked so."""

    people: tuple[Person, ...]
    nodes: tuple[NodeAccess, ...]
    devices: tuple[Device, ...]

    def __bool__(self) -> bool:
        return bool(self.people or self.nodes or self.devices)


class Roll:
    """Accounts, nodes and devices by their ids."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.nodes: dict[str, NodeAccess] = {}
        self.devices: dict[str, Device] = {}
        self.edition = 0
        """Grows with whatever was new."""

    def person(self, id_: str) -> Person | None:
        """The account with this id."""
        return self.people.get(id_)

    def node(self, uid: str) -> NodeAccess | None:
        """What was said of who may do what with a node."""
        return self.nodes.get(uid)

    def device(self, uid: str) -> Device | None:
        """Who may be a node."""
        return self.devices.get(uid)

    def take(
        self, people: Iterable[Person], nodes: Iterable[NodeAccess], devices: Collection[Device]
    ) -> News:
        """Hold this instead of all that was known, and say what is new."""
        known = {**self.nodes, **self.devices}
        return self.update([*self.people], people, [*known], nodes, devices)

    def update(
        self,
        ids: Collection[str],
        people: Iterable[Person],
        uids: Collection[str],
        nodes: Iterable[NodeAccess],
        devices: Collection[Device],
    ) -> News:
        """Hold this of the accounts `ids` and the nodes `uids`, and say what is new.

        Who of these is not among the others is gone. Of a device that is gone it is told even where
        nothing was known: a node was forgotten, and others may still know what it said.
        """
        new_people = {each.id: each for each in people}
        new_nodes = {each.uid: each for each in nodes}
        forgotten = [each.uid for each in devices if each.gone]
        new_devices = {each.uid: each for each in devices if not each.gone}
        gone_people = _gone(self.people, new_people, ids)
        gone_nodes = _gone(self.nodes, new_nodes, uids)
        gone_devices = list(dict.fromkeys([*_gone(self.devices, new_devices, uids), *forgotten]))
        news = News(
            (
                *_changed(self.people, new_people),
                *(structs.replace(self.people[each], gone=True) for each in gone_people),
            ),
            (
                *_changed(self.nodes, new_nodes),
                *(NodeAccess(each, gone=True) for each in gone_nodes),
            ),
            (
                *_changed(self.devices, new_devices),
                *(Device(each, gone=True) for each in gone_devices),
            ),
        )
        _put(self.people, new_people, gone_people)
        _put(self.nodes, new_nodes, gone_nodes)
        _put(self.devices, new_devices, gone_devices)
        if news:
            self.edition += 1
        return news


def _changed(old: dict[str, T], new: dict[str, T]) -> list[T]:
    return [each for key, each in new.items() if old.get(key) != each]


def _gone(old: dict[str, T], new: dict[str, T], read: Collection[str]) -> list[str]:
    return [key for key in read if key in old and key not in new]


def _put(held: dict[str, T], new: dict[str, T], gone: Iterable[str]) -> None:
    held |= new
    for key in gone:
        held.pop(key, None)
