# SPDX-License-Identifier: BSD-3-Clause
"""The recorder at work: the link to the broker on one side, the store on the other.

Nothing is decided here. What the broker sends is read in small turns, told to whoever watches, and
stored in batches; only what is stored is confirmed. All tasks belong to the group of `run`.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Protocol

from pyaiot.messages.types import Alert, Feature, ForService, Message, Recordable
from pyaiot.model.moment import Moment
from pyaiot.recorder.core import Core
from pyaiot.recorder.facts import Fact
from pyaiot.recorder.status import Status
from pyaiot.recorder.writer import Memory, Writer

logger = logging.getLogger(__name__)

FAREWELL: Final = 0.4
"""Seconds for what was taken in and not stored when the service ends."""

MAX_ALERTS: Final = 10_000
"""Alerts that wait for the broker; the oldest make room."""

_LINK: Final = "link"


class Uplink(Protocol):
    """What a recorder needs of its link (`pyaiot.link.client`)."""

    async def run(self, peer: "Recorder") -> None:
        """Connect `peer` to the broker, again and again, until cancelled."""

    def wake(self) -> None:
        """There is something to send."""

    def restart(self, reason: str) -> None:
        """Make a new connection."""


class Watcher(Protocol):
    """Whoever looks at everything that happens, as soon as it is read and in order.

    It is not asked whether that is stored, so an alert waits for no database. The same may be told
    twice after a restart.
    """

    async def run(self, say: Callable[[Alert], None]) -> None:
        """Work until cancelled; `say` tells the broker of an alert, now or once it is there."""

    def told(self, facts: Sequence[Fact], now: Moment) -> None:
        """This happened. Neither blocks nor raises."""

    def linked(self, there: bool, now: Moment) -> None:
        """The broker is there, or is not any more."""


class Recorder:
    """One recorder; to its link it is the peer."""

    def __init__(
        self,
        core: Core,
        uplink: Uplink,
        writer: Writer,
        status: Status,
        clock: Callable[[], Moment],
        *,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.status = status
        self._core = core
        self._uplink = uplink
        self._writer = writer
        self._clock = clock
        self._watchers = watchers
        self._arrived = asyncio.Event()
        self._read = asyncio.Event()
        self._room = asyncio.Event()
        self._outbox: deque[Alert] = deque()
        self._under_way = 0
        # Of what was sent and may not have arrived: which messages are alerts.
        self._sent: deque[bool] = deque()

    @property
    def waiting(self) -> int:
        """Messages that were taken in and are not stored."""
        return self._core.waiting

    async def run(self, memory: Memory) -> None:
        """Record until cancelled; then store what has been taken in, if that is quick."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._uplink.run(self))
                group.create_task(self._read_all())
                group.create_task(self._store_all(memory))
                for watcher in self._watchers:
                    group.create_task(watcher.run(self.say))
        finally:
            await self._farewell(memory)

    def say(self, alert: Alert) -> None:
        """Tell the broker of an alert, now or once it is there."""
        if len(self._outbox) >= MAX_ALERTS and self._under_way < len(self._outbox):
            del self._outbox[self._under_way]
        self._outbox.append(alert)
        self._uplink.wake()

    # What the link says

    def connected(self, granted: frozenset[Feature]) -> None:
        """The broker is there."""
        self._core.connected()
        self._under_way = 0
        self._sent.clear()
        self.status.linked = True
        if Feature.RECORDER not in granted:
            self.status.trouble[_LINK] = "the broker does not know recorders"
            logger.error("the broker does not know recorders: is it an older one?")
        else:
            self.status.trouble.pop(_LINK, None)
        for watcher in self._watchers:
            watcher.linked(there=True, now=self._clock())

    def disconnected(self, *, refused: bool) -> None:
        """It is gone."""
        self.status.linked = False
        if refused and self._under_way:
            # It could not take what was first; it may take the others.
            self._outbox.popleft()
        for watcher in self._watchers:
            watcher.linked(there=False, now=self._clock())

    def received(self, message: ForService) -> None:
        """The broker says `message`."""
        if isinstance(message, Recordable):
            self._core.received(message)
            self._arrived.set()
            self._uplink.wake()

    def take(self, limit: int) -> Sequence[Message]:
        """What to tell the broker next."""
        messages: list[Message] = []
        stored = self._core.confirmation()
        if stored is not None:
            messages.append(stored)
        begin = self._under_way
        alerts = list(islice(self._outbox, begin, begin + limit - len(messages)))
        self._under_way += len(alerts)
        self._sent.extend([False] * len(messages) + [True] * len(alerts))
        return [*messages, *alerts]

    def confirmed(self, number: int) -> None:
        """What was sent has arrived."""
        for _ in range(number):
            if self._sent.popleft():
                self._outbox.popleft()
                self._under_way -= 1

    # What is to be done

    async def _read_all(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while (facts := self._core.read(self._clock())) is not None:
                for watcher in self._watchers:
                    watcher.told(facts, self._clock())
                self._read.set()
                # The next turn is others'.
                await asyncio.sleep(0)
                while self._core.full:
                    self._room.clear()
                    await self._room.wait()

    async def _store_all(self, memory: Memory) -> None:
        while True:
            due = self._core.due(self._clock())
            if due is None or due > 0:
                self._read.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(due):
                        await self._read.wait()
                continue
            await self._store(memory)

    async def _store(self, memory: Memory) -> None:
        batch = self._core.batch(self._clock())
        self._room.set()
        if batch is None:
            return
        try:
            await self._writer.store(batch, memory)
        except asyncio.CancelledError:
            self._core.put_back(batch)
            raise
        self._core.stored(batch)
        self._uplink.wake()
        if self._core.starved:
            self._uplink.restart("there is room again for what was left out")

    async def _farewell(self, memory: Memory) -> None:
        try:
            async with asyncio.timeout(FAREWELL):
                while self._core.read(self._clock()) is not None:
                    pass
                await self._store(memory)
        except TimeoutError:
            logger.warning("ending with %d messages that are not stored", self._core.waiting)
