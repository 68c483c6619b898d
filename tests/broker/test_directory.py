# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.broker.directory import Directory
from pyaiot.errors import InvalidContent, QueueFull
from pyaiot.messages.types import Access, Device, Devices, NodeAccess, People, Person
from pyaiot.model.access import Role

ANN = Person("ann", Role.OPERATOR)
BOB = Person("bob", Role.VIEWER)
EVE = Person("eve", Role.ADMIN)


def test_a_whole_list_counts_once_its_last_part_has_come() -> None:
    directory = Directory()
    assert directory.take_people("d", People((ANN,), 0, last=False, whole=True)) is None
    assert (directory.people.told, directory.people.known) == (False, {})
    assert directory.take_people("d", People((BOB,), 1, whole=True)) == {"ann": None, "bob": None}
    assert (directory.people.told, directory.people.known) == (True, {"ann": ANN, "bob": BOB})


def test_another_whole_list_says_what_it_changed() -> None:
    directory = Directory()
    directory.take_people("d", People((ANN, BOB), whole=True))
    newer = Person("bob", Role.ADMIN)
    changed = directory.take_people("e", People((newer, EVE), whole=True))
    assert changed == {"ann": ANN, "bob": BOB, "eve": None}
    assert directory.people.known == {"bob": newer, "eve": EVE}
    assert directory.take_people("e", People((newer, EVE), whole=True)) == {}


def test_changes_count_at_once() -> None:
    directory = Directory()
    node = NodeAccess("1", "ann")
    assert directory.take_access("d", Access((node,))) == {"1": None}
    assert not directory.access.told
    assert directory.take_access("d", Access((node,))) == {}
    gone = NodeAccess("1", gone=True)
    assert directory.take_access("d", Access((gone, NodeAccess("2", gone=True)))) == {"1": node}
    assert not directory.access.known


def test_changes_between_the_parts_of_a_list_are_in_it() -> None:
    directory = Directory()
    directory.take_devices("d", Devices((Device("1"),), 0, last=False, whole=True))
    directory.take_devices("d", Devices((Device("1", bound=True),)))
    directory.take_devices("d", Devices((), 1, whole=True))
    assert directory.devices.known == {"1": Device("1", bound=True)}


@pytest.mark.parametrize("part", [1, 3])
def test_a_part_out_of_order_voids_the_list(part: int) -> None:
    directory = Directory()
    directory.take_access("d", Access((NodeAccess("0"),)))
    directory.take_access("d", Access((NodeAccess("1"),), 0, last=False, whole=True))
    directory.take_access("d", Access((), 1, last=False, whole=True))
    with pytest.raises(InvalidContent, match=f"Part {part} of a list"):
        directory.take_access("d", Access((), part, whole=True))
    with pytest.raises(InvalidContent):
        directory.take_access("d", Access((), 2, whole=True))
    assert list(directory.access.known) == ["0"], "what was known still is"


def test_a_new_first_part_begins_anew() -> None:
    directory = Directory()
    directory.take_access("d", Access((NodeAccess("1"),), 0, last=False, whole=True))
    directory.take_access("d", Access((NodeAccess("2"),), 0, whole=True))
    assert list(directory.access.known) == ["2"]


def test_lists_of_two_directories_are_not_mixed_up() -> None:
    directory = Directory()
    directory.take_access("d", Access((NodeAccess("1"),), 0, last=False, whole=True))
    directory.take_access("e", Access((NodeAccess("2"),), 0, last=False, whole=True))
    directory.take_access("d", Access((), 1, whole=True))
    assert list(directory.access.known) == ["1"]
    directory.left("e")
    with pytest.raises(InvalidContent):
        directory.take_access("e", Access((), 1, whole=True))


def test_lists_are_bounded() -> None:
    directory = Directory(2)
    directory.take_people("d", People((ANN, BOB), whole=True))
    with pytest.raises(QueueFull, match="more than 2 entries"):
        directory.take_people("d", People((EVE,)))
    with pytest.raises(QueueFull):
        directory.take_people("d", People((ANN, BOB, EVE), whole=True))
    assert directory.people.known == {"ann": ANN, "bob": BOB}
    directory.take_people("d", People((BOB, Person("x", Role.VIEWER, gone=True))))
