# SPDX-License-Identifier: BSD-3-Clause
"""What the memory takes and gives: readings stored a second, and how soon a chart has its points.

Both run in a process of their own (``python -m benchmarks.memory``), on all cores: SQLite works in
a thread beside the recorder. Messages are put together in that process too, as cheaply as can be.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Raw
from sqlalchemy import text

from benchmarks.measures import Bench, Figures, MeasureFailed
from pyaiot.link.backoff import Backoff
from pyaiot.messages.codec import recorded
from pyaiot.messages.types import Feature, Recordable
from pyaiot.model.moment import Moment
from pyaiot.model.samples import Sample
from pyaiot.recorder.core import MAX_BATCH, Core
from pyaiot.recorder.recorder import Recorder
from pyaiot.recorder.status import Status
from pyaiot.recorder.writer import Writer
from pyaiot.store.series import SeriesKey
from pyaiot.store.store import Store
from pyaiot.store.summaries import HOUR, MINUTE

BUILD: Final = Path(__file__).parents[1] / "build"
"""Where files of the moment are: the usual folder for them may be in memory."""
NODES: Final = 100
RESOURCES: Final = 10
VALUES: Final = 97
"""Texts that come again and again."""
AHEAD: Final = 2 * MAX_BATCH
"""Messages that may wait for the store: one batch is on its way while another gathers."""

DAY: Final = 86_400
_DRIP: Final = 0.01
"""Seconds between two frames of a broker."""
_STEP: Final = 0.002

YEAR: Final = 366 * DAY
TRIES: Final = 21


class _Broker:
    """A broker's side of the link, which always has more."""

    def __init__(self, core: Core, seconds: float) -> None:
        self._core = core
        self._seconds = seconds
        self.confirmed = 0
        self.took = 0.0

    async def run(self, peer: Recorder) -> None:
        peer.connected(frozenset({Feature.RECORDER}))
        frames = _messages()
        # With the first come all the texts of the others.
        messages = next(frames)
        began = time.monotonic()
        first = 1
        while first == 1 or time.monotonic() - began < self._seconds:
            peer.received(Recordable("bench", first, messages))
            first += len(messages)
            await asyncio.sleep(0)
            messages = next(frames)
            await self._until(AHEAD)
        await self._until(0)
        self.took = time.monotonic() - began
        self.confirmed = first - 1
        raise _Enough

    async def _until(self, waiting: int) -> None:
        while self._core.waiting > waiting:  # noqa: ASYNC110 - what a broker does not know
            await asyncio.sleep(0.001)

    def wake(self) -> None: ...

    def restart(self, reason: str) -> None:
        raise AssertionError(reason)


class _Enough(Exception):
    pass


def _messages() -> Iterator[tuple[Raw, ...]]:
    """Readings of each resource of each node in turn, each time all of them 10 ms later."""
    heads = [
        [
            b'{"type":"update","uid":"node-%d","endpoint":"resource-%d","data":"%.1f\xc2\xb0C","dst":'
            b'"all","time":' % (node, resource, 20 + (value + node + resource) % VALUES / 10)
            for node in range(NODES)
            for resource in range(RESOURCES)
        ]
        for value in range(VALUES)
    ]
    begin = time.time()
    for count in itertools.count():
        end = b"%.3f}" % (begin + count * 0.01)
        yield tuple([Raw(head + end) for head in heads[count % VALUES]])


async def record(folder: str, seconds: float) -> Figures:
    """Store as fast as it goes, from messages to what SQLite has written to its file."""
    store = await Store.open(f"{folder}/store.db", time.time)
    core = Core(recorded().decode_each)
    status = Status(core.counts)
    broker = _Broker(core, seconds)
    writer = Writer(Backoff(lambda: 0.5), status, time.monotonic)
    recorder = Recorder(core, broker, writer, status, _now)
    try:
        await recorder.run(store)
    except* _Enough:
        pass
    size = await store.history.size()
    await store.close()
    assert status.stored == broker.confirmed
    return {
        "stored": status.stored / broker.took,
        "size": size / status.stored,
        "batch": status.stored / status.batches,
    }


class _Faucet:
    """A broker's side of the link that lets through as much as is wanted just now."""

    def __init__(self) -> None:
        self.rate = 0

    async def run(self, peer: Recorder) -> None:
        peer.connected(frozenset({Feature.RECORDER}))
        first = 1
        waiting: list[Raw] = []
        messages = _messages()
        while True:
            await asyncio.sleep(_DRIP)
            number = round(self.rate * _DRIP)
            if not number:
                continue
            while len(waiting) < number:
                waiting += next(messages)
            some, waiting = waiting[:number], waiting[number:]
            peer.received(Recordable("bench", first, tuple(some)))
            first += number

    def wake(self) -> None: ...

    def restart(self, reason: str) -> None:
        raise AssertionError(reason)


