# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pyaiot.broker.effects import Audience
from pyaiot.broker.fanout import FEW, SHARD, STRETCH, Fanout, Group
from pyaiot.broker.lane import CHUNK, HELD, Lane
from pyaiot.errors import QueueFull
from tests.broker.outlets import Loop, Outlet

EVERYONE, ORIGINAL, AWARE = Audience.EVERYONE, Audience.ORIGINAL, Audience.AWARE
WINDOW = 0.5


def wire(number: int, size: int = 0) -> bytes:
    return b'{"n":%d,"pad":"%b"}' % (number, b"x" * size)


@dataclass
class Values:
    """Where the newest values are: one per name."""

    seq: int = 0
    newest: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    @property
    def journal(self) -> "Values":
        return self

    def set(self, name: str, data: bytes) -> bytes:
        self.seq += 1
        self.newest.pop(name, None)
        self.newest[name] = (self.seq, data)
        return data

    def changes(
        self, since: int, *, aware: bool, sees: Callable[[Any], bool]
    ) -> Iterator[tuple[int, bytes]]:
        assert aware in {True, False}
        return (each for each in tuple(self.newest.values()) if each[0] > since and sees(each))


class Bench:
    def __init__(self, window: float = WINDOW) -> None:
        self.values = Values()
        self.loop = Loop()
        self.fanout = Fanout(self.values, self.loop, window)

    def lane(
        self,
        *backlog: bytes,
        aware: bool = True,
        batch: bool = False,
        room: int | None = None,
        settle: bool = True,
    ) -> tuple[Lane, Outlet]:
        outlet = Outlet(room)
        lane = Lane(outlet)
        outlet.on_pause = lambda: self.fanout.paused(lane)
        self.fanout.join(lane, iter(backlog), self.values.seq, group=Group(aware, batch))
        if settle:
            self.loop.settle()
        return lane, outlet

    def drain(self, lane: Lane, outlet: Outlet) -> list[int]:
        """Let a client read everything; the numbers it got."""
        numbers = [message["n"] for message in outlet.messages()]
        for _ in range(1000):
            outlet.taken = 0
            if not lane.writable:
                self.fanout.resumed(lane)
            self.loop.settle()
            got = [message["n"] for message in outlet.messages()]
            numbers += got
            if not got:
                return numbers
        raise AssertionError("it never ends")

    def value(self, number: int, name: str = "a", size: int = 0) -> None:
        self.fanout.update(EVERYONE, self.values.set(name, wire(number, size)))


def numbers(outlet: Outlet) -> list[int]:
    return [message["n"] for message in outlet.messages()]


def test_all_of_a_turn_goes_in_one_write() -> None:
    bench = Bench()
    _, outlet = bench.lane()
    for number in range(3):
        bench.value(number)
    assert not outlet.writes
    bench.loop.settle()
    assert len(outlet.writes) == 1
    assert numbers(outlet) == [0, 1, 2]


def test_the_same_bytes_go_to_all_of_a_kind() -> None:
    bench = Bench()
    outlets = [bench.lane()[1] for _ in range(3)]
    bench.value(1)
    bench.loop.settle()
    assert outlets[0].writes[0] is outlets[1].writes[0] is outlets[2].writes[0]
    assert bench.fanout.delivered == 3


def test_an_idle_broker_does_not_wait() -> None:
    bench = Bench()
    _, outlet = bench.lane()
    bench.loop.now += 10
    bench.value(1)
    bench.loop.turn()
    assert numbers(outlet) == [1]


class Slow(Outlet):
    """A socket that takes its time."""

    def __init__(self, loop: Loop, seconds: float) -> None:
        super().__init__()
        self.loop = loop
        self.seconds = seconds

    def write(self, data: bytes) -> None:
        self.loop.now += self.seconds
        super().write(data)


def slow_lane(bench: Bench, seconds: float) -> Outlet:
    outlet = Slow(bench.loop, seconds)
    bench.fanout.join(Lane(outlet), iter(()), bench.values.seq, group=Group(True, False))
    bench.loop.settle()
    return outlet


def test_a_busy_one_gathers_until_the_window_ends() -> None:
    bench = Bench()
    outlet = slow_lane(bench, WINDOW / 8)
    bench.value(1)
    bench.value(2)
    bench.loop.turn()
    assert numbers(outlet) == [1, 2]
    bench.value(3)
    bench.loop.turn()
    bench.loop.now += WINDOW / 2
    bench.value(4)
    bench.loop.turn()
    assert not outlet.writes
    bench.loop.now += WINDOW / 2
    bench.loop.turn()
    assert len(outlet.writes) == 1
    assert numbers(outlet) == [3, 4]


