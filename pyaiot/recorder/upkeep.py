# SPDX-License-Identifier: BSD-3-Clause
"""Looks after what is stored: sums up, lets go of what is old, and of what is too much."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from pyaiot.errors import StoreFailed
from pyaiot.model.moment import Moment
from pyaiot.model.retention import FOREVER, Policy
from pyaiot.model.samples import microseconds
from pyaiot.recorder.status import Status

logger = logging.getLogger(__name__)

PERIOD: Final = 60.0
"""Seconds between two rounds."""

RETRY: Final = 2.0
"""Seconds until the next round where one failed."""

SETTLE: Final = 5.0
"""Seconds for which readings are still expected; a later one mends what was summed up."""

BUDGET: Final = 2000
"""Rows that are deleted at once."""

PAUSE: Final = 0.02
"""Seconds between two steps, in which readings are stored."""

_UPKEEP: Final = "upkeep"


class History(Protocol):
    """What is asked of a history (`pyaiot.store.history`)."""

    async def summarise(self, until: int) -> bool:
        """Make minutes and hours; False: there is more to do."""

    async def expire(self, policy: Policy, budget: int) -> tuple[int, bool]:
        """Delete what is too old: how many, and whether that was a whole round."""

    async def shrink(self, largest: int, budget: int) -> int:
        """Delete the oldest while it is too large; how many."""

    async def vacuum(self) -> None:
        """Give back some of the room."""

    async def size(self) -> int:
        """Bytes."""


class Nodes(Protocol):
    """What is asked of the records of nodes (`pyaiot.store.nodes`)."""

    async def forget(self, before: int, limit: int) -> int:
        """Drop nodes that nobody knows anything of any more; how many."""


class Upkeep:
    """Does all of it, once a minute and in small steps."""

    def __init__(
        self,
        history: History,
        nodes: Nodes,
        policy: Policy,
        status: Status,
        clock: Callable[[], Moment],
        *,
        largest: int,
        pause: float = PAUSE,
    ) -> None:
        """`largest`: bytes that the store may take; 0 for any number."""
        self._history = history
        self._nodes = nodes
        self._policy = policy
        self._status = status
        self._clock = clock
        self._largest = largest
        self._pause = pause
        self._failed = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(RETRY if self._failed else PERIOD)

    async def once(self) -> None:
        """One round; what fails is told once, and tried again in the next."""
        try:
            await self._round()
        except StoreFailed as exc:
            self._status.trouble[_UPKEEP] = f"the store cannot be looked after: {exc.reason}"
            if not self._failed:
                logger.error(  # noqa: TRY400 - one line, no traceback
                    "cannot look after the store, retrying: %s", exc.reason
                )
            self._failed = True
        else:
            self._status.trouble.pop(_UPKEEP, None)
            self._failed = False

    async def _round(self) -> None:
        until = microseconds(self._clock().wall - SETTLE)
        done = False
        while not done:
            done = await self._history.summarise(until)
            await asyncio.sleep(self._pause)
        done, any_gone = False, False
        while not done:
            gone, done = await self._history.expire(self._policy, BUDGET)
            self._status.expired += gone
            any_gone = any_gone or gone > 0
            await asyncio.sleep(self._pause)
        while self._largest and (gone := await self._history.shrink(self._largest, BUDGET)):
            self._status.expired += gone
            any_gone = True
            await asyncio.sleep(self._pause)
        if any_gone:
            await self._history.vacuum()
        if self._policy.default.hours != FOREVER:
            before = microseconds(max(0.0, self._clock().wall - self._policy.default.hours))
            await self._nodes.forget(before, BUDGET)
        self._status.size = await self._history.size()