async def loop(folder: str, seconds: float) -> Figures:
    """How late a task runs on the loop of a recorder that stores nothing, some or much."""
    store = await Store.open(f"{folder}/store.db", time.time)
    core = Core(recorded().decode_each)
    status = Status(core.counts)
    faucet = _Faucet()
    writer = Writer(Backoff(lambda: 0.5), status, time.monotonic)
    recording = asyncio.create_task(Recorder(core, faucet, writer, status, _now).run(store))
    rates = {"quiet": 0, "some": 1000, "much": 10_000}
    late: dict[str, list[float]] = {name: [] for name in rates}
    for _ in range(max(1, round(seconds / 2))):
        for name, faucet.rate in rates.items():
            # What came before is stored by then.
            await asyncio.sleep(0.3)
            late[name] += await _lateness(min(1.0, seconds / 4))
    recording.cancel()
    await asyncio.wait({recording})
    await store.close()
    figures = {
        f"{name}{part}": sorted(each)[len(each) * part // 100]
        for name, each in late.items()
        for part in (50, 99)
    }
    return figures | {"later": figures["some99"] - figures["quiet99"]}


async def _lateness(seconds: float) -> list[float]:
    late = []
    end = time.perf_counter() + seconds
    while (due := time.perf_counter() + _STEP) < end:
        await asyncio.sleep(_STEP)
        late.append(time.perf_counter() - due)
    return late


async def course(folder: str) -> Figures:
    """A day at 1 Hz from its readings; a year at 1 Hz from the hours that were made of them."""
    store = await Store.open(f"{folder}/store.db", time.time)
    chance = Random(1)  # noqa: S311 - not a secret
    now = int(time.time()) // 3600 * HOUR // 3600 * 3600
    day = SeriesKey("node", "day")
    samples = [Sample(*day, now - n * 1_000_000, 20 + chance.random(), None) for n in range(DAY)]
    for start in range(0, DAY, 10_000):
        await store.history.put(samples[start : start + 10_000])
    raw = await _median(store, day, now - DAY * 1_000_000, now + 1, 500)
    while not await store.history.summarise(now + HOUR):
        pass
    summed = await _median(store, day, now - DAY * 1_000_000, now + 1, 500)
    await _a_year(store, now)
    year = await _median(store, SeriesKey("node", "year"), now - YEAR * 1_000_000, now + 1, 500)
    await store.close()
    return {"raw": raw, "day": summed, "year": year}


async def _a_year(store: Store, now: int) -> None:
    """Minutes and hours of a year: 31 million readings would say the same."""
    await store.history.put([Sample("node", "year", "", now, 1.0, None)])
    begin = now - YEAR * 1_000_000
    async with store._engine.writing() as connection:  # noqa: SLF001 - quicker than a year
        for table, length in (("minutes", MINUTE), ("hours", HOUR)):
            rows = [
                {
                    "time": time_ - time_ % length,
                    "low": 1.0,
                    "high": 3.0,
                    "count": length // 1_000_000,
                }
                for time_ in range(begin, now - length, length)
            ]
            insert = text(
                f"INSERT INTO {table} SELECT id, :time, :low, 2.0, :high, :count FROM series"  # noqa: S608 - ours
                " WHERE resource = 'year' ON CONFLICT DO NOTHING"
            )
            for start in range(0, len(rows), 50_000):
                await connection.execute(insert, rows[start : start + 50_000])


async def _median(store: Store, key: SeriesKey, start: int, end: int, points: int) -> float:
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        found = await store.history.course(key, start, end, points)
        times.append(time.perf_counter() - began)
        assert points * 0.9 <= len(found.points) <= points + 1
    return sorted(times)[TRIES // 2]


def memory(bench: Bench, what: str) -> Figures:
    """Run this file on all cores."""
    words = ("benchmarks.memory", what, str(bench.scale.storing))
    figures: Figures = json.loads(on_all_cores(bench, *words))
    return figures


def on_all_cores(bench: Bench, module: str, *words: str) -> str:
    """Run a module of ours in a process of its own; what it says. Raises MeasureFailed."""
    cores = ",".join(str(each) for each in (bench.cores.generator, bench.cores.server))
    command: Sequence[str] = ["taskset", "-c", cores, sys.executable, "-m", module, *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if ran.returncode:
        raise MeasureFailed(ran.stderr.strip().splitlines()[-1])
    return ran.stdout


def _now() -> Moment:
    return Moment(time.time(), time.monotonic())


def main(words: Sequence[str]) -> int:
    """Measure one thing, and print the figures."""
    what, seconds = words
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        if what == "record":
            work = record(folder, float(seconds))
        elif what == "loop":
            work = loop(folder, float(seconds))
        else:
            work = course(folder)
        print(json.dumps(asyncio.run(work)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