def test_one_message_after_the_other_never_waits() -> None:
    bench = Bench()
    outlet = slow_lane(bench, WINDOW / 8)
    for number in range(5):
        bench.value(number)
        bench.loop.turn()
        assert numbers(outlet) == [number]


def test_nobody_waits_where_there_is_little_to_be_saved() -> None:
    bench = Bench()
    outlet = slow_lane(bench, WINDOW / 1000)
    for number in range(5):
        bench.value(number)
        bench.value(number)
        bench.loop.turn()
        assert numbers(outlet) == [number, number]


def test_with_few_clients_all_of_a_read_goes_at_its_end() -> None:
    bench = Bench()
    _, outlet = bench.lane()
    bench.fanout.held = True
    bench.value(1)
    bench.value(2)
    assert not bench.loop.calls
    bench.fanout.settle()
    assert len(outlet.writes) == 1
    assert numbers(outlet) == [1, 2]
    assert not bench.loop.calls
    bench.fanout.held = True
    bench.fanout.settle()
    assert not bench.loop.calls


def test_with_many_clients_it_goes_in_the_next_turn() -> None:
    bench = Bench()
    outlets = [bench.lane()[1] for _ in range(FEW + 1)]
    bench.fanout.held = True
    bench.value(1)
    bench.fanout.settle()
    assert not outlets[0].writes
    bench.loop.turn()
    assert [numbers(outlet) for outlet in outlets] == [[1]] * (FEW + 1)


def test_a_read_does_not_end_the_gathering() -> None:
    bench = Bench()
    outlet = slow_lane(bench, WINDOW / 8)
    bench.value(1)
    bench.value(2)
    bench.loop.turn()
    assert numbers(outlet) == [1, 2]
    bench.fanout.held = True
    bench.value(3)
    bench.fanout.settle()
    assert not outlet.writes
    bench.loop.settle()
    assert numbers(outlet) == [3]


def test_who_comes_within_a_read_waits_for_its_end() -> None:
    bench = Bench()
    bench.fanout.held = True
    _, outlet = bench.lane(wire(1), settle=False)
    assert not bench.loop.calls
    bench.fanout.settle()
    assert numbers(outlet) == [1]


def test_once_there_is_less_it_does_not_gather_any_more() -> None:
    bench = Bench()
    outlet = slow_lane(bench, WINDOW / 8)
    bench.value(1)
    bench.value(2)
    bench.loop.turn()
    bench.value(3)
    bench.loop.settle()
    assert numbers(outlet) == [1, 2, 3]
    bench.value(4)
    bench.loop.turn()
    assert numbers(outlet) == [4]


def test_much_at_once_does_not_wait_for_the_turn_to_end() -> None:
    bench = Bench()
    _, outlet = bench.lane()
    bench.value(1, size=CHUNK)
    assert numbers(outlet) == [1]
    bench.loop.settle()
    assert not outlet.writes


def test_arrays_for_those_who_take_them() -> None:
    bench = Bench()
    _, single = bench.lane()
    _, batch = bench.lane(batch=True)
    bench.value(1)
    bench.value(2)
    bench.loop.settle()
    assert [frame["n"] for frame in single.frames()] == [1, 2]
    assert [[each["n"] for each in frame] for frame in batch.frames()] == [[1, 2]]


@pytest.mark.parametrize(
    ("audience", "plain", "aware"),
    [(EVERYONE, [1], [1]), (ORIGINAL, [1], []), (AWARE, [], [1])],
)
def test_audiences(audience: Audience, plain: list[int], aware: list[int]) -> None:
    bench = Bench()
    _, one = bench.lane(aware=False)
    _, two = bench.lane(aware=True)
    bench.fanout.event(audience, wire(1))
    bench.loop.settle()
    assert (numbers(one), numbers(two)) == (plain, aware)


def test_nobody_there_is_no_work() -> None:
    bench = Bench()
    bench.value(1)
    assert not bench.loop.calls


def test_what_is_for_one_comes_after_what_was_for_all_until_then() -> None:
    bench = Bench()
    lane, outlet = bench.lane()
    _, other = bench.lane()
    bench.value(1)
    bench.fanout.reply(lane, wire(2))
    bench.value(3)
    bench.loop.settle()
    assert numbers(outlet) == [1, 3, 2]
    assert numbers(other) == [1, 3]
    assert lane.live


