# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event

from pyaiot.model.retention import FOREVER, Keep, Policy
from pyaiot.model.samples import Sample, samples_of
from pyaiot.store.export import Export, Selection
from pyaiot.store.history import History, Reading
from pyaiot.store.series import MAX_OF_RESOURCE, SeriesKey
from pyaiot.store.store import Store
from pyaiot.store.summaries import HOUR, MINUTE
from tests.contracts.store import Clock

SECOND = 1_000_000
T0 = 1_790_000_000 * SECOND - 1_790_000_000 * SECOND % HOUR
KEY = SeriesKey("node", "temperature")


def sample(time: int, number: float | None = 1.0, *, key: SeriesKey = KEY, text: str | None = None,
           unit: str = "") -> Sample:  # fmt: skip
    return Sample(*key, time, number, text, unit)


def wave(start: int, count: int, step: int = SECOND, key: SeriesKey = KEY) -> list[Sample]:
    return [sample(start + n * step, math.sin(n / 50) * 100 + n % 7, key=key) for n in range(count)]


@pytest.fixture
def history(store: Store) -> History:
    return store.history


async def exported(history: History, **selection: object) -> list[Sample]:
    pages = history.export(Selection(**selection))  # type: ignore[arg-type]
    return [each async for page in pages for each in page]


