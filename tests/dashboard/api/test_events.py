# SPDX-License-Identifier: BSD-3-Clause
"""Live values as they are read; what the broker would say is said by the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from pyaiot.accounts.permissions import HouseRules
from pyaiot.dashboard import feed
from pyaiot.dashboard.api import events as module
from pyaiot.dashboard.api.readers import Readers
from pyaiot.dashboard.api.services import House
from pyaiot.messages.types import AvailabilityChanged, NodeAccess, Out, ToClient, Update
from pyaiot.model.access import EVERYTHING, Permission
from pyaiot.model.node import Availability, Reading, Twin
from pyaiot.store.store import Store
from tests.dashboard.api.asking import NOW, Place, ask, serving
from tests.waiting import eventually

PATH = "/api/v1/events"


class Told:
    """What comes over one connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def line(self) -> str:
        """The next line of the stream; empty between two events, and for the frame of a piece."""
        return (await asyncio.wait_for(self._reader.readline(), 20)).decode().rstrip("\r\n")

    async def next(self) -> tuple[str, Any]:
        name = ""
        while True:
            line = await self.line()
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))

    async def values(self, count: int) -> list[object]:
        return [(await self.next())[1].get("value") for _ in range(count)]

    async def rest(self) -> str:
        """All that still comes until the end."""
        return (await asyncio.wait_for(self._reader.read(), 20)).decode()


@asynccontextmanager
async def reading(url: str, query: str = "", **headers: str) -> AsyncIterator[Told]:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 17)
    lines = {"Host": place.netloc, "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"GET {PATH}{query} HTTP/1.1\r\n{head}\r\n".encode())
    answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode().lower()
    assert answer.startswith("http/1.1 200")
    assert "content-type: text/event-stream\r\n" in answer
    assert "cache-control: no-store\r\n" in answer
    try:
        yield Told(reader)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def say(place: Place, *messages: ToClient) -> None:
    """Have the broker say something."""
    live = place.services.live
    for each in messages:
        live._tell(live.mirror.apply(each, place.now))


def furnish(place: Place, nodes: Mapping[str, Mapping[str, object]]) -> None:
    for uid, values in nodes.items():
        twin = place.services.live.mirror.nodes[uid] = Twin(uid, place.now)
        for name, value in values.items():
            twin.put(Reading(name, value, place.now))  # type: ignore[arg-type]


def house(**rules: Any) -> House:
    return House(HouseRules(EVERYTHING, **rules))


async def test_what_happens_is_told_as_it_does() -> None:
    place = Place(house())
    furnish(place, {"n1": {"t": 1, "u": "x"}, "n2": {"t": 2}})
    async with serving(place.api(module.ENDPOINTS)) as url:
        async with reading(url, **place.bearer("olaf")) as told, reading(url, "?node=n2") as one:
            first = [await told.next() for _ in range(5)]
            assert [(name, data["uid"]) for name, data in first] == [
                ("node", "n1"), ("reading", "n1"), ("reading", "n1"), ("node", "n2"),
                ("reading", "n2"),
            ]  # fmt: skip
            assert first[1][1] == {"uid": "n1", "time": NOW, "endpoint": "t", "value": 1}
            assert await one.values(2) == [None, 2]
            late = AvailabilityChanged("n1", Availability.LATE, NOW)
            say(place, Update("n1", "t", 7), late, Update("n2", "t", 8), Out("n1"))
            rest = [await told.next() for _ in range(4)]
            assert [name for name, _ in rest] == ["reading", "node", "reading", "out"]
            assert rest[1][1]["availability"] == "late"
            assert await one.values(1) == [8]
            assert len(place.services.readers) == 2
        await eventually(lambda: not len(place.services.readers))


async def test_signs_of_life_where_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.03)
    monkeypatch.setattr(module, "LOOK", 0.01)
    place = Place(house())
    async with serving(place.api(module.ENDPOINTS)) as url, reading(url) as told:
        while await told.line() != ":":
            pass


async def test_what_may_be_seen_changes_while_it_is_read() -> None:
    place = Place(house(unclaimed="admins"))
    place.nodes = [NodeAccess("n1", "olaf"), NodeAccess("n2", "anna", shares={})]
    place.told()
    furnish(place, {"n1": {"t": 1}, "n2": {"t": 2}, "n3": {"t": 3}})
    async with serving(place.api(module.ENDPOINTS)) as url:  # noqa: SIM117
        async with reading(url, **place.bearer("olaf")) as told:
            assert await told.values(2) == [None, 1]
            say(place, Update("n2", "t", 20), Update("n3", "t", 30), Update("n1", "t", 10))
            assert await told.values(1) == [10]
            place.nodes[1] = NodeAccess("n2", "anna", shares={"olaf": Permission.VIEW})
            place.told()
            say(place, Update("n2", "t", 21))
            assert await told.values(1) == [21]
            # It may be on its way already when it is taken away.
            say(place, Update("n2", "t", 22), Update("n1", "t", 11))
            place.nodes[1] = NodeAccess("n2", "anna")
            place.told()
            assert await told.values(1) == [11]
            place.people["olaf"] = structs.replace(
                place.people["olaf"], role=place.people["anna"].role
            )
            place.told()
            say(place, Update("n3", "t", 31))
            assert await told.values(1) == [31]


