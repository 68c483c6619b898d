# SPDX-License-Identifier: BSD-3-Clause
"""Keeps in the store what became of alerts; waits for a store that is away."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, Protocol

from pyaiot.errors import StoreFailed
from pyaiot.store.alerts import Change

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 100_000
"""Changes that wait for the store; the oldest make room."""
BATCH: Final = 500
"""Changes of one transaction."""
ATTEMPTS: Final = 5
"""Times that a single change is tried with a store that takes others."""
RETRY: Final = 1.0
"""Seconds until a store that failed is asked again."""
TIDY: Final = 600.0
"""Seconds between two looks for alerts that are too old."""


class Book(Protocol):
    """What is asked of the store."""

    async def write(self, changes: Iterable[Change]) -> None:
        """Keep what happened. Raises StoreFailed."""

    async def tidy(self) -> int:
        """Forget what is too old. Raises StoreFailed."""


class Chronicle:
    """What is to be kept, in order."""

    def __init__(self, book: Book, *, retry: float = RETRY) -> None:
        """`retry` is in seconds."""
        self._book = book
        self._retry = retry
        self._waiting: deque[Change] = deque()
        self._more = asyncio.Event()
        self.lost = 0
        """Changes that were not kept."""
        self.trouble = ""
        """Why nothing is kept; empty where all is well."""

    def keep(self, change: Change) -> None:
        """Keep `change`, sooner or later; does not wait."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(change)
        self._more.set()

    async def run(self) -> None:
        """Keep what there is, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_all())
            group.create_task(self._tidy())

    async def _write_all(self) -> None:
        size, attempts = BATCH, 0
        while True:
            await self._more.wait()
            batch = list(islice(self._waiting, size))
            try:
                await self._book.write(batch)
            except StoreFailed as exc:
                if not self.trouble:
                    logger.warning("Alerts cannot be stored, retrying: %s", exc)
                self.trouble = f"Alerts cannot be stored: {exc}"
                # One of them may be the reason, which the others are not to wait for.
                size, attempts = 1, attempts + 1 if len(batch) == 1 else 0
                if attempts >= ATTEMPTS and await self._answers():
                    self.lost += 1
                    self._drop(batch)
                    attempts = 0
                await asyncio.sleep(self._retry)
            else:
                self._drop(batch)
                size, attempts, self.trouble = BATCH, 0, ""

    def _drop(self, batch: list[Change]) -> None:
        # While they were written, the oldest may have made room for others.
        for change in batch:
            if self._waiting and self._waiting[0] is change:
                self._waiting.popleft()
        if not self._waiting:
            self._more.clear()

    async def _answers(self) -> bool:
        try:
            await self._book.write([])
        except StoreFailed:
            return False
        return True

    async def _tidy(self) -> None:
        while True:
            try:
                await self._book.tidy()
            except StoreFailed as exc:
                logger.warning("Old alerts are still there: %s", exc)
            await asyncio.sleep(TIDY)