def test_who_has_not_said_hello_gets_only_what_is_for_it_alone() -> None:
    bench = Bench()
    outlet = Outlet()
    lane = Lane(outlet)
    bench.value(1)
    bench.fanout.reply(lane, wire(2))
    bench.loop.settle()
    assert numbers(outlet) == [2]
    assert not lane.live
    bench.fanout.leave(lane)


def test_who_left_gets_nothing() -> None:
    bench = Bench()
    lane, outlet = bench.lane()
    bench.fanout.reply(lane, wire(1))
    bench.fanout.leave(lane)
    bench.value(2)
    bench.loop.settle()
    assert not outlet.writes
    assert not bench.fanout._shards


def test_nothing_is_sent_once_it_is_closed() -> None:
    bench = Bench()
    _, outlet = bench.lane()
    bench.fanout.close()
    bench.value(1)
    bench.fanout.close()
    bench.loop.settle()
    assert not outlet.writes


def test_the_loop_turns_between_shards() -> None:
    bench = Bench()
    outlets = [bench.lane(settle=False)[1] for _ in range(SHARD + 1)]
    bench.loop.settle()
    assert len(bench.fanout._shards) == 2
    bench.value(1)
    bench.loop.now += 10
    bench.loop.turn()
    assert sum(bool(outlet.writes) for outlet in outlets) == SHARD
    bench.loop.turn()
    assert all(numbers(outlet) == [1] for outlet in outlets)


def test_room_in_a_shard_is_used_again() -> None:
    bench = Bench()
    lanes = [bench.lane(settle=False)[0] for _ in range(SHARD + 1)]
    bench.fanout.leave(lanes[0])
    bench.lane()
    assert [len(shard.lanes) for shard in bench.fanout._shards] == [SHARD, 1]


