# SPDX-License-Identifier: BSD-3-Clause
"""Files of what was stored, while they are sent: how much waits, and who may go on reading."""

import asyncio
import contextlib
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from pyaiot.accounts.permissions import HouseRules
from pyaiot.dashboard.api import export as module
from pyaiot.dashboard.api.services import House
from pyaiot.errors import StoreFailed
from pyaiot.messages.types import NodeAccess
from pyaiot.model.access import EVERYTHING, Role
from pyaiot.model.samples import Sample
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.asking import NOW, Answer, Place, ask, parsed, serving
from tests.dashboard.api.people import Browser, at_home
from tests.waiting import eventually

PATH = "/api/v1/export"

ROWS = 100_000
AT_ONCE = 10_000
MUCH = 10 << 20
"""Bytes; all that is exported takes several times as much, and more still while it is rows."""


def sample(number: int, node: str = "n1") -> Sample:
    return Sample(node, "note", "", number * 1_000_000, None, f"{number} " + "x" * 120)


def resident() -> int:
    """Bytes of memory that this process takes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


async def test_a_slow_reader_costs_no_memory(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, ROWS, AT_ONCE):
        await fast_store.history.put([sample(start + each) for each in range(AT_ONCE)])
    read = 0
    exported = fast_store.history.export

    async def counted(selection: Any) -> AsyncIterator[list[Sample]]:
        nonlocal read
        async for page in exported(selection):
            read += len(page)
            yield page

    monkeypatch.setattr(fast_store.history, "export", counted)
    async with at_home(fast_store, clock, {"Ann": Role.ADMIN}) as (home, url, _):
        ann = Browser(url)
        await ann.log_in("Ann")
        small = await ann.get(f"/export?format=json&to={AT_ONCE}")
        assert len(json.loads(small.body)) == AT_ONCE
        read = 0
        before = resident()
        most = 0
        rows = 0
        headers = {"Cookie": f"pyaiot_access={ann.cookies['pyaiot_access']}"}
        async with narrow(url, f"{PATH}?format=csv", **headers) as reader:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            stopped = await still(lambda: read)
            # It waits for the reader, with what fits into the sockets' buffers on its way.
            assert stopped < ROWS / 2
            while piece := await asyncio.wait_for(reader.read(65_536), 20):
                rows += piece.count(b" xxx")
                most = max(most, resident() - before)
        assert rows == pytest.approx(ROWS, abs=0.001 * ROWS)  # some marks are cut in two
        assert read == ROWS
        assert most < MUCH
        await eventually(lambda: not len(home.services.exports))


async def still(count: Any) -> int:
    """A count that grows, once it does so no more."""
    last, quiet = -1, 0
    while quiet < 10:
        await asyncio.sleep(0.03)
        quiet = quiet + 1 if count() == last else 0
        last = count()
    return int(last)


@contextlib.asynccontextmanager
async def narrow(url: str, path: str, **headers: str) -> AsyncIterator[asyncio.StreamReader]:
    """A reader whose machine takes little at once."""
    place = urlsplit(url)
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (place.hostname, place.port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=65_536)
        lines = {"Host": place.netloc, "Connection": "close", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        try:
            yield reader
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class Shelf:
    """A history whose pages come when the test says so."""

    def __init__(self) -> None:
        self.pages: asyncio.Queue[list[Sample] | Exception | None] = asyncio.Queue()

    async def export(self, _selection: object) -> AsyncIterator[list[Sample]]:
        while (page := await self.pages.get()) is not None:
            if isinstance(page, Exception):
                raise page
            yield page

    def place(self) -> Place:
        store = cast("Store", SimpleNamespace(history=self))
        place = Place(House(HouseRules(EVERYTHING)), store)
        place.nodes = [NodeAccess("n1", "olaf"), NodeAccess("n2", "vera")]
        place.told()
        return place


async def begun(shelf: Shelf, place: Place, url: str) -> "asyncio.Task[bytes]":
    """A file that is being sent to Olaf, of which the first page has come."""
    who = place.bearer("olaf")

    async def read() -> bytes:
        async with narrow(url, f"{PATH}?format=csv", **who) as reader:
            began.set_result(await reader.readuntil(b" xxx"))
            return began.result() + await reader.read()

    began: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    shelf.pages.put_nowait([sample(1)])
    task = asyncio.create_task(read())
    await asyncio.wait_for(began, 20)
    return task


def numbers(raw: bytes) -> list[bytes]:
    return re.findall(rb",(\d+) xxx", raw)


async def test_what_is_taken_from_the_reader_is_not_sent() -> None:
    shelf = Shelf()
    place = shelf.place()
    async with serving(place.api(module.ENDPOINTS)) as url:
        task = await begun(shelf, place, url)
        place.nodes = [NodeAccess("n1", "vera"), NodeAccess("n2", "olaf")]
        place.told()
        for page in ([sample(2), sample(3, "n2")], [sample(4)], None):
            shelf.pages.put_nowait(page)
        raw = await task
        assert numbers(raw) == [b"1", b"3"]
        assert parsed(raw).status == 200


async def test_it_outlasts_the_token_but_not_the_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    place = shelf.place()
    async with serving(place.api(module.ENDPOINTS)) as url:
        task = await begun(shelf, place, url)
        place.now += 2000
        shelf.pages.put_nowait([sample(2)])
        await eventually(shelf.pages.empty)
        place.people["olaf"] = structs.replace(place.people["olaf"], since=NOW + 1)
        place.told()
        shelf.pages.put_nowait([sample(3)])
        raw = await task
        assert numbers(raw) == [b"1", b"2"]
        assert not raw.endswith(b"0\r\n\r\n"), "nobody may take the part for the whole"
        await eventually(lambda: not len(place.services.exports))
    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "ended" in caplog.text


async def test_a_store_that_fails_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    place = shelf.place()
    async with serving(place.api(module.ENDPOINTS)) as url:
        task = await begun(shelf, place, url)
        shelf.pages.put_nowait(StoreFailed("The disk is full."))
        assert not (await task).endswith(b"0\r\n\r\n")
        assert "Traceback" not in caplog.text
        assert "The disk is full." in caplog.text
        shelf.pages.put_nowait(StoreFailed("The disk is full."))
        # What fails before anything was sent is told as what it is.
        answer = await ask(url, PATH)
        assert (answer.status, answer.code) == (503, "store_failed")


async def test_who_goes_away_ends_it() -> None:
    shelf = Shelf()
    place = shelf.place()
    async with serving(place.api(module.ENDPOINTS)) as url:
        task = await begun(shelf, place, url)
        assert len(place.services.exports) == 1
        task.cancel()
        await eventually(lambda: not len(place.services.exports))


async def test_only_so_many_at_once() -> None:
    shelf = Shelf()
    place = shelf.place()
    async with serving(place.api(module.ENDPOINTS)) as url:
        asked = [asyncio.create_task(ask(url, PATH, **place.bearer("olaf"))) for _ in range(4)]
        await eventually(lambda: len(place.services.exports) == 4)
        refused: Answer = await ask(url, PATH, **place.bearer("olaf"))
        assert (refused.status, refused.code) == (503, "too_many_connections")
        for _ in asked:
            shelf.pages.put_nowait(None)
        assert {each.status for each in await asyncio.gather(*asked)} == {200}
