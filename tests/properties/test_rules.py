# SPDX-License-Identifier: BSD-3-Clause
"""Whatever happens in whatever order, no alert is raised that is open, or cleared that is not.

`Traveller.note` asserts that of every effect.
"""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recorder.travelling import Traveller, rule

RULES = [
    rule("above", "a", high=30, owner="ann"),
    rule("above", "b", high=30, seconds=20, hysteresis=5, node="n?", owner="bob"),
    rule("outside", "c", low=10, high=30, resource="temperature", node="Kitchen", owner="ann"),
    rule("equals", "d", text="open", muted_until=1e12),
    rule("rate", "e", low=-2, high=2, seconds=3),
    rule("silent", "f", seconds=15),
    rule("silent", "g", seconds=25, resource="temperature", owner="ann"),
    rule("offline", "h", seconds=5, owner="bob"),
    rule("offline", "i"),
]
NODES = st.sampled_from(["n1", "n2", "other"])
ACTIONS = st.one_of(
    st.tuples(
        st.just("read"),
        NODES,
        st.sampled_from(["temperature", "door"]),
        st.sampled_from([0.0, 12.0, 20.0, 28.0, 31.0, 40.0, "open", "closed", None]),
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 10.0, 1000.0, -50.0]),
    ),
    st.tuples(st.just("wait"), st.sampled_from([0.2, 1.0, 7.0, 40.0])),
    st.tuples(st.just("available"), NODES, st.sampled_from(["online", "late", "offline"])),
    st.tuples(st.just("gone"), NODES),
    st.tuples(st.just("reset"), NODES),
    st.tuples(st.just("rules"), st.sets(st.integers(0, len(RULES) - 1)), st.sampled_from([0, 5])),
    st.tuples(st.just("hide"), st.sampled_from(["ann", "bob"]), NODES),
    st.tuples(st.just("show"), st.sampled_from(["ann", "bob"]), NODES),
    st.tuples(st.just("call"), NODES, st.sampled_from(["Kitchen", "n1", ""])),
    st.tuples(st.just("clock"), st.sampled_from([-100.0, 100.0])),
    st.just(("deaf",)),
    st.just(("listening",)),
    st.just(("restart",)),
)


class World(Traveller):
    """Carries out actions."""

    def act(self, action: tuple[Any, ...]) -> None:
        kind, *facts = action
        getattr(self, f"do_{kind}")(*facts)

    def do_read(self, node: str, resource: str, value: float | str | None, ago: float) -> None:
        self.read(value, ago, node=node, resource=resource)

    def do_wait(self, seconds: float) -> None:
        self.wait(seconds, step=1)

    def do_available(self, node: str, state: str) -> None:
        self.available(state, node)

    def do_gone(self, node: str) -> None:
        self.gone(node)

    def do_reset(self, node: str) -> None:
        self.engine.reset(node)

    def do_rules(self, chosen: set[int], more: float) -> None:
        rules = [RULES[number] for number in sorted(chosen)]
        self.change(*[replace(each, seconds=each.seconds + more) for each in rules])

    def do_hide(self, owner: str, node: str) -> None:
        self.sight.hidden.add((owner, node))
        self.access_changed(node)

    def do_show(self, owner: str, node: str) -> None:
        self.sight.hidden.discard((owner, node))
        self.access_changed()

    def do_call(self, node: str, name: str) -> None:
        self.sight.names[node] = name
        self.access_changed(node)

    def do_clock(self, step: float) -> None:
        self.wall += step

    def do_deaf(self) -> None:
        self.engine.deaf()

    def do_listening(self) -> None:
        self.engine.listening(self.now)

    def do_restart(self) -> None:
        self.start()
        self.begin()


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=60))
def test_raised_once_and_cleared_once(actions: list[tuple[Any, ...]]) -> None:
    world = World(*RULES)
    for action in actions:
        world.act(action)
    # In the end nothing is left open when there are no rules, and nothing is due.
    world.change()
    assert not world.open
    world.engine.listening(world.now)
    assert world.wait(100, step=1) == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([25.0, 29.0, 30.0, 31.0]), st.floats(0, 100)), max_size=50)
)
def test_without_duration_the_last_reading_alone_decides(course: list[tuple[float, float]]) -> None:
    world = Traveller(rule("above", high=30))
    for value, pause in course:
        world.wait(pause, step=10)
        world.read(value)
        assert bool(world.open) == (value > 30)
