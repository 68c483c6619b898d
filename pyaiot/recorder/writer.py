# SPDX-License-Identifier: BSD-3-Clause
"""Carries batches into the store, for as long as it takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from pyaiot.errors import StoreConflict, StoreFailed
from pyaiot.link.backoff import Backoff
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.recorder.core import Batch
from pyaiot.recorder.status import Status

logger = logging.getLogger(__name__)

_STORING: Final = "store"
_TRIES: Final = 3
"""Times that the same refusal of the same samples is believed to be about something else."""


class Readings(Protocol):
    """What a recorder asks of a history (`pyaiot.store.history`)."""

    @property
    def refused(self) -> int:
        """Samples that were not kept."""

    async def put(self, samples: Sequence[Sample]) -> int:
        """Store all samples or none; how many there were not yet."""


class Nodes(Protocol):
    """What a recorder asks of the records of nodes (`pyaiot.store.nodes`)."""

    async def note(self, seen: Sequence[Sighting]) -> None:
        """Know of all that were seen."""


class Memory(Protocol):
    """A store."""

    @property
    def history(self) -> Readings: ...

    @property
    def nodes(self) -> Nodes: ...


class Writer:
    """Stores one batch after the other, each until it is stored."""

    def __init__(self, backoff: Backoff, status: Status, clock: Callable[[], float]) -> None:
        """`clock` is a steady one."""
        self._backoff = backoff
        self._status = status
        self._clock = clock
        self._failed: float | None = None
        self._reasons: set[str] = set()

    async def store(self, batch: Batch, memory: Memory) -> None:
        """Come back once all of `batch` is in the store for good.

        What the store refuses for what it is, again and again, is dropped, and counted: everything
        after it would wait for good.
        """
        await self._insist(lambda: self._put(batch.samples, memory))
        if batch.sightings:
            await self._insist(lambda: memory.nodes.note(batch.sightings))
        self._status.refused = memory.history.refused

    async def _put(self, samples: Sequence[Sample], memory: Memory) -> None:
        if not samples:
            return
        for tried in range(_TRIES):
            try:
                stored = await memory.history.put(samples)
            except StoreConflict as exc:
                if tried < _TRIES - 1:
                    continue
                if len(samples) > 1:
                    half = len(samples) // 2
                    await self._put(samples[:half], memory)
                    await self._put(samples[half:], memory)
                else:
                    self._drop(samples[0], exc)
            else:
                self._status.stored += stored
                self._status.duplicates += len(samples) - stored
                self._status.batches += 1
            return

    def _drop(self, sample: Sample, why: StoreConflict) -> None:
        self._status.dropped += 1
        logger.error(
            "a reading of %s of node %s cannot be stored: %s",
            sample.resource, sample.node, why.reason,
        )  # fmt: skip

    async def _insist(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except StoreFailed as exc:
                self._complain(exc.reason)
                # A lower bound, since jitter may say zero.
                await asyncio.sleep(max(0.05, self._backoff.next()))
            else:
                self._recover()
                return

    def _complain(self, reason: str) -> None:
        self._status.failures += 1
        self._status.trouble[_STORING] = f"the store does not take readings: {reason}"
        if self._failed is None:
            self._failed = self._clock()
        if reason not in self._reasons:
            # A second reason is news, and as rare as the first.
            self._reasons.add(reason)
            logger.error("cannot store readings, retrying: %s", reason)

    def _recover(self) -> None:
        if self._failed is None:
            return
        logger.warning("storing again after %.0f s", self._clock() - self._failed)
        self._failed = None
        self._reasons.clear()
        self._backoff.reset()
        self._status.trouble.pop(_STORING, None)