class TestPut:
    async def test_once(self, history: History) -> None:
        samples = [sample(T0 + n, float(n)) for n in range(5)]
        assert await history.put([]) == 0
        assert await history.put(samples[:3]) == 3
        assert await history.put(samples) == 2
        assert await history.put([*samples, *samples]) == 0
        assert await history.put([sample(T0, 99.0)]) == 0
        rows = await history.rows(KEY, T0, T0 + 10, limit=10)
        assert rows == [Reading(T0 + n, float(n), None) for n in range(5)]

    async def test_many_at_once(self, history: History) -> None:
        keys = [SeriesKey("node", f"r{n % 100}") for n in range(5000)]
        samples = [sample(T0 + n // 100, float(n), key=key) for n, key in enumerate(keys)]
        samples[4321] = sample(T0 + 43, None, text="a text", key=keys[4321])
        again = sample(T0, -1.0, key=keys[0])
        assert await history.put([*samples, again]) == 5000
        assert await history.put([again, *samples]) == 0
        rows = await history.rows(SeriesKey("node", "r21"), 0, T0 + 99, limit=99)
        assert rows == [
            Reading(T0 + n, *((None, "a text") if n == 43 else (n * 100 + 21.0, None)))
            for n in range(50)
        ]
        assert (await history.rows(keys[0], 0, T0 + 1, limit=9)) == [Reading(T0, 0.0, None)]

    async def test_any_value(self, history: History) -> None:
        value = {"t": "21.5°C", "text": "a\0b 漢", "on": True, "none": None, "deep": [1, {"x": 2}]}
        samples = samples_of("n", "r", value, T0 / SECOND)  # type: ignore[arg-type]
        assert await history.put(samples) == len(samples)
        latest = await history.latest("n")
        assert sorted(latest, key=lambda each: each.path) == sorted(
            samples, key=lambda each: each.path
        )

    async def test_series(self, history: History) -> None:
        other = SeriesKey("other", "imu", "acc.x")
        await history.put([sample(T0), sample(T0 + 5, unit="°C"), sample(T0 + 9, key=other)])
        await history.put([sample(T0 + 7)])
        mine, others = await history.series()
        assert mine == (KEY, "°C", T0, T0 + 7)
        assert others == (other, "", T0 + 9, T0 + 9)
        assert await history.series("other") == [others]
        assert await history.series(nodes=["node", "nobody"]) == [mine]
        assert await history.series(nodes=[]) == []
        assert await history.series("nobody") == []
        assert await history.latest("nobody") == []
        assert [each.time_us for each in await history.latest(nodes={"other"})] == [T0 + 9]

    async def test_the_latest_of_long_texts(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.store.export.ROOM", 1000)
        monkeypatch.setattr("pyaiot.store.export._STEP", 2)
        keys = [SeriesKey("node", f"r{n}") for n in range(9)]
        await history.put([sample(T0, None, key=key, text="x" * 300) for key in keys])
        cut = await history.latest(longest=10)
        assert {(each.resource, each.text) for each in cut} == {
            (key.resource, "x" * 10) for key in keys
        }
        # Somebody is to see them whole, but not more than there is room for.
        assert [each.text for each in await history.latest("node")] == ["x" * 300] * 4

    async def test_known_after_a_restart(self, store_url: str, clock: Clock) -> None:
        for time in (T0, T0 + 1):
            store = await Store.open(store_url, clock)
            assert await store.history.put([sample(T0), sample(time, unit="K")]) == 1
            await store.close()
        store = await Store.open(store_url, clock)
        assert len(await store.history.series()) == 1
        await store.close()

    async def test_ever_new_members_are_refused(self, history: History) -> None:
        keys = [SeriesKey("node", "chatty", str(n)) for n in range(MAX_OF_RESOURCE + 10)]
        for start in range(0, len(keys), 30):
            await history.put([sample(T0, key=key) for key in keys[start : start + 30]])
        assert len(await history.series()) == MAX_OF_RESOURCE
        assert history.refused == 10
        assert await history.put([sample(T0, key=keys[-1]), sample(T0 + 1, key=keys[0])]) == 1
        assert history.refused == 11

    async def test_ever_new_resources_are_refused(
        self, history: History, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.store.series.MAX_OF_NODE", 20)
        keys = [SeriesKey("node", f"r{n}") for n in range(25)]
        assert await history.put([sample(T0, key=key) for key in keys]) == 20
        assert await history.put([sample(T0, key=SeriesKey("other", "r"))]) == 1
        assert (len(await history.series("node")), history.refused) == (20, 5)
        # What is refused again and again is not looked for again and again.
        looked: list[Sequence[str]] = []
        look_up = history._book._look_up

        async def counted(connection: Any, nodes: Sequence[str]) -> None:
            looked.append(nodes)
            await look_up(connection, nodes)

        monkeypatch.setattr(history._book, "_look_up", counted)
        for n in range(3):
            assert await history.put([sample(T0 + n, key=keys[-1])]) == 0
        assert (await history.put([sample(T0 + 9, unit="V", key=keys[0])]), history.refused) == (
            1, 8,
        )  # fmt: skip
        assert not any(looked)
        # Once others are gone there is room.
        clock.time = (T0 + 3 * HOUR) / SECOND
        await history.summarise(T0 + 3 * HOUR)
        done = False
        while not done:
            _, done = await history.expire(Policy(Keep(60, 60, 60)), 500)
        assert await history.put([sample(T0 + 3 * HOUR, key=keys[-1])]) == 1

    async def test_goes_on_where_somebody_let_go_of_a_series(
        self, store: Store, history: History
    ) -> None:
        from sqlalchemy import delete

        from pyaiot.store.schema import SERIES

        await history.put([sample(T0)])
        async with store._engine.writing() as connection:
            await connection.execute(delete(SERIES))
        assert await history.put([sample(T0 + 1)]) == 1
        assert await history.rows(KEY, 0, T0 + 9, limit=9) == [Reading(T0 + 1, 1.0, None)]


class TestRows:
    async def test_pages(self, history: History) -> None:
        await history.put([sample(T0 + n, float(n)) for n in range(10)])
        first = await history.rows(KEY, T0, T0 + 9, limit=5)
        second = await history.rows(KEY, T0, T0 + 9, limit=5, after=first[-1].time_us)
        assert [row.number for row in first + second] == list(range(9))
        last = await history.rows(KEY, T0, T0 + 99, limit=3, newest_first=True)
        assert [row.number for row in last] == [9, 8, 7]
        before = await history.rows(
            KEY, T0, T0 + 99, limit=3, newest_first=True, after=last[-1].time_us
        )
        assert [row.number for row in before] == [6, 5, 4]
        assert await history.rows(SeriesKey("no", "such"), T0, T0 + 9, limit=5) == []

    async def test_fewer_where_texts_are_long(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.store.export.ROOM", 1000)
        monkeypatch.setattr("pyaiot.store.export._STEP", 2)
        await history.put([sample(T0 + n, None, text="x" * 300) for n in range(9)])
        sizes, after, more = [], None, True
        while more:
            found, more = await history.page(KEY, T0, T0 + 9, 7, after)
            sizes.append(len(found))
            after = found[-1].time_us
        assert sizes == [4, 4, 1]
        found, more = await history.page(KEY, T0, T0 + 3, 3)
        assert (len(found), more) == (3, False)
        assert await history.page(SeriesKey("no", "t"), T0, T0 + 9, 7) == ([], False)


class TestCourse:
    async def test_each_reading_where_they_are_few(self, history: History) -> None:
        await history.put([sample(T0 + n * SECOND, float(n), unit="m") for n in range(5)])
        await history.put([sample(T0 + 9, None, text="no number")])
        course = await history.course(KEY, T0, T0 + 4 * SECOND, 4)
        assert (course.step_us, course.unit, course.key) == (0, "m", KEY)
        assert [(p.time_us - T0, p.low, p.mean, p.high, p.count) for p in course.points] == [
            (n * SECOND, n, n, n, 1) for n in range(4)
        ]

    async def test_keeps_extremes(self, history: History) -> None:
        samples = wave(T0, 1000)
        samples[333] = sample(samples[333].time_us, 5000.0)
        samples[777] = sample(samples[777].time_us, -5000.0)
        await history.put(samples)
        course = await history.course(KEY, T0, T0 + 1000 * SECOND, 10)
        assert course.step_us == 100 * SECOND
        assert len(course.points) == 10
        assert [p.high for p in course.points].index(5000.0) == 3
        assert [p.low for p in course.points].index(-5000.0) == 7
        assert [p.time_us - T0 for p in course.points][:2] == [50 * SECOND, 150 * SECOND]
        assert [p.count for p in course.points] == [100] * 10
        first = [each.number or 0.0 for each in samples[:100]]
        assert course.points[0].mean == pytest.approx(sum(first) / 100)

    async def test_says_numbers_as_they_were(self, history: History) -> None:
        numbers = [0.1 + 0.2, -1e100, 1 / 3, 2.0**-1074, 123456789.123456789, -0.0, 21.5]
        await history.put([sample(T0 + n * SECOND, each) for n, each in enumerate(numbers)])
        await history.put([sample(T0 + 5 * MINUTE, 7.0), sample(T0 + 5 * MINUTE + 1, None)])
        # Steps without a reading are left out; the last is cut short.
        course = await history.course(KEY, T0, T0 + 2 * SECOND, 1)
        assert [(p.low, p.high, p.count) for p in course.points] == [(-1e100, 0.1 + 0.2, 2)]
        course = await history.course(KEY, T0 + 2 * SECOND, T0 + 5 * MINUTE + 2, 3)
        assert [(p.low, p.high, p.count) for p in course.points] == [
            (min(numbers[2:]), max(numbers[2:]), 5),
            (7.0, 7.0, 1),
        ]
        for n, each in enumerate(numbers):
            await history.put([sample(T0 + n * SECOND + 1, each)])
            (point,) = (await history.course(KEY, T0 + n * SECOND, T0 + n * SECOND + 2, 1)).points
            assert (point.low, point.mean, point.high, point.count) == (each, each, each, 2)

    @pytest.mark.parametrize("summarised", [0, 90 * MINUTE, 200 * MINUTE])
    async def test_says_the_same_from_summaries(self, history: History, summarised: int) -> None:
        await history.put(wave(T0, 3 * 360, 10 * SECOND))
        while not await history.summarise(T0 + summarised):
            pass
        for step in (HOUR, 30 * MINUTE, MINUTE, 20 * SECOND):
            points = 3 * HOUR // step
            course = await history.course(KEY, T0, T0 + 3 * HOUR, points)
            assert len(course.points) == points
            assert course.step_us == step
            numbers = [each.number or 0.0 for each in wave(T0, 3 * 360, 10 * SECOND)]
            size = step // (10 * SECOND)
            for n, point in enumerate(course.points):
                mine = numbers[n * size : (n + 1) * size]
                assert (point.low, point.high, point.count) == (min(mine), max(mine), size)
                assert point.mean == pytest.approx(sum(mine) / size)

    async def test_of_nothing(self, history: History) -> None:
        await history.put([sample(T0, None, text="text")])
        for key in (KEY, SeriesKey("no", "such")):
            for start, end in ((T0, T0 + HOUR), (T0, T0), (T0, T0 - 1)):
                assert (await history.course(key, start, end, 5)).points == []


class TestSummaries:
    async def points(self, history: History, step: int) -> dict[int, tuple[float, float, int]]:
        course = await history.course(KEY, T0, T0 + 4 * HOUR, 4 * HOUR // step)
        return {p.time_us - T0 - step // 2: (p.low, p.high, p.count) for p in course.points}

    async def test_late_readings_mend_them(self, history: History) -> None:
        await history.put([sample(T0 + MINUTE, 5.0), sample(T0 + 61 * MINUTE, 7.0)])
        assert await history.summarise(T0 + 2 * HOUR)
        await history.put([sample(T0 + MINUTE + 1, 9.0), sample(T0 + MINUTE + 1, 9.0),
                           sample(T0 + 30 * MINUTE, 1.0), sample(T0 + 2 * HOUR, 3.0)])  # fmt: skip
        assert await history.put([sample(T0 + MINUTE + 1, 9.0)]) == 0
        assert await self.points(history, HOUR) == {
            0: (1.0, 9.0, 3), HOUR: (7.0, 7.0, 1), 2 * HOUR: (3.0, 3.0, 1),
        }  # fmt: skip
        assert (await self.points(history, MINUTE))[MINUTE] == (5.0, 9.0, 2)

    async def test_go_on_after_a_restart_and_over_long_gaps(
        self, store_url: str, clock: Clock
    ) -> None:
        year = 366 * 24 * HOUR
        for n in range(3):
            store = await Store.open(store_url, clock)
            history = store.history
            await history.put(wave(T0 + n * year, 100, MINUTE))
            rounds = 0
            while not await history.summarise(T0 + n * year + 24 * HOUR):
                rounds += 1
                assert rounds < 10
            course = await history.course(KEY, T0, T0 + (n + 1) * year, 366 * 24)
            assert sum(point.count for point in course.points) == 100 * (n + 1)
            await store.close()

    async def test_survive_the_readings(self, history: History, clock: Clock) -> None:
        await history.put(wave(T0, 3600))
        await history.summarise(T0 + 2 * HOUR)
        before = await self.points(history, MINUTE)
        clock.time = (T0 + 26 * HOUR) / SECOND
        policy = Policy(Keep(86_400, FOREVER, FOREVER))
        rounds = 0
        done, gone = False, 0
        while not done:
            some, done = await history.expire(policy, 1000)
            assert some <= 1000
            gone, rounds = gone + some, rounds + 1
        assert gone == 3600
        assert rounds >= 4
        assert await history.rows(KEY, T0, T0 + HOUR, limit=5) == []
        assert await self.points(history, MINUTE) == before
        # One that comes later than all readings of its minute are kept changes nothing.
        await history.put([sample(T0 + 5, -1e6)])
        assert await self.points(history, HOUR) == {0: (*_ends(before), 3600)}


def _ends(points: dict[int, tuple[float, float, int]]) -> tuple[float, float]:
    return min(low for low, _, _ in points.values()), max(high for _, high, _ in points.values())


class TestRetention:
    async def _all(self, history: History, policy: Policy) -> int:
        gone, done = 0, False
        while not done:
            some, done = await history.expire(policy, 500)
            gone += some
        return gone

    async def test_per_resource(self, history: History, clock: Clock) -> None:
        imu = SeriesKey("node", "imu", "acc.x")
        for key in (KEY, imu):
            await history.put(wave(T0, 120, MINUTE, key))
        await history.summarise(T0 + 2 * HOUR)
        clock.time = (T0 + 3 * HOUR) / SECOND
        policy = Policy(Keep(FOREVER, FOREVER, FOREVER), (("imu", Keep(3600, 7200, FOREVER)),))
        assert await self._all(history, policy) == 120 + 60
        assert len(await history.rows(KEY, T0, T0 + 9 * HOUR, limit=200)) == 120
        assert await history.rows(imu, T0, T0 + 9 * HOUR, limit=200) == []
        course = await history.course(imu, T0, T0 + 2 * HOUR, 120)
        # Minutes of the second hour, and the first hour as a whole.
        assert len(course.points) == 61
        assert sum(point.count for point in course.points) == 120

    async def test_nothing_old_holds_nobody_up(
        self, history: History, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await history.put(wave(T0, 120, MINUTE))
        await history.summarise(T0 + 2 * HOUR)
        clock.time = (T0 + 2 * HOUR) / SECOND

        def writing() -> None:
            raise AssertionError("writes though nothing is old")

        monkeypatch.setattr(history._engine, "writing", writing)
        assert await self._all(history, Policy(Keep(7200, 86_400, FOREVER))) == 0

    async def test_nothing_goes_that_is_not_summed_up(self, history: History, clock: Clock) -> None:
        await history.put(wave(T0, 100))
        clock.time = T0 / SECOND + 1e8
        assert await self._all(history, Policy(Keep(60, 60, 60))) == 0
        while not await history.summarise(round(clock.time * SECOND)):
            pass
        assert await self._all(history, Policy(Keep(60, 60, FOREVER))) == 102
        assert await self._all(history, Policy(Keep(60, 60, 60))) == 1
        assert await self._all(history, Policy(Keep(60, 60, 60))) == 0
        # The last series stays known, so that no other gets its number in the database.
        assert [(each.key, each.last_us) for each in await history.series()] == [(KEY, None)]
        other = SeriesKey("other", "temperature")
        await history.put([sample(T0 + MINUTE, 7.0, key=other)])
        await history.put([sample(T0 + HOUR, 8.0)])
        for key, number in ((other, 7.0), (KEY, 8.0)):
            rows = await history.rows(key, 0, T0 + 2 * HOUR, limit=9)
            assert [row.number for row in rows] == [number]
        assert await self._all(history, Policy(Keep(60, 60, 60))) > 0
        assert [each.key for each in await history.series()] == [other]
        assert await history.put([sample(T0)]) == 1

    async def test_cap(self, history: History, clock: Clock, backend: str) -> None:
        keys = [SeriesKey("node", f"r{n}") for n in range(4)]
        for key in keys:
            await history.put(wave(T0, 5000, SECOND, key))
        clock.time = (T0 + 3 * HOUR) / SECOND
        while not await history.summarise(T0 + 3 * HOUR):
            pass
        size = await history.size()
        if backend == "postgresql":
            # It counts rows a while later.
            async with asyncio.timeout(20):
                while size < 4 * 5000 * 96:
                    await asyncio.sleep(0.1)
                    size = await history.size()
        assert size > 200_000
        assert await history.shrink(size, 1000) == 0
        largest = size // 2
        rounds = 0
        while await history.shrink(largest, 1000):
            rounds += 1
            assert rounds < 100
        if backend == "sqlite":
            assert largest * 0.8 < await history.size() <= largest
        left = {key: await history.rows(key, T0, T0 + 9 * HOUR, limit=5000) for key in keys}
        starts = [rows[0].time_us for rows in left.values()]
        assert max(starts) - min(starts) <= 4 * MINUTE
        assert all(rows[-1].time_us == T0 + 4999 * SECOND for rows in left.values())
        await history.vacuum()

    async def test_long_texts_count(self, history: History, clock: Clock) -> None:
        long = [
            sample(T0 + n * SECOND, None, text=random.Random(n).randbytes(8000).hex())
            for n in range(200)
        ]
        await history.put(long)
        clock.time = (T0 + 3 * HOUR) / SECOND
        while not await history.summarise(T0 + 3 * HOUR):
            pass
        # PostgreSQL counts rows a while later.
        size = 0
        async with asyncio.timeout(20):
            while size < 200 * 16_000:
                size = await history.size()
                await asyncio.sleep(0.05)
        while await history.shrink(size - 100 * 16_000, 20):
            pass
        left = await history.rows(KEY, T0, T0 + HOUR, limit=200)
        # About half of them, for each is known to be long.
        assert 50 <= len(left) <= 120
        assert left[-1].time_us == T0 + 199 * SECOND

    async def test_too_much_of_today_costs_no_past(self, fast_store: Store, clock: Clock) -> None:
        history = fast_store.history
        old, loud = SeriesKey("node", "t"), SeriesKey("node", "loud")
        await history.put(wave(T0 - 2 * HOUR, 60, MINUTE, old))
        base = await history.size()
        await history.put(wave(T0, 15_000, SECOND // 10, loud))
        clock.time = (T0 + 1500 * SECOND) / SECOND
        while not await history.summarise(T0 + 1500 * SECOND):
            pass
        largest = (base + await history.size()) // 2
        while await history.shrink(largest, 1000):
            pass
        assert await history.size() <= largest
        left = await history.rows(loud, T0, T0 + HOUR, limit=15_000)
        assert 0 < len(left) < 10_000
        assert left[-1].time_us == T0 + 1500 * SECOND - SECOND // 10
        # What was summed up is all there.
        course = await history.course(old, T0 - 2 * HOUR, T0 - HOUR, 60)
        assert sum(point.count for point in course.points) == 60


class TestExport:
    async def test_all_in_the_order_of_time(self, history: History) -> None:
        keys = [SeriesKey(f"n{n}", r) for n in range(3) for r in ("a", "b")]
        samples = [
            sample(T0 + n * 7 * SECOND, float(n), key=key, unit="m")
            for key in keys
            for n in range(50)
        ]
        late = [sample(T0 + 400 * 24 * HOUR + n, key=keys[0], unit="m") for n in range(40)]
        await history.put(samples + late)
        wanted = sorted(samples + late, key=lambda each: each.time_us)
        found = await exported(history)
        assert [each.time_us for each in found] == [each.time_us for each in wanted]
        assert {*map(_whole, found)} == {*map(_whole, wanted)}

    @pytest.mark.parametrize("page", [1, 7, 64, 1000])
    async def test_nothing_missing_or_twice_at_any_size_of_page(
        self, store: Store, history: History, page: int
    ) -> None:
        keys = [SeriesKey(f"n{n}", "r") for n in range(9)]
        samples = [sample(T0 + n // 3, key=key) for key in keys for n in range(0, 60, 3)]
        await history.put(samples)
        pages = [got async for got in Export(store._engine, Selection(), page).pages()]
        assert all(len(got) <= page for got in pages)
        found = [_whole(each) for got in pages for each in got]
        assert sorted(found) == sorted(map(_whole, samples))

    async def test_long_texts_come_a_few_at_a_time(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.store.export.ROOM", 10_000)
        monkeypatch.setattr("pyaiot.store.export._STEP", 20)
        keys = [SeriesKey("node", name) for name in ("a", "b")]
        # Short ones first, so that long ones are not expected.
        samples = [
            sample(T0 + n * SECOND, None, key=key, text="x" * (3 if n < 300 else 2000))
            for n in range(400)
            for key in keys
        ]
        await history.put(samples)
        pages = [page async for page in history.export(Selection())]
        found = [each for page in pages for each in page]
        assert [(each.time_us, each.resource) for each in found] == [
            (each.time_us, each.resource) for each in samples
        ]
        sizes = [sum(len(each.text or "") for each in page) for page in pages]
        assert max(sizes) < 10_000 + 20 * 2000

    @pytest.mark.parametrize("selection", [Selection(), Selection(resource="temperature")])
    async def test_looks_up_and_never_through_all_there_is(
        self, fast_store: Store, selection: Selection
    ) -> None:
        await fast_store.history.put(wave(T0, 50))
        asked: list[tuple[str, Any]] = []

        def note(_c: object, _u: object, statement: str, values: Any, *_rest: object) -> None:
            asked.append((statement, values))

        database = fast_store._engine._database.sync_engine
        event.listen(database, "before_cursor_execute", note)
        assert len([page async for page in Export(fast_store._engine, selection).pages()]) == 1
        event.remove(database, "before_cursor_execute", note)
        plans = []
        async with fast_store._engine.reading() as connection:
            for statement, values in asked:
                if statement.startswith("SELECT"):
                    plan = await connection.exec_driver_sql(
                        f"EXPLAIN QUERY PLAN {statement}", values
                    )
                    plans += [row.detail for row in plan]
        assert any("readings" in each for each in plans)
        for each in plans:
            if "readings" in each:
                assert each.startswith("SEARCH readings USING PRIMARY KEY (series=?"), plans
        # Each series has its own first and last.
        assert sum("CORRELATED" in each for each in plans) >= 2, plans

    async def test_from_the_very_beginning_of_time(self, history: History) -> None:
        await history.put([sample(0), sample(1)])
        assert [each.time_us for each in await exported(history)] == [0, 1]

    async def test_selections(self, history: History) -> None:
        imu = SeriesKey("n1", "imu", "acc.x")
        other = SeriesKey("n2", "imu", "acc.y")
        await history.put(wave(T0, 10, key=imu) + wave(T0, 10, key=other) + wave(T0, 10))
        assert len(await exported(history)) == 30
        assert len(await exported(history, nodes=["n1"])) == 10
        assert len(await exported(history, nodes=[f"n{n}" for n in range(50_000)])) == 20
        assert await exported(history, nodes=[]) == []
        assert len(await exported(history, resource="imu")) == 20
        assert len(await exported(history, resource="imu", path="acc.y")) == 10
        some = await exported(history, start_us=T0 + 2 * SECOND, end_us=T0 + 4 * SECOND)
        assert sorted({each.time_us for each in some}) == [T0 + 2 * SECOND, T0 + 3 * SECOND]

    async def test_ends_where_more_keeps_coming(self, history: History) -> None:
        await history.put(wave(T0, 5))
        found = 0
        async for page in history.export(Selection()):
            found += len(page)
            await history.put(wave(T0 + HOUR * found, 5))
        assert found == 5


def _whole(each: Sample) -> tuple[object, ...]:
    return (each.time_us, each.node, each.resource, each.path, each.number, each.unit)
