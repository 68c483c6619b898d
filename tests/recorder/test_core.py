# SPDX-License-Identifier: BSD-3-Clause
from msgspec import Raw

from pyaiot.messages.codec import encode, recorded
from pyaiot.messages.types import (
    AvailabilityChanged,
    Message,
    New,
    Out,
    Recordable,
    Reset,
    Stored,
    Update,
)
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.sighting import Sighting
from pyaiot.recorder.core import MAX_BATCH, TURN, Batch, Core
from pyaiot.recorder.facts import HEARD, Called, Presence, Readings, Restart

ONLINE, LATE, OFFLINE = Availability
NOW = Moment(1_790_000_000.0, 100.0)


def later(seconds: float) -> Moment:
    return Moment(NOW.wall + seconds, NOW.steady + seconds)


def core(room: int = 200_000, rows: int = 1000) -> Core:
    return Core(recorded().decode_each, room=room, rows=rows)


def said(first: int, *messages: Message, stream: str = "s", lost: int = 0) -> Recordable:
    return Recordable(stream, first, tuple(Raw(encode(each)) for each in messages), lost)


def updates(first: int, last: int, stream: str = "s", lost: int = 0) -> Recordable:
    messages = [Update("n", "count", n, time=float(n)) for n in range(first, last + 1)]
    return said(first, *messages, stream=stream, lost=lost)


def batch_of(core: Core, now: Moment = NOW) -> Batch:
    while core.read(now) is not None:
        pass
    batch = core.batch(now)
    assert batch is not None
    return batch


def numbers(batch: Batch) -> list[float | None]:
    return [each.number for each in batch.samples]


class TestStream:
    def test_confirms_what_is_stored_and_nothing_else(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, 3))
        assert c.confirmation() is None
        batch = batch_of(c)
        c.received(updates(4, 5))
        assert (numbers(batch), c.waiting) == ([1, 2, 3], 5)
        assert c.confirmation() is None
        c.stored(batch)
        assert c.confirmation() == Stored(3)
        assert c.confirmation() is None
        c.stored(batch_of(c))
        assert (c.confirmation(), c.waiting) == (Stored(5), 0)

    def test_what_comes_again_is_taken_once_and_confirmed(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, 4))
        c.stored(batch_of(c))
        c.connected()
        # The broker has not sent it on this connection, and would take it for nonsense.
        assert c.confirmation() is None
        c.received(updates(1, 2))
        assert c.confirmation() == Stored(2)
        c.received(updates(3, 6))
        assert c.confirmation() == Stored(4)
        assert numbers(batch_of(c)) == [5, 6]
        assert (c.counts.received, c.counts.again) == (6, 4)

    def test_another_stream(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, 2))
        c.read(NOW)
        c.connected()
        c.received(updates(1, 3, stream="t"))
        batch = batch_of(c)
        assert (batch.stream, batch.through, batch.count) == ("t", 3, 5)
        assert numbers(batch) == [1, 2, 1, 2, 3]
        c.stored(batch)
        assert (c.confirmation(), c.waiting) == (Stored(3), 0)
        # What was under way of the old one confirms nothing of the new one.
        c.received(updates(1, 9, stream="u"))
        c.stored(Batch("t", 7))
        assert c.confirmation() is None

    def test_begins_where_others_have_stored(self) -> None:
        c = core()
        c.connected()
        c.received(updates(100, 101))
        c.stored(batch_of(c))
        assert c.confirmation() == Stored(101)

    def test_losses_are_counted_once(self) -> None:
        c = core()
        c.connected()
        c.received(updates(6, 7, lost=5))
        c.received(updates(8, 9, lost=5))
        c.received(updates(12, 12, lost=7))
        # What the broker dropped had been taken in here.
        c.received(updates(13, 13, lost=12))
        c.received(updates(2, 2, stream="t", lost=1))
        assert c.counts.lost == 8

    def test_no_room_is_asked_for_again(self) -> None:
        c = core(room=5)
        c.connected()
        c.received(updates(1, 3))
        c.received(updates(4, 6))
        c.received(updates(7, 7))
        assert (c.waiting, c.starved) == (3, False)
        c.stored(batch_of(c))
        assert (c.starved, c.confirmation()) == (True, Stored(3))
        c.connected()
        assert (c.starved, c.waiting) == (False, 0)
        c.received(updates(4, 6))
        assert numbers(batch_of(c)) == [4, 5, 6]

    def test_put_back_comes_first(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, 2))
        batch = batch_of(c)
        c.put_back(batch)
        c.received(updates(3, 3))
        again = batch_of(c)
        assert numbers(again) == [1, 2, 3]
        c.received(updates(4, 4))
        c.read(NOW)
        c.put_back(again)
        assert numbers(batch_of(c)) == [1, 2, 3, 4]

    def test_nonsense_is_counted(self) -> None:
        c = core()
        c.connected()
        c.received(Recordable("s", 1, (Raw(b'{"type":"x"}'), Raw(encode(Update("n", "r", 1))))))
        batch = batch_of(c)
        assert (batch.through, len(batch.samples), c.counts.unreadable) == (2, 1, 1)


