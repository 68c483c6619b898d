# SPDX-License-Identifier: BSD-3-Clause
"""Notices on their way to channels. A channel that is dead or slow holds up no other."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pyaiot.errors import QueueFull
from pyaiot.model.rate import Allowance
from pyaiot.recorder.courier import Channel, Outcome
from pyaiot.recorder.notice import Notice

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 100
"""Notices that wait for one channel; of more, only their number is told."""
MAX_CHANNELS: Final = 10_000


class Deliverer(Protocol):
    """Who delivers one notice."""

    async def deliver(self, channel: Channel, notice: Notice) -> Outcome:
        """Deliver; raises QueueFull where that has to wait."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a channel is told, and how patiently."""

    rate: float = 0.1
    """Notices a second, in the long run; what comes faster is told in summaries."""
    burst: float = 10
    pauses: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0)
    """Seconds between one attempt and the next."""
    crowded: float = 1.0
    """Seconds to wait while too many deliveries are under way."""


class _Box:
    """What waits for one channel."""

    __slots__ = ("allowance", "channel", "lost", "waiting", "working")

    def __init__(self, channel: Channel, allowance: Allowance) -> None:
        self.channel = channel
        self.allowance = allowance
        self.waiting: deque[Notice] = deque()
        self.lost = 0
        self.working = False

    def put(self, notice: Notice) -> None:
        self.waiting.append(notice)
        if len(self.waiting) > MAX_WAITING:
            self.waiting.popleft()
            self.lost += 1

    def take(self, *, all_at_once: bool) -> Notice:
        if not self.lost and (len(self.waiting) == 1 or not all_at_once):
            return self.waiting.popleft()
        notice = Notice.summary(tuple(self.waiting), self.lost)
        self.waiting.clear()
        self.lost = 0
        return notice


class Notifier:
    """Sends notices to channels, from a task that its owner runs."""

    def __init__(
        self, courier: Deliverer, steady: Callable[[], float], pace: Pace | None = None
    ) -> None:
        """`steady` gives seconds on a clock that never jumps."""
        self._courier = courier
        self._steady = steady
        self._pace = pace or Pace()
        self._boxes: dict[str, _Box] = {}
        self._ready: asyncio.Queue[_Box] = asyncio.Queue()
        self.failed = 0
        """Notices that could not be delivered."""

    def send(self, channel: Channel, notice: Notice) -> None:
        """Send `notice`, sooner or later; does not wait."""
        box = self._boxes.get(channel.id)
        if box is None:
            if len(self._boxes) >= MAX_CHANNELS:
                self.failed += 1
                return
            allowance = Allowance(self._pace.rate, self._pace.burst)
            box = self._boxes[channel.id] = _Box(channel, allowance)
        box.channel = channel
        box.put(notice)
        if not box.working:
            box.working = True
            self._ready.put_nowait(box)

    def forget(self, channel: str) -> None:
        """The channel is gone, and what waits for it."""
        box = self._boxes.pop(channel, None)
        if box is not None:
            box.waiting.clear()
            box.lost = 0

    async def run(self) -> None:
        """Deliver what is sent, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                box = await self._ready.get()
                group.create_task(self._empty(box))

    async def _empty(self, box: _Box) -> None:
        """Deliver what waits for one channel, and end."""
        held = False
        while box.waiting or box.lost:
            if box.allowance.take(self._steady()):
                await self._deliver(box, box.take(all_at_once=held))
                held = False
            else:
                held = True
                await asyncio.sleep(min(1 / self._pace.rate, 1.0))
        box.working = False

    async def _deliver(self, box: _Box, notice: Notice) -> None:
        """Try until it is delivered, or it is time to give up."""
        reason = ""
        for pause in (*self._pace.pauses, None):
            outcome = await self._attempt(box.channel, notice)
            if outcome.delivered:
                return
            if outcome.reason != reason:
                reason = outcome.reason
                logger.info("Channel '%s' took no notice, retrying: %s", box.channel.name, reason)
            if pause is None or self._boxes.get(box.channel.id) is not box:
                break
            await asyncio.sleep(pause)
        self.failed += 1
        logger.warning("Channel '%s' gets no notices: %s", box.channel.name, reason)

    async def _attempt(self, channel: Channel, notice: Notice) -> Outcome:
        while True:
            try:
                return await self._courier.deliver(channel, notice)
            except QueueFull:
                await asyncio.sleep(self._pace.crowded)