@pytest.mark.parametrize("how", ["logout", "removed", "expired"])
async def test_it_ends_with_the_session(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    place = Place(house())
    furnish(place, {"n1": {"t": 1}})
    async with serving(place.api(module.ENDPOINTS)) as url:  # noqa: SIM117
        async with reading(url, **place.cookie("olaf")) as told, reading(url) as stranger:
            assert await told.values(2) == [None, 1]
            if how == "logout":
                place.people["olaf"] = structs.replace(place.people["olaf"], since=place.now + 1)
            elif how == "removed":
                del place.people["olaf"]
            else:
                place.now += 1801
            place.told()
            say(place, Update("n1", "t", 99))
            rest = await told.rest()
            assert "99" not in rest
            assert rest.endswith("0\r\n\r\n"), "it ends as a whole, so that nobody is alarmed"
            assert await stranger.values(3) == [None, 1, 99]


async def test_strangers_read_what_they_may(fast_store: Store) -> None:
    place = Place(house(), fast_store)
    place.nodes = [NodeAccess("n1", "olaf"), NodeAccess("n2", "olaf", public=Permission.VIEW)]
    place.told()
    furnish(place, {"n1": {"t": 1}, "n2": {"t": 2}})
    async with serving(place.api(module.ENDPOINTS)) as url:
        async with reading(url) as told:
            assert await told.values(2) == [None, 2]
        assert (await ask(url, PATH + "?node=n1")).code == "not_found"
        assert (await ask(url, PATH, Cookie="pyaiot_access=x")).status == 401
    nothing = Place(House(HouseRules()))
    async with serving(nothing.api(module.ENDPOINTS)) as url:
        assert (await ask(url, PATH)).status == 401


async def test_one_asker_reads_a_bounded_number_at_once() -> None:
    place = Place(house())
    place.services.readers = Readers(of_all=3, of_one=1)
    async with serving(place.api(module.ENDPOINTS)) as url:
        async with reading(url, **place.bearer("olaf")), reading(url, **place.bearer("vera")):
            refused = await ask(url, PATH, **place.bearer("olaf"))
            assert (refused.status, refused.code) == (503, "too_many_connections")
        await eventually(lambda: not len(place.services.readers))
        async with reading(url, **place.bearer("olaf")):
            assert len(place.services.readers) == 1


async def test_who_reads_slowly_gets_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that nobody takes wait once each, however often they change; none comes again."""
    lengths: list[int] = []
    monkeypatch.setattr(feed.Feed, "put", _noting(feed.Feed.put, lengths))
    place = Place(house())
    furnish(place, {"n1": {"t": 0}})
    pad = "x" * 50_000
    async with serving(place.api(module.ENDPOINTS)) as url, reading(url) as told:
        assert await told.values(2) == [None, 0]
        for number in range(2000):
            say(place, Update("n1", "t", f"{number} {pad}"))
            await asyncio.sleep(0)
        assert max(lengths) == 1
        say(place, Update("n1", "t", "last"))
        seen: list[str] = []
        while not seen or seen[-1] != "last":
            seen.append(str((await told.next())[1]["value"]).partition(" ")[0])
        numbers = [int(each) for each in seen[:-1]]
        assert numbers == sorted(set(numbers))
        assert len(numbers) < 1000


def _noting(put: Any, lengths: list[int]) -> Any:
    def noting(self: feed.Feed, change: Any) -> None:
        put(self, change)
        lengths.append(len(self))

    return noting


async def test_who_is_far_too_slow_is_told_everything_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = feed.Feed.__init__
    monkeypatch.setattr(
        feed.Feed, "__init__", lambda self, wanted, wake: made(self, wanted, wake, 3)
    )
    place = Place(house())
    furnish(place, {"n1": {"a": 0}})
    async with serving(place.api(module.ENDPOINTS)) as url, reading(url) as told:
        assert await told.values(2) == [None, 0]
        # All in one turn, so that nobody can have read it.
        say(place, *(Update("n1", name, name) for name in "abcdef"))
        assert await told.next() == ("again", {})
        assert await told.values(7) == [None, *"abcdef"]
        say(place, Update("n1", "a", 1))
        assert await told.values(1) == [1]