class TestBatches:
    def test_gather_for_a_moment_or_until_there_are_many(self) -> None:
        c = core(rows=3)
        c.connected()
        assert c.due(NOW) is None
        assert c.batch(NOW) is None
        c.received(updates(1, 2))
        assert c.due(NOW) is None
        c.read(NOW)
        assert c.due(later(0.04)) == 0.06 or abs((c.due(later(0.04)) or 0) - 0.06) < 1e-6
        assert c.due(later(0.2)) == 0
        c.received(updates(3, 3))
        c.read(NOW)
        assert c.due(NOW) == 0

    def test_are_read_in_turns_and_end(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, TURN + 1))
        facts = c.read(NOW)
        assert facts is not None
        assert isinstance(facts[0], Readings)
        assert len(facts[0].samples) == TURN
        c.received(updates(TURN + 2, MAX_BATCH + 1))
        while not c.full:
            assert c.read(NOW) is not None
        batch = c.batch(NOW)
        assert batch is not None
        assert MAX_BATCH <= len(batch.samples) < MAX_BATCH + TURN
        assert batch.through == len(batch.samples)


class TestFacts:
    def test_in_order(self) -> None:
        c = core()
        c.connected()
        c.received(
            said(
                1,
                New("n", availability=ONLINE, seen=5.0),
                Update("n", "a", "1°C", time=6.0),
                Update("n", "b", 2),
                AvailabilityChanged("n", LATE, 7.0),
                Update("n", "a", {"x": 1, "y": 2}, time=8.0),
                Reset("n"),
                Out("n"),
            )
        )
        facts = c.read(NOW)
        assert facts is not None
        told = [
            [(each.resource, each.path) for each in fact.samples]
            if isinstance(fact, Readings)
            else fact
            for fact in facts
        ]
        assert told == [
            Presence("n", ONLINE),
            [("a", ""), ("b", "")],
            Presence("n", LATE),
            [("a", "x"), ("a", "y")],
            Restart("n"),
            Presence("n", None),
        ]
        batch = c.batch(NOW)
        assert batch is not None
        assert [each.time_us for each in batch.samples] == [
            6_000_000, 1_790_000_000_000_000, 8_000_000, 8_000_000,
        ]  # fmt: skip
        assert batch.sightings[:3] == [
            Sighting("n", 5_000_000, ONLINE),
            Sighting("n", 7_000_000),
            Sighting("n", 1_790_000_000_000_000, LATE, heard=False),
        ]
        assert batch.sightings[3] == Sighting("n", 1_790_000_000_000_000, OFFLINE, heard=False)

    def test_names_are_told_when_they_change(self) -> None:
        c = core()
        c.connected()
        c.received(
            said(
                1,
                Update("n", "name", "Lamp\n", time=1.0),
                Update("n", "protocol", "CoAP", time=1.0),
                Update("n", "name", "Lamp", time=2.0),
                Update("n", "name", 5, time=3.0),
                Update("n", "name", "Lamp 2", time=4.0),
            )
        )
        facts = c.read(NOW)
        assert facts is not None
        # Before the readings with which they came.
        assert facts[:-1] == [Called("n", "Lamp"), Called("n", "Lamp 2")]
        assert isinstance(facts[-1], Readings)
        assert batch_of(c).sightings == [
            Sighting("n", 1_000_000),
            Sighting("n", 1_000_000, title="Lamp"),
            Sighting("n", 1_000_000, protocol="CoAP"),
            Sighting("n", 4_000_000, title="Lamp 2"),
            Sighting("n", 4_000_000),
        ]

    def test_a_node_that_comes_again_is_named_again(self) -> None:
        c = core()
        c.connected()
        name = Update("n", "name", "Lamp", time=2.0)
        c.received(said(1, name, name, New("n", availability=ONLINE, seen=3.0), name, name))
        assert batch_of(c).sightings == [
            Sighting("n", 2_000_000),
            Sighting("n", 2_000_000, title="Lamp"),
            Sighting("n", 3_000_000, ONLINE),
            Sighting("n", 2_000_000, title="Lamp"),
            Sighting("n", 2_000_000),
        ]

    def test_being_heard_is_written_now_and_then(self) -> None:
        c = core()
        c.connected()
        c.received(updates(1, 1))
        assert batch_of(c, later(HEARD)).sightings == [Sighting("n", 1_000_000)]
        c.received(updates(2, 3))
        now = later(2 * HEARD)
        assert batch_of(c, now).sightings == [Sighting("n", 3_000_000)]
        c.received(updates(4, 4))
        assert batch_of(c, now).sightings == []
        assert c.due(now) == HEARD
        assert c.due(later(3 * HEARD)) == 0
        batch = c.batch(later(3 * HEARD))
        assert batch is not None
        assert (batch.count, batch.sightings) == (0, [Sighting("n", 4_000_000)])
