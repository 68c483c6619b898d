# SPDX-License-Identifier: BSD-3-Clause
"""What the directory tells a broker, and when; the store and the broker are the test's own."""

import asyncio
import logging
from collections.abc import Collection, Sequence

import msgspec
import pytest

from pyaiot.dashboard import directory as module
from pyaiot.dashboard.directory import ALERTS, PART, WAITING, Directory
from pyaiot.dashboard.roll import Roll
from pyaiot.errors import StoreFailed
from pyaiot.messages.codec import from_service
from pyaiot.messages.types import (
    Access,
    Alert,
    AlertState,
    Device,
    Devices,
    Message,
    NodeAccess,
    Pending,
    People,
    Person,
    Severity,
)
from pyaiot.model.access import Permission, Role
from pyaiot.store.versions import Changed
from tests.waiting import eventually

ANNA = Person("anna", Role.ADMIN)


class Book:
    """A store in memory, which may fail."""

    def __init__(self) -> None:
        self.number = 0
        self.persons: list[Person] = [ANNA]
        self.nodes: list[NodeAccess] = []
        self.things: list[Device] = []
        self.asked: list[Pending] = []
        self.reads = 0
        self.changed: Changed | None = None
        """What is said to be another; None: everything may be."""
        self.failing = False
        self.turn = asyncio.Event()

    def change(self) -> None:
        self.number += 1
        self.turn.set()

    async def version(self) -> int:
        if self.failing:
            raise StoreFailed("It is locked.")
        return self.number

    async def newer(self, known: int) -> int:
        while await self.version() == known:
            self.turn.clear()
            await self.turn.wait()
        return self.number

    async def changed_since(self, known: int) -> Changed | None:
        del known
        return self.changed

    async def people(self, ids: Collection[str] | None = None) -> Sequence[Person]:
        self.reads += 1
        return tuple(each for each in self.persons if ids is None or each.id in ids)

    async def access(self, uids: Collection[str] | None = None) -> Sequence[NodeAccess]:
        self.reads += 1
        return tuple(each for each in self.nodes if uids is None or each.uid in uids)

    async def devices(self, uids: Collection[str] | None = None) -> Sequence[Device]:
        return tuple(each for each in self.things if uids is None or each.uid in uids)

    async def ask(self, pending: Pending) -> None:
        await self.version()
        self.asked.append(pending)


def all_of(directory: Directory) -> list[Message]:
    """All that it has to say, in the pieces in which a link takes it; every one can be sent."""
    said: list[Message] = []
    codec = from_service()
    while some := directory.take(3):
        for each in some:
            frame = msgspec.json.encode(each)
            assert codec.decode(frame) == each
        said += some
    return said


async def test_a_broker_that_comes_is_told_everything() -> None:
    book = Book()
    book.nodes, book.things = [NodeAccess("n1", "anna")], [Device("n1", ("t",), bound=True)]
    directory = Directory(book, Roll())
    await directory.changed()
    # Nothing is told to nobody.
    assert not directory.take(10)
    for _ in range(2):
        directory.connected(frozenset())
        assert directory.connected_to_broker
        assert all_of(directory) == [
            People((ANNA,), whole=True),
            # Who has to be gone is, before anything is said of whose it was.
            Devices((Device("n1", ("t",), bound=True),), whole=True),
            Access((NodeAccess("n1", "anna"),), whole=True),
        ]
        directory.disconnected(refused=False)
    assert not directory.connected_to_broker

    book.nodes, book.things = [NodeAccess("n1", "")], []
    book.change()
    directory.connected(frozenset())
    all_of(directory)
    await directory.changed()
    assert all_of(directory) == [Devices((Device("n1", gone=True),)), Access((NodeAccess("n1"),))]
    # Nothing new: the store is not even read.
    reads = book.reads
    await directory.changed()
    assert (book.reads, all_of(directory)) == (reads, [])


