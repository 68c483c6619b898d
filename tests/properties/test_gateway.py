# SPDX-License-Identifier: BSD-3-Clause
"""Whatever happens in whatever order, the broker ends up knowing what the gateway knows."""

from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyaiot.errors import CommandFailed
from pyaiot.gateway.adapter import Naming, Written
from pyaiot.gateway.effects import Discover, Send, Write
from pyaiot.messages.types import Out, Result, Status, Update
from tests.gateway.driven import ALL, LEGACY
from tests.gateway.sending import Sending

PASSING = "b"
NAMES = st.sampled_from(["a", PASSING, "c"])
PLACES = st.sampled_from(["x", "y", "z"])
NAMINGS = {"a": Naming.UNIQUE, PASSING: Naming.PASSING, "c": Naming.UNIQUE}

NODE_ACTIONS = st.one_of(
    st.tuples(st.just("seen"), NAMES, PLACES, st.booleans(), st.booleans()),
    st.tuples(st.just("report"), PLACES, st.sampled_from(["led", "os"])),
    st.tuples(st.just("lost"), PLACES),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 3.0, 30.0, 60.0, 130.0])),
    st.tuples(st.just("discovered"), st.booleans()),
)
LINK_ACTIONS = st.one_of(
    st.just(("join",)),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("push"), st.integers(1, 6)),
    st.tuples(st.just("arrive"), st.integers(1, 6)),
)


class World(Sending):
    """Carries out actions, as far as they make sense at the time."""

    def __init__(self, granted: frozenset[Any], **more: Any) -> None:
        super().__init__(**more)
        self.granted = granted
        self.value = 0
        self.passing = PASSING
        """What the node in passing is called: another name each time that it comes anew."""
        self._lives = 1

    def act(self, action: tuple[Any, ...]) -> None:
        was_there = self.passing in self.core.announcer.uids()
        self._act(action)
        if was_there and self.passing not in self.core.announcer.uids():
            self._lives += 1
            self.passing = f"{PASSING}{self._lives}"

    def _act(self, action: tuple[Any, ...]) -> None:
        kind, *facts = action
        if kind in {"leave", "push", "arrive"}:
            if self.linked:
                getattr(self, kind)(*facts)
        elif kind == "join":
            if not self.linked:
                self.join(self.granted)
        elif kind == "seen":
            name, place, rebooted, sleepy = facts
            called = self.passing if name == PASSING else name
            self.seen(called, place, naming=NAMINGS[name], rebooted=rebooted, sleepy=sleepy)
        elif kind == "report":
            self.value += 1
            self.report(facts[1], self.value, facts[0])
        elif kind != "discovered":
            getattr(self, kind)(*facts)
        elif any(isinstance(each, Discover) for each in self.all):
            self.discovered("no" if facts[0] else None)


def check_the_broker_knows_all(world: World) -> None:
    announcer = world.core.announcer
    present = {uid for uid in announcer.uids() if announcer.introduction(uid) is not None}
    assert set(world.mirror.nodes) == present
    for uid in present:
        assert world.mirror.nodes[uid] == {u.endpoint: u.data for u in announcer.values(uid)}
        new = announcer.introduction(uid)
        assert new is not None
        assert world.mirror.availability[uid] == new.availability
    reported = {
        (each.message.uid, each.message.endpoint, each.message.data, each.message.time)
        for each in world.all
        if isinstance(each, Send) and isinstance(each.message, Update)
    }
    assert reported <= world.mirror.readings
    # A node that goes while it is being announced may be said to be out twice.
    assert all(isinstance(each, Out) for each in world.mirror.refused)


@pytest.mark.parametrize("granted", [ALL, LEGACY])
@settings(max_examples=100, deadline=None)
@given(actions=st.lists(st.one_of(NODE_ACTIONS, LINK_ACTIONS), max_size=40))
def test_the_broker_knows_all_in_the_end(
    granted: frozenset[Any], actions: list[tuple[Any, ...]]
) -> None:
    world = World(granted)
    for action in actions:
        world.act(action)
    if world.linked:
        world.arrive(10_000)
        world.leave()
    world.join(granted)
    world.drain()
    check_the_broker_knows_all(world)


OUTCOMES = st.sampled_from(
    [Written(confirmed=True), Written(confirmed=False), CommandFailed("no"), None]
)
COMMAND_ACTIONS = st.one_of(
    st.tuples(
        st.just("command"),
        st.sampled_from(["a", PASSING, "nobody"]),
        st.sampled_from(["led", "os"]),
        st.sampled_from([0.2, 5.0, 100.0]),
    ),
    st.tuples(st.just("written"), st.integers(0, 3), OUTCOMES),
)


class Writing(World):
    """Keeps account of commands, results and writes."""

    def __init__(self) -> None:
        super().__init__(ALL, max_nodes=2)
        self.join(ALL)
        self.asked = 0
        self.under_way: list[Write] = []

    def act(self, action: tuple[Any, ...]) -> None:
        kind, *facts = action
        if kind == "command":
            self.asked += 1
            uid = self.passing if facts[0] == PASSING else facts[0]
            self.command(f"c{self.asked}", facts[1], uid=uid, timeout=facts[2])
        elif kind == "written":
            if self.under_way:
                wanted = self.under_way.pop(facts[0] % len(self.under_way))
                self.written(facts[1], wanted)
        elif kind in {"seen", "report", "lost", "wait"}:
            super().act(action)

    def _did(self, effects: Any) -> Self:
        kept = list(effects)
        for each in kept:
            if isinstance(each, Write):
                assert each.uid not in {
                    other.uid for other in self.under_way if self.is_known(other)
                }
                self.under_way.append(each)
        return super()._did(kept)

    def is_known(self, write: Write) -> bool:
        """Whether the node of `write` is still the one that it was begun for."""
        return write.uid in self.core.announcer.uids()

    @property
    def results_by_id(self) -> dict[str, list[Status]]:
        results: dict[str, list[Status]] = {}
        for each in self.all:
            if isinstance(each, Send) and isinstance(each.message, Result):
                results.setdefault(each.message.id, []).append(each.message.status)
        return results


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(NODE_ACTIONS, COMMAND_ACTIONS), max_size=50))
def test_exactly_one_final_result_and_one_write_at_a_time(actions: list[tuple[Any, ...]]) -> None:
    world = Writing()
    for action in actions:
        world.act(action)
    while world.under_way:
        world.act(("written", 0, CommandFailed("the end")))
    world.wait(200)
    while world.under_way:
        world.act(("written", 0, CommandFailed("the end")))
    world.wait(200)
    results = world.results_by_id
    assert set(results) == {f"c{number + 1}" for number in range(world.asked)}
    for statuses in results.values():
        assert Status.QUEUED not in statuses[1:]
        assert sum(status is not Status.QUEUED for status in statuses) == 1
