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
from pyaiot.recorder.core import Core
from pyaiot.recorder.recorder import Recorder
from pyaiot.recorder.status import Status
from pyaiot.recorder.writer import Writer
from pyaiot.store.series import SeriesKey
from pyaiot.store.store import Store
from pyaiot.store.summaries import HOUR, MINUTE

NODES: Final = 100
RESOURCES: Final = 10
VALUES: Final = 97
"""Texts that come again and again."""
AHEAD: Final = 40_000
"""Messages that may wait for the store."""
SECONDS: Final = 20.0

DAY: Final = 86_400
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
        began = time.monotonic()
        first = 1
        for messages in _messages():
            if time.monotonic() - began > self._seconds:
                break
            peer.received(Recordable("bench", first, messages))
            first += len(messages)
            await asyncio.sleep(0)
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
    seconds = SECONDS if bench.scale.seconds >= 1 else 2.0
    words: Sequence[str] = [sys.executable, "-m", "benchmarks.memory", what, str(seconds)]
    cores = ",".join(str(each) for each in (bench.cores.generator, bench.cores.server))
    ran = subprocess.run(
        ["taskset", "-c", cores, *words], capture_output=True, text=True, timeout=300, check=False
    )
    if ran.returncode:
        raise MeasureFailed(ran.stderr.strip().splitlines()[-1])
    figures: Figures = json.loads(ran.stdout)
    return figures


def _now() -> Moment:
    return Moment(time.time(), time.monotonic())


def main(words: Sequence[str]) -> int:
    """Measure one thing, and print the figures."""
    what, seconds = words
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        work = record(folder, float(seconds)) if what == "record" else course(folder)
        print(json.dumps(asyncio.run(work)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
