# SPDX-License-Identifier: BSD-3-Clause
import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from pyaiot.errors import StoreFailed
from pyaiot.recorder import chronicle as module
from pyaiot.recorder.chronicle import ATTEMPTS, Chronicle
from pyaiot.store.alerts import Change, Closed
from tests.waiting import eventually


class Book:
    """A store that may be away, and takes some things never."""

    def __init__(self) -> None:
        self.kept: list[Change] = []
        self.away = False
        self.never: set[Change] = set()
        self.tidied = 0

    async def write(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        await asyncio.sleep(0)
        if self.away or self.never & set(changes):
            raise StoreFailed("It is away.")
        self.kept += changes

    async def tidy(self) -> int:
        self.tidied += 1
        raise StoreFailed("It is away.")


@asynccontextmanager
async def running(book: Book) -> AsyncIterator[Chronicle]:
    chronicle = Chronicle(book, retry=0.01)
    task = asyncio.create_task(chronicle.run())
    yield chronicle
    task.cancel()
    await asyncio.wait([task])


CHANGES = [Closed(str(number), number) for number in range(6)]


async def test_keeps_in_order_once_the_store_is_there() -> None:
    book = Book()
    book.away = True
    async with running(book) as chronicle:
        for change in CHANGES[:3]:
            chronicle.keep(change)
        await eventually(lambda: chronicle.trouble and book.tidied)
        assert "It is away." in chronicle.trouble
        book.away = False
        for change in CHANGES[3:]:
            chronicle.keep(change)
        await eventually(lambda: book.kept == CHANGES and not chronicle.trouble)
        assert chronicle.lost == 0


async def test_what_is_never_taken_holds_up_nothing_for_ever() -> None:
    book = Book()
    book.never.add(CHANGES[1])
    async with running(book) as chronicle:
        for change in CHANGES:
            chronicle.keep(change)
        await eventually(lambda: len(book.kept) == len(CHANGES) - 1)
        assert (chronicle.lost, CHANGES[1] in book.kept) == (1, False)
    assert ATTEMPTS > 1


async def test_waits_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    book = Book()
    book.away = True
    async with running(book) as chronicle:
        for change in CHANGES:
            chronicle.keep(change)
        assert chronicle.lost == 4
        book.away = False
        await eventually(lambda: book.kept == CHANGES[4:])
