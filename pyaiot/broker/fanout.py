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
from typing import Any, Final, NamedTuple, Protocol

from pyaiot.broker.effects import Audience
from pyaiot.broker.frames import framed
from pyaiot.broker.lane import CHUNK, Lane, Source
from pyaiot.broker.views import COMMON, views_of
from pyaiot.errors import PyaiotError, QueueFull

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


class Group(NamedTuple):
    """What clients have in common that see the same bytes."""

    aware: bool
    batch: bool
    view: str = COMMON


class Shard:
    """Clients that see the same bytes, and what they are to see next."""

    __slots__ = ("batch", "events", "flushed", "group", "lanes", "pending", "size")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.batch = group.batch
        self.lanes: dict[Lane, None] = {}
        self.pending: list[bytes] = []
        self.events: list[bytes] = []
        """Those of `pending` that nobody may miss."""
        self.size = 0
        self.flushed = 0
        """Up to which change its live clients are up to date."""


def _everything(_: object) -> bool:
    return True


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
        self._of_view: dict[str, list[Shard]] = {}
        self._of_seers: dict[tuple[frozenset[str], Audience], list[Shard]] = {}
        """Found when needed; void whenever a shard comes or goes."""
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

    def update(self, audience: Audience, wire: bytes, seers: frozenset[str] | None = None) -> None:
        """A message of which only the newest of its kind matters.

        `seers` as in `pyaiot.broker.nodes`.
        """
        if seers is not None:
            shards = self._limited(audience, seers)
        else:
            # Looking something up by a member of an enumeration costs more than all the rest.
            shards = self._shards if audience is _EVERYONE else self._of_audience[audience]
        for shard in shards:
            if not shard.pending:
                self._dirty.append(shard)
            shard.pending.append(wire)
            shard.size += len(wire)
            if shard.size >= CHUNK:
                self._flush(shard)
        if not self.held and self._timer is None and self._dirty:
            self._schedule()

    def event(self, audience: Audience, wire: bytes, seers: frozenset[str] | None = None) -> None:
        """A message that nobody may miss."""
        those = self._of_audience[audience] if seers is None else self._limited(audience, seers)
        for shard in those:
            shard.events.append(wire)
        self.update(audience, wire, seers)

    def reply(self, lane: Lane, wire: bytes) -> None:
        """A message for one client alone, after what was sent to it with the others until now."""
        if lane.dismissed:
            return
        if lane.reply(wire):
            self._wake(lane)
        else:
            self._dismiss(lane)

    def show(self, lane: Lane, wire: bytes) -> None:
        """A message for one client alone, in its place among those for others like it."""
        shard = self._shard_of.get(lane)
        if shard is not None:
            self._flush(shard)
            self.reveal(lane, [wire], self._journal.seq)

    def reveal(self, lane: Lane, wires: list[bytes], since: int) -> None:
        """`wires`, and then all that changed after `since`.

        Until then everything must have been handed out (`flush`).
        """
        if not lane.joined:
            return
        if lane.live:
            lane.live = False
            lane.since = since
        if lane.hold(wires, sum(map(len, wires))):
            self._wake(lane)
        else:
            self._dismiss(lane)

    def flush(self) -> None:
        """Hand out all that was decided until now."""
        for shard in tuple(self._shards):
            self._flush(shard)

    def join(
        self,
        lane: Lane,
        backlog: Iterator[bytes],
        since: int,
        *,
        group: Group,
        sees: Callable[[Any], bool] = _everything,
    ) -> None:
        """From here on `lane` sees what its group sees, once it has got `backlog`.

        What it missed, it gets of nodes that it `sees`.
        """
        self._withdraw(lane)
        lane.aware, lane.batch, lane.joined, lane.sees = group.aware, group.batch, True, sees
        lane.restart(backlog, since)
        self._enter(lane, group)
        self._wake(lane)

    def regroup(self, lane: Lane, group: Group) -> None:
        """From here on `lane` sees what another group sees."""
        shard = self._shard_of.get(lane)
        if shard is None or shard.group == group:
            return
        self._flush(shard)
        if lane not in self._shard_of:
            return  # it was sent away
        self._part(lane)
        self._enter(lane, group)

    def leave(self, lane: Lane) -> None:
        """`lane` is gone."""
        lane.joined = lane.live = False
        if lane in self._shard_of:
            self._part(lane)
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

    def _enter(self, lane: Lane, group: Group) -> None:
        shard = self._shard_for(group)
        shard.lanes[lane] = None
        self._shard_of[lane] = shard

    def _part(self, lane: Lane) -> None:
        shard = self._shard_of.pop(lane)
        del shard.lanes[lane]
        if not shard.lanes:
            self._drop(shard)

    def _limited(self, audience: Audience, seers: frozenset[str]) -> list[Shard]:
        """Who sees what is about a node that not everybody sees."""
        found = self._of_seers.get((seers, audience))
        if found is None:
            found = [
                shard
                for view in views_of(seers)
                for shard in self._of_view.get(view, ())
                if audience is _EVERYONE or shard.group.aware is (audience is Audience.AWARE)
            ]
            self._of_seers[seers, audience] = found
        return found

    def _shard_for(self, group: Group) -> Shard:
        for shard in tuple(self._of_view.get(group.view, ())):
            if shard.group == group and len(shard.lanes) < SHARD:
                # Nothing that was decided before it came may reach the newcomer afterwards.
                self._flush(shard)
                if shard.lanes:
                    return shard
        shard = Shard(group)
        shard.flushed = self._journal.seq
        self._shards.append(shard)
        self._of_view.setdefault(group.view, []).append(shard)
        self._of_audience[Audience.EVERYONE].append(shard)
        self._of_audience[Audience.AWARE if group.aware else Audience.ORIGINAL].append(shard)
        self._of_seers.clear()
        return shard

    def _drop(self, shard: Shard) -> None:
        self._shards.remove(shard)
        for shards in (*self._of_audience.values(), self._of_view[shard.group.view]):
            if shard in shards:
                shards.remove(shard)
        if not self._of_view[shard.group.view]:
            del self._of_view[shard.group.view]
        self._of_seers.clear()

    def _wake(self, lane: Lane) -> None:
        if lane.writable and not lane.dismissed:
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
        self.dismiss(lane, QueueFull("Too much is waiting to be read. Connect again."))

    def dismiss(self, lane: Lane, error: PyaiotError) -> None:
        """Send a client away."""
        self.leave(lane)
        if lane.dismissed:
            return
        lane.dismissed = True
        # Not at once: the core hears that a client left, and may be in the middle of something.
        self._scheduler.call_soon(lambda: lane.outlet.end(error))
