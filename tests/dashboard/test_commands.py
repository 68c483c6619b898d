# SPDX-License-Identifier: BSD-3-Clause
"""Commands of the REST API; what a broker would say is said by the test."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from pyaiot.dashboard import commands as module
from pyaiot.dashboard.api.forms import CommandState
from pyaiot.dashboard.commands import Commands
from pyaiot.dashboard.live import BrokerUnreachable, Live
from pyaiot.errors import QueueFull
from pyaiot.messages.types import Result, Status, Target
from tests.waiting import eventually

LED = Target("n1", "led", "1")
NOW = 1_790_000_000.0


class Wire:
    """A broker that says what it is told to."""

    def __init__(self, *results: Result, away: bool = False) -> None:
        self.results = list(results)
        self.away = away
        self.asked: list[tuple[Target, str, float]] = []
        self.answers: dict[str, Callable[[Result], None]] = {}

    @contextmanager
    def awaiting(self, identity: str, answer: Callable[[Result], None]) -> Iterator[None]:
        self.answers[identity] = answer
        try:
            yield
        finally:
            del self.answers[identity]

    async def command(self, target: Target, identity: str, patience: float) -> None:
        if self.away:
            raise BrokerUnreachable("The broker cannot be reached: it is away.")
        self.asked.append((target, identity, patience))
        for each in self.results:
            asyncio.get_running_loop().call_soon(self.answers[identity], each)


def on(wire: Wire) -> Commands:
    return Commands(cast("Live", wire))


def state(commands: Commands, identity: str) -> CommandState:
    found = commands.get(identity)
    assert found is not None
    return found[0]


async def test_a_command_ends_with_its_last_result() -> None:
    wire = Wire(Result("c1", Status.QUEUED, "asleep"), Result("c1", Status.APPLIED))
    commands = on(wire)
    begun = commands.begin(LED, "c1", "olaf", NOW)
    assert (begun.uid, begun.endpoint, begun.payload) == ("n1", "led", "1")
    assert (begun.status, begun.asked) == (None, NOW)
    ended = await commands.carry_out(LED, "c1", 5.0)
    assert (ended.status, ended.reason) == (Status.APPLIED, "")
    assert commands.get("c1") == (ended, "olaf")
    assert wire.asked == [(LED, "c1", 5.0)]
    assert wire.answers == {}
    assert commands.get("c2") is None


async def test_a_queued_command_shows_so_meanwhile() -> None:
    wire = Wire(Result("c1", Status.QUEUED, "asleep"))
    commands = on(wire)
    commands.begin(LED, "c1", "olaf", NOW)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(commands.carry_out(LED, "c1", 5.0))
        await eventually(lambda: state(commands, "c1").status is Status.QUEUED)
        wire.answers["c1"](Result("c1", Status.FAILED, "4.05"))
    assert (task.result().status, task.result().reason) == (Status.FAILED, "4.05")


async def test_silence_is_a_result_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.0)
    commands = on(Wire())
    commands.begin(LED, "c1", "olaf", NOW)
    assert (await commands.carry_out(LED, "c1", 0.01)).status is Status.TIMEOUT


async def test_a_broker_that_is_away_is_told_and_remembered() -> None:
    commands = on(Wire(away=True))
    commands.begin(LED, "c1", "olaf", NOW)
    with pytest.raises(BrokerUnreachable):
        await commands.carry_out(LED, "c1", 5.0)
    found = state(commands, "c1")
    assert (found.status, found.reason) == (
        Status.FAILED, "The broker cannot be reached: it is away.",
    )  # fmt: skip


async def test_one_asker_has_a_bounded_number_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OF_ONE", 2)
    commands = on(Wire(Result("c1", Status.APPLIED)))
    for identity in ("c1", "c2"):
        commands.begin(LED, identity, "olaf", NOW)
    with pytest.raises(QueueFull):
        commands.begin(LED, "c3", "olaf", NOW)
    commands.begin(LED, "c4", "ann", NOW)
    await commands.carry_out(LED, "c1", 5.0)
    commands.begin(LED, "c3", "olaf", NOW)


@pytest.mark.parametrize("bound", ["KEPT", "BYTES"])
async def test_what_ended_makes_room(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, bound, 2 if bound == "KEPT" else 20)
    ten = Target("n1", "text", "x" * 10)
    commands = on(Wire(Result("c1", Status.APPLIED)))
    commands.begin(ten, "c1", "olaf", NOW)
    commands.begin(ten, "c2", "olaf", NOW)
    with pytest.raises(QueueFull):
        commands.begin(ten, "c3", "olaf", NOW)
    await commands.carry_out(ten, "c1", 5.0)
    commands.begin(ten, "c3", "olaf", NOW)
    assert commands.get("c1") is None
    assert commands.get("c2") is not None
    assert commands.get("c3") is not None
    with pytest.raises(QueueFull):
        commands.begin(ten, "c4", "olaf", NOW)
