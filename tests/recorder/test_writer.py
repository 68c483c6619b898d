# SPDX-License-Identifier: BSD-3-Clause
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pyaiot.errors import StoreConflict, StoreFailed
from pyaiot.link.backoff import Backoff
from pyaiot.model.moment import Moment
from pyaiot.model.retention import FOREVER, Keep, Policy
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.recorder.core import Batch, Counts
from pyaiot.recorder.status import Status
from pyaiot.recorder.upkeep import Upkeep
from pyaiot.recorder.writer import Writer


@dataclass
class Fragile:
    """A store that does as it is told."""

    troubles: list[StoreFailed] = field(default_factory=list)
    poison: frozenset[int] = frozenset()
    kept: set[int] = field(default_factory=set)
    noted: list[Sighting] = field(default_factory=list)
    refused: int = 0

    @property
    def history(self) -> "Fragile":
        return self

    @property
    def nodes(self) -> "Fragile":
        return self

    async def put(self, samples: Sequence[Sample]) -> int:
        if self.troubles:
            raise self.troubles.pop(0)
        times = {each.time_us for each in samples}
        if times & self.poison:
            raise StoreConflict("Not this one.")
        new = len(times - self.kept)
        self.kept |= times
        return new

    async def note(self, seen: Sequence[Sighting]) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.noted += seen


def samples(*times: int) -> list[Sample]:
    return [Sample("n", "r", "", time, 1.0, None) for time in times]


@pytest.fixture
def status() -> Status:
    return Status(Counts(), linked=True)


@pytest.fixture
def writer(status: Status) -> Writer:
    return Writer(Backoff(lambda: 0.0), status, lambda: 5.0)


async def test_counts_what_is_new(writer: Writer, status: Status) -> None:
    store = Fragile(refused=4)
    sighting = Sighting("n", 1)
    await writer.store(Batch("s", 3, 3, samples(1, 2, 3), [sighting]), store)
    await writer.store(Batch("s", 5, 3, samples(3, 4)), store)
    await writer.store(Batch("s", 5, 0), store)
    assert (status.stored, status.duplicates, status.batches, status.refused) == (4, 1, 2, 4)
    assert store.noted == [sighting]


async def test_one_clear_line_until_it_works_again(
    writer: Writer,
    status: Status,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = StoreFailed("Database or disk is full.")
    store = Fragile([full, full, full])
    seen: list[dict[str, float | str]] = []

    async def note(sightings: Sequence[Sighting]) -> None:
        seen.append(status.facts(7))
        await Fragile.note(store, sightings)

    monkeypatch.setattr(store, "note", note)
    with caplog.at_level(logging.WARNING):
        await writer.store(Batch("s", 1, 1, samples(1), [Sighting("n", 1)]), store)
    assert [each.message for each in caplog.records] == [
        "cannot store readings, retrying: Database or disk is full.",
        "storing again after 0 s",
    ]
    assert (status.stored, status.failures, status.well) == (1, 3, True)
    store.troubles = [full, full]
    await writer.store(Batch("s", 1, 0, [], [Sighting("n", 1)]), store)
    assert seen[-1] == {
        "status": "failing", "broker": "connected", "stored": 1, "waiting": 7, "lost": 0,
        "reason": "the store does not take readings: Database or disk is full",
    }  # fmt: skip


async def test_what_is_refused_for_what_it_is_holds_up_nothing(
    writer: Writer, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    store = Fragile(poison=frozenset({3}))
    await writer.store(Batch("s", 5, 5, samples(1, 2, 3, 4, 5)), store)
    assert store.kept == {1, 2, 4, 5}
    assert (status.stored, status.dropped, status.facts(0)["lost"]) == (4, 1, 1)
    assert "a reading of r of node n cannot be stored: Not this one." in caplog.text
    store = Fragile([StoreConflict("Once."), StoreConflict("Twice.")])
    await writer.store(Batch("s", 5, 1, samples(1)), store)
    assert status.dropped == 1


@dataclass
class Attic:
    """A history that needs several steps for everything."""

    steps: list[str] = field(default_factory=list)
    left: int = 3
    trouble: StoreFailed | None = None
    policy: Policy | None = None

    def _step(self, word: str) -> int:
        if self.trouble is not None:
            raise self.trouble
        self.steps.append(word)
        self.left -= 1
        return max(0, self.left)

    async def summarise(self, until: int) -> bool:
        return not self._step(f"sum {until}")

    async def expire(self, policy: Policy, budget: int) -> tuple[int, bool]:
        self.policy = policy
        self.left = max(self.left, 2)
        left = self._step("expire")
        return budget, left <= 1

    async def shrink(self, largest: int, budget: int) -> int:
        return budget if self._step(f"shrink {largest}") else 0

    async def vacuum(self) -> None:
        self.steps.append("vacuum")

    async def size(self) -> int:
        return 77

    async def forget(self, before: int, limit: int) -> int:
        self.steps.append(f"forget {before}")
        return limit


class TestUpkeep:
    def upkeep(
        self, attic: Attic, status: Status, hours: float = FOREVER, largest: int = 0
    ) -> Callable[[], Awaitable[None]]:
        policy = Policy(Keep(1, 2, hours))
        now = Moment(1000.0, 5.0)
        return Upkeep(attic, attic, policy, status, lambda: now, largest=largest, pause=0).once

    async def test_does_all_in_steps(self, status: Status) -> None:
        attic = Attic()
        await self.upkeep(attic, status, hours=600, largest=99)()
        assert attic.steps == [
            "sum 995000000", "sum 995000000", "sum 995000000", "expire", "shrink 99", "vacuum",
            "forget 400000000",
        ]  # fmt: skip
        assert (status.size, status.expired) == (77, 2000)

    async def test_keeps_all_where_nothing_is_too_old(self, status: Status) -> None:
        attic = Attic(left=1)
        await self.upkeep(attic, status)()
        assert attic.steps == ["sum 995000000", "expire", "vacuum"]

    async def test_tells_of_trouble_once(
        self, status: Status, caplog: pytest.LogCaptureFixture
    ) -> None:
        attic = Attic(trouble=StoreFailed("Disk is full."))
        once = self.upkeep(attic, status)
        await once()
        await once()
        assert len(caplog.records) == 1
        assert not status.well
        attic.trouble = None
        await once()
        assert status.well