async def test_only_what_is_another_is_read() -> None:
    book = Book()
    book.nodes, book.things = [NodeAccess("n1", "anna"), NodeAccess("n2", "anna")], [Device("n1")]
    directory = Directory(book, Roll())
    book.changed = Changed(frozenset(), frozenset())
    # The first time that is everything, whatever is said.
    await directory.changed()
    directory.connected(frozenset())
    all_of(directory)

    # What is not among what is said to be another is not looked at.
    book.persons, book.nodes, book.things = [], [NodeAccess("n2", "olaf")], []
    book.changed = Changed(frozenset(), frozenset({"n1", "n2"}))
    book.change()
    reads = book.reads
    await directory.changed()
    assert book.reads == reads + 1
    assert all_of(directory) == [
        Devices((Device("n1", gone=True),)),
        Access((NodeAccess("n2", "olaf"), NodeAccess("n1", gone=True))),
    ]
    book.changed = Changed(frozenset({"anna"}), frozenset())
    book.change()
    await directory.changed()
    assert all_of(directory) == [People((Person("anna", Role.ADMIN, gone=True),))]


async def test_lists_are_cut_into_parts_of_bounded_size() -> None:
    book = Book()
    shares = {f"user{number}": Permission.VIEW for number in range(256)}
    book.nodes = [NodeAccess(f"n{number}", "anna", shares=shares) for number in range(200)]
    directory = Directory(book, Roll())
    await directory.changed()
    directory.connected(frozenset())
    said = [each for each in all_of(directory) if isinstance(each, Access)]
    assert len(said) > 10
    assert [each.part for each in said] == list(range(len(said)))
    assert [each.last for each in said] == [False] * (len(said) - 1) + [True]
    assert all(each.whole for each in said)
    assert [node for each in said for node in each.nodes] == book.nodes
    assert max(len(msgspec.json.encode(each)) for each in said) < PART + 10_000


async def test_changes_of_anybody_are_told_at_once() -> None:
    book, roll = Book(), Roll()
    directory = Directory(book, roll)
    await directory.changed()
    directory.connected(frozenset())
    all_of(directory)
    running = asyncio.create_task(directory.run(None))
    try:
        await asyncio.sleep(0)
        book.persons.append(Person("olaf", Role.OPERATOR))
        book.change()
        await eventually(lambda: roll.person("olaf"))
        assert all_of(directory) == [People((Person("olaf", Role.OPERATOR),))]
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_store_that_fails_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    book, roll = Book(), Roll()
    directory = Directory(book, roll)
    await directory.changed()
    running = asyncio.create_task(directory.run(None))
    try:
        book.failing = True
        book.change()
        directory.received(Pending("n1", "CoAP", "[::1]:5683", 1.0))
        await eventually(lambda: not directory.well and directory.turned_away)
        await asyncio.sleep(0.05)
        book.failing = False
        book.persons = []
        book.change()
        await eventually(lambda: directory.well and roll.person("anna") is None)
    finally:
        running.cancel()
        await asyncio.wait([running])
    told = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert [each.getMessage() for each in told if "who may do what" in each.getMessage()] == [
        "The store cannot be asked who may do what, retrying: It is locked."
    ]


async def test_who_asks_to_be_let_in_is_remembered() -> None:
    book = Book()
    directory = Directory(book, Roll())
    for number in range(WAITING + 5):
        directory.received(Pending(f"n{number}", "CoAP", "[::1]:5683", 1.0))
    directory.received(Pending("n10", "CoAP", "[::1]:5683", 2.0))
    assert directory.turned_away == 5
    running = asyncio.create_task(directory.run(None))
    try:
        await eventually(lambda: len(book.asked) == WAITING)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert book.asked[-1] == Pending("n10", "CoAP", "[::1]:5683", 2.0)


async def test_alerts_wait_for_the_broker_within_bounds_and_come_after_who_may_see_them() -> None:
    directory = Directory(Book(), Roll())
    for number in range(ALERTS + 3):
        directory.alert(
            Alert(f"a{number}", "r", "n", "t", Severity.INFO, AlertState.RAISED, 1.0, "hot")
        )
    directory.connected(frozenset())
    said = all_of(directory)
    assert [type(each) for each in said[:3]] == [People, Devices, Access]
    assert [each.id for each in said if isinstance(each, Alert)] == [
        f"a{number}" for number in range(3, ALERTS + 3)
    ]
    directory.confirmed(len(said))
