# SPDX-License-Identifier: BSD-3-Clause
"""A store that is away for long: the broker's stream and the recorder's core on the test's clock.

What carries batches into the store holds one of them for as long as it is away, as the writer does
(`test_writer.py`).
"""

from collections import Counter

from pyaiot.broker.limits import Limits
from pyaiot.broker.peers import Service
from pyaiot.broker.recording import Recording
from pyaiot.messages.codec import encode, recorded
from pyaiot.messages.types import Feature, Update
from pyaiot.model.moment import Moment
from pyaiot.recorder.core import MAX_WAITING, Batch, Core

RATE = 1000
"""Readings a second."""
TICK = 0.05
"""Seconds between two looks at everything."""
BEGAN = 1_790_000_000.0


class Waker:
    def record(self) -> None:
        """Nobody sleeps here."""


class Outage:
    """A node that counts, a broker, a recorder, and a store that is there or is not."""

    def __init__(self, *, kept: int, room: int = MAX_WAITING) -> None:
        """`kept`: bytes that the broker keeps; `room`: messages that may wait in the recorder."""
        self.now = Moment(BEGAN, 100.0)
        self.there = True
        self.recording = Recording("s", kept, Waker(), expected=True)
        self.core = Core(recorded().decode_each, room=room)
        self.stored: Counter[int] = Counter()
        self.most_waiting = self.most_kept = 0
        self._reported = 0
        self._batch: Batch | None = None
        self._link = Service("1", "recorder", frozenset({Feature.RECORDER}))
        self._connect()

    def pass_(self, seconds: float) -> None:
        """Time goes by, in which the node reports."""
        for _ in range(round(seconds / TICK)):
            self.now = Moment(self.now.wall + TICK, self.now.steady + TICK)
            for _ in range(round(RATE * TICK)):
                self._reported += 1
                reading = Update("node-1", "count", self._reported, time=self.now.wall)
                self.recording.put(encode(reading))
            self._turn()

    def settle(self) -> None:
        """What is under way arrives; the node is silent meanwhile."""
        for _ in range(2000):
            self.now = Moment(self.now.wall, self.now.steady + TICK)
            self._turn()

    @property
    def missing(self) -> int:
        return self._reported - len(self.stored)

    def _connect(self) -> None:
        self.recording.joined(self._link)
        self.core.connected()

    def _turn(self) -> None:
        while (message := self.recording.take(self._link)) is not None:
            self.core.received(message)
        while not self.core.full and self.core.read(self.now) is not None:
            pass
        if self._batch is None and self.core.due(self.now) == 0:
            self._batch = self.core.batch(self.now)
        if self._batch is not None and self.there:
            self.stored.update(round(each.number or 0) for each in self._batch.samples)
            self.core.stored(self._batch)
            self._batch = None
            if (confirmed := self.core.confirmation()) is not None:
                self.recording.told(self._link, confirmed.through)
            if self.core.starved:
                self.recording.left(self._link)
                self._connect()
        self.most_waiting = max(self.most_waiting, self.core.waiting)
        self.most_kept = max(self.most_kept, self.recording.kept_bytes)


def test_a_minute_is_nothing() -> None:
    outage = Outage(kept=Limits().record_queue)
    outage.pass_(2)
    outage.there = False
    outage.pass_(60)
    assert outage.core.waiting >= 60 * RATE
    assert outage.missing >= 60 * RATE
    outage.there = True
    outage.pass_(2)
    outage.settle()
    assert (outage.missing, outage.core.counts.lost, outage.recording.lost) == (0, 0, 0)
    assert set(outage.stored.values()) == {1}
    # The same again and again: a third of the room in the recorder, a quarter of the broker's.
    assert outage.most_waiting < MAX_WAITING / 3
    assert outage.most_kept < Limits().record_queue / 4


def test_what_the_recorder_has_no_room_for_the_broker_keeps() -> None:
    outage = Outage(kept=Limits().record_queue, room=10_000)
    outage.there = False
    outage.pass_(60)
    assert outage.most_waiting <= 10_000
    outage.there = True
    outage.settle()
    assert (outage.missing, outage.core.counts.lost) == (0, 0)
    assert set(outage.stored.values()) == {1}


def test_beyond_all_bounds_what_is_lost_is_counted() -> None:
    outage = Outage(kept=2_000_000, room=10_000)
    outage.pass_(1)
    outage.there = False
    outage.pass_(60)
    assert outage.most_waiting <= 10_000
    # The piece that is being filled is on top.
    assert outage.most_kept <= 2_000_000
    outage.there = True
    outage.settle()
    assert 30_000 < outage.missing == outage.core.counts.lost < 60_000
    assert set(outage.stored.values()) == {1}
    # It goes on as if nothing had been.
    before = outage.missing
    outage.pass_(5)
    outage.settle()
    assert (outage.missing, outage.core.counts.lost) == (before, before)
