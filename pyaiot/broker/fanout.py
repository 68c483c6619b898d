# SPDX-License-Identifier: BSD-3-Clause
"""From one message to all who see it: framed once, and one write for all of a turn's messages.

Clients that see the same bytes form shards. A shard gathers messages and hands them to its clients
in the event loop's next turn. Only where that was work, and work that several messages shared, the
next comes no sooner than a window later, for more to share it: who waits for each message before
the next never waits for the window, nor does anybody with few clients; a busy broker shares its
system calls. Shards are small enough that the loop gets to turn between them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from pyaiot.broker.effects import Audience
from pyaiot.broker.frames import framed
from pyaiot.broker.lane import CHUNK, Lane, Source
from pyaiot.errors import QueueFull

SHARD: Final = 500
"""Clients in a shard, and writes in a turn of the event loop: one and a half milliseconds."""
STRETCH: Final = 262_144
"""Bytes that one client may be sent of what it missed, before it is another's turn."""

FEW: Final = 8
"""Clients for whom a turn of the event loop costs more than it may save."""
WORK: Final = 1 / 32
"""Of the window: what takes less time is not worth gathering for."""

_EVERYONE: Final = Audience.EVERYONE


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """It is not to come after all."""


class Scheduler(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Seconds on a steady clock."""

    def call_soon(self, callback: Callable[[], None]) -> Timer:
        """Call back in the next turn."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back after `delay` seconds."""


class Shard:
    """Clients that see the same bytes, and what they are to see next."""

    __slots__ = ("aware", "batch", "events", "flushed", "lanes", "pending", "size")

    def __init__(self, *, aware: bool, batch: bool) -> None:
        self.aware = aware
        self.batch = batch
        self.lanes: dict[Lane, None] = {}
        self.pending: list[bytes] = []
        self.events: list[bytes] = []
        """Those of `pending` that nobody may miss."""
        self.size = 0
        self.flushed = 0
        """Up to which change its live clients are up to date."""


class Fanout:
    """All lanes, by shard."""

    def __init__(self, source: Source, scheduler: Scheduler, window: float) -> None:
        """`window`: how long a busy broker gathers messages, in seconds."""
        self.delivered = 0
        """Messages handed to clients, each counted for each."""
        self.held = False
        """Whether more is about to come, until `settle`."""
        self._source = source
        self._journal = source.journal
        self._scheduler = scheduler
        self._window = window
        self._shards: list[Shard] = []
        self._of_audience: dict[Audience, list[Shard]] = {each: [] for each in Audience}
        self._shard_of: dict[Lane, Shard] = {}
        self._dirty: deque[Shard] = deque()
        self._ready: dict[Lane, None] = {}
        self._timer: Timer | None = None
        self._next = float("-inf")
        """When the gathering ends, on the scheduler's clock."""

    @property
    def behind(self) -> int:
        """Clients that do not get everything, because they are too slow or have just come."""
        return sum(not lane.live for lane in self._shard_of)

    def update(self, audience: Audience, wire: bytes) -> None:
        """A message of which only the newest of its kind matters."""
        # Looking something up by a member of an enumeration costs more than all the rest.
        for shard in self._shards if audience is _EVERYONE else self._of_audience[audience]:
            if not shard.pending:
                self._dirty.append(shard)
            shard.pending.append(wire)
            shard.size += len(wire)
            if shard.size >= CHUNK:
                self._flush(shard)
        if not self.held and self._timer is None and self._dirty:
            self._schedule()

    def event(self, audience: Audience, wire: bytes) -> None:
        """A message that nobody may miss."""
        for shard in self._of_audience[audience]:
            shard.events.append(wire)
        self.update(audience, wire)

    def reply(self, lane: Lane, wire: bytes) -> None:
        """A message for one client alone, after what was sent to it with the others until now."""
        if lane.reply(wire):
            self._wake(lane)
        else:
            self._dismiss(lane)

    def join(
        self, lane: Lane, backlog: Iterator[bytes], since: int, *, aware: bool, batch: bool
    ) -> None:
        """From here on `lane` sees what its like see, once it has got `backlog`."""
        self._withdraw(lane)
        lane.aware, lane.batch, lane.joined = aware, batch, True
        lane.restart(backlog, since)
        shard = self._shard_for(aware=aware, batch=batch)
        shard.lanes[lane] = None
        self._shard_of[lane] = shard
        self._wake(lane)

    def leave(self, lane: Lane) -> None:
        """`lane` is gone."""
        lane.joined = lane.live = False
        shard = self._shard_of.pop(lane, None)
        if shard is not None:
            del shard.lanes[lane]
            if not shard.lanes:
                self._drop(shard)
        self._ready.pop(lane, None)

    def paused(self, lane: Lane) -> None:
        """The socket of `lane` takes no more."""
        lane.writable = False
        self._ready.pop(lane, None)
        if lane.live:
            lane.live = False
            lane.since = self._shard_of[lane].flushed

    def resumed(self, lane: Lane) -> None:
        """The socket of `lane` takes more."""
        lane.writable = True
        self._wake(lane)

    def settle(self) -> None:
        """All is there that came at once: with few clients it goes out without another turn."""
        self.held = False
        if self._timer is None and (self._dirty or self._ready):
            now = self._scheduler.time()
            if now >= self._next and len(self._shard_of) <= FEW:
                self._work(now)
            else:
                self._schedule()

    def close(self) -> None:
        """Send nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _withdraw(self, lane: Lane) -> None:
        # What its old shard still holds for it would otherwise be lost with the shard.
        shard = self._shard_of.get(lane)
        if shard is not None:
            self._flush(shard)
            self.leave(lane)

    def _shard_for(self, *, aware: bool, batch: bool) -> Shard:
        for shard in tuple(self._shards):
            if (shard.aware, shard.batch) == (aware, batch) and len(shard.lanes) < SHARD:
                # Nothing that was decided before it came may reach the newcomer afterwards.
                self._flush(shard)
                if shard.lanes:
                    return shard
        shard = Shard(aware=aware, batch=batch)
        self._shards.append(shard)
        self._of_audience[Audience.EVERYONE].append(shard)
        self._of_audience[Audience.AWARE if aware else Audience.ORIGINAL].append(shard)
        return shard

    def _drop(self, shard: Shard) -> None:
        self._shards.remove(shard)
        for shards in self._of_audience.values():
            if shard in shards:
                shards.remove(shard)

    def _wake(self, lane: Lane) -> None:
        if lane.writable:
            self._ready[lane] = None
            if self._timer is None and not self.held:
                self._schedule()

    def _schedule(self) -> None:
        wait = self._next - self._scheduler.time()
        if wait > 0:
            self._timer = self._scheduler.call_later(wait, self._turn)
        else:
            self._timer = self._scheduler.call_soon(self._turn)

    def _turn(self) -> None:
        self._work(self._scheduler.time())

    def _work(self, start: float) -> None:
        writes = shared = 0
        while writes < SHARD and self._dirty:
            shard = self._dirty.popleft()
            if shard.pending:
                writes += len(shard.lanes)
                shared = max(shared, len(shard.pending))
                self._flush(shard)
        budget = STRETCH
        while writes < SHARD and budget > 0 and self._ready:
            lane = next(iter(self._ready))
            del self._ready[lane]
            budget -= self._catch_up(lane, budget)
            writes += 1
        more = self._dirty or self._ready
        self._timer = self._scheduler.call_soon(self._turn) if more else None
        if shared > 1 and self._scheduler.time() - start >= self._window * WORK:
            self._next = start + self._window

    def _flush(self, shard: Shard) -> None:
        shard.flushed = self._journal.seq
        wires, events = shard.pending, shard.events
        if not wires:
            return
        shard.pending, shard.events, shard.size = [], [], 0
        data = framed(wires, batch=shard.batch)
        live = 0
        lagging: list[Lane] = []
        for lane in shard.lanes:
            if lane.live:
                lane.outlet.write(data)
                live += 1
            else:
                lagging.append(lane)
        self.delivered += live * len(wires)
        if events and lagging:
            self._keep(events, lagging)

    def _keep(self, events: list[bytes], lanes: list[Lane]) -> None:
        """Keep what nobody may miss for those who cannot be sent it yet."""
        size = sum(map(len, events))
        for lane in lanes:
            if not lane.hold(events, size):
                self._dismiss(lane)

    def _catch_up(self, lane: Lane, budget: int) -> int:
        """Send `lane` what it missed, about `budget` bytes of it; return how many it was."""
        shard = self._shard_of.get(lane)
        if shard is not None:
            # With nothing pending, what the twins say is what the live clients have been told.
            self._flush(shard)
        sent = 0
        while lane.writable:
            if sent >= budget:
                self._ready[lane] = None
                break
            data = lane.chunk(self._source)
            if data is None:
                lane.live = lane.joined
                break
            lane.outlet.write(data)
            sent += len(data)
        return sent

    def _dismiss(self, lane: Lane) -> None:
        self.leave(lane)
        if lane.dismissed:
            return
        lane.dismissed = True
        error = QueueFull("Too much is waiting to be read. Connect again.")
        # Not at once: the core hears that a client left, and may be in the middle of something.
        self._scheduler.call_soon(lambda: lane.outlet.end(error))