def test_a_long_backlog_leaves_room_for_others() -> None:
    bench = Bench()
    parts = [wire(number, CHUNK) for number in range(4 * STRETCH // CHUNK)]
    _, greedy = bench.lane(*parts, settle=False)
    bench.loop.turn()
    bench.loop.now += WINDOW
    _, modest = bench.lane(wire(0), settle=False)
    bench.loop.turn()
    bench.loop.turn()
    assert numbers(modest) == [0]
    assert len(greedy.writes) < len(parts)
    bench.loop.settle()
    assert len(numbers(greedy)) == len(parts)


def test_first_everything_then_what_happens() -> None:
    bench = Bench()
    lane, outlet = bench.lane(wire(1), wire(2), settle=False)
    assert bench.fanout.behind == 1
    bench.value(3)
    bench.loop.settle()
    bench.value(4)
    bench.loop.settle()
    assert numbers(outlet) == [1, 2, 3, 4]
    assert lane.live
    assert bench.fanout.behind == 0


def test_what_was_decided_before_it_came_does_not_reach_it_afterwards() -> None:
    bench = Bench()
    _, first = bench.lane()
    bench.value(1)
    bench.fanout.event(EVERYONE, wire(2))
    _, outlet = bench.lane(wire(7))
    assert numbers(first) == [1, 2]
    assert numbers(outlet) == [7]


def test_events_while_the_backlog_is_read() -> None:
    bench = Bench()
    lane, outlet = bench.lane(*(wire(number, CHUNK) for number in range(3)), room=0)
    assert numbers(outlet) == [0]
    bench.fanout.event(EVERYONE, wire(10))
    bench.value(11)
    bench.value(12)
    bench.fanout.reply(lane, wire(13))
    assert bench.drain(lane, outlet) == [13, 1, 2, 10, 12]
    assert lane.live


def test_hello_again() -> None:
    bench = Bench()
    lane, outlet = bench.lane(wire(1))
    bench.value(2)
    bench.fanout.join(lane, iter([wire(3)]), bench.values.seq, group=Group(False, True))
    bench.loop.settle()
    bench.fanout.event(ORIGINAL, wire(4))
    bench.loop.settle()
    assert numbers(outlet) == [1, 2, 3, 4]
    assert len(bench.fanout._shards) == 1


def test_hello_again_while_reading_slowly() -> None:
    bench = Bench()
    lane, outlet = bench.lane(*(wire(number, CHUNK) for number in range(3)), room=0)
    bench.fanout.event(EVERYONE, wire(10))
    bench.loop.settle()
    bench.fanout.join(lane, iter([wire(20)]), bench.values.seq, group=Group(True, False))
    bench.fanout.event(EVERYONE, wire(30))
    assert bench.drain(lane, outlet) == [0, 10, 20, 30], "what it missed, everything, what is new"


def test_who_is_too_slow_gets_the_newest_of_each() -> None:
    bench = Bench()
    lane, slow = bench.lane(room=0)
    _, fast = bench.lane()
    for number in range(100):
        bench.value(number, name="ab"[number % 2])
        bench.loop.settle()
    assert numbers(fast) == list(range(100))
    assert bench.drain(lane, slow) == [0, 98, 99]
    assert lane.live


def test_but_all_that_nobody_may_miss() -> None:
    bench = Bench()
    lane, slow = bench.lane(room=0)
    bench.value(0)
    bench.loop.settle()
    for number in range(1, 6):
        bench.value(number)
        bench.fanout.event(EVERYONE, wire(100 + number))
        bench.loop.settle()
    assert bench.drain(lane, slow) == [0, 101, 102, 103, 104, 105, 5]


def test_catching_up_goes_on_where_it_stopped() -> None:
    bench = Bench()
    lane, slow = bench.lane(room=0)
    for number in range(6):
        bench.value(number, name=str(number), size=CHUNK)
    assert numbers(slow) == [0]
    bench.fanout.resumed(lane)
    bench.loop.settle()
    assert numbers(slow) == [1]
    bench.value(7, name="1", size=CHUNK)
    assert bench.drain(lane, slow) == [2, 3, 4, 5, 7]


def test_what_was_delivered_already_is_not_sent_again() -> None:
    bench = Bench()
    lane, outlet = bench.lane()
    bench.value(1)
    bench.loop.settle()
    bench.fanout.paused(lane)
    bench.value(2, name="b")
    assert bench.drain(lane, outlet) == [1, 2]


def test_what_was_not_delivered_yet_is() -> None:
    bench = Bench()
    lane, outlet = bench.lane()
    bench.value(1)
    bench.fanout.paused(lane)
    assert bench.drain(lane, outlet) == [1]


def test_who_reads_nothing_at_all_is_sent_away() -> None:
    bench = Bench()
    lane, outlet = bench.lane(room=0)
    _, other = bench.lane()
    bench.value(0)
    bench.loop.settle()
    count = 0
    while outlet.ended is None:
        bench.fanout.event(EVERYONE, wire(1, 100_000))
        bench.loop.settle()
        count += 1
    assert isinstance(outlet.ended, QueueFull)
    assert count == HELD // 100_000 + 1
    assert len(numbers(other)) == count + 1
    assert lane not in bench.fanout._shard_of


def test_answers_alone_can_be_too_much() -> None:
    bench = Bench()
    lane, outlet = bench.lane(room=0)
    bench.fanout.paused(lane)
    for _ in range(HELD // 100_000 + 5):
        bench.fanout.reply(lane, wire(1, 100_000))
    assert outlet.ended is None, "whoever is sending must be allowed to end"
    bench.loop.settle()
    assert isinstance(outlet.ended, QueueFull)


def test_what_was_read_no_longer_counts() -> None:
    bench = Bench()
    lane, outlet = bench.lane()
    for _ in range(3 * HELD // 100_000):
        bench.fanout.reply(lane, wire(1, 100_000))
        bench.loop.settle()
    assert outlet.ended is None


def test_a_shard_whose_last_client_is_sent_away_takes_no_newcomer() -> None:
    bench = Bench()
    lane, outlet = bench.lane(room=0)
    bench.fanout.paused(lane)
    bench.fanout.event(EVERYONE, wire(1, CHUNK - 100))
    lane._size = HELD
    newcomer, second = bench.lane(wire(2))
    assert isinstance(outlet.ended, QueueFull)
    bench.value(3)
    bench.loop.settle()
    assert numbers(second) == [2, 3]
    assert newcomer.live


def test_a_pause_without_ever_having_been_live() -> None:
    bench = Bench()
    outlet = Outlet(room=0)
    lane = Lane(outlet)
    outlet.on_pause = lambda: bench.fanout.paused(lane)
    for number in range(3):
        bench.fanout.reply(lane, wire(number, CHUNK))
    bench.loop.settle()
    assert bench.drain(lane, outlet) == [0, 1, 2]
