# SPDX-License-Identifier: BSD-3-Clause
"""Many simulated nodes in one process: what they have in common, whatever they speak."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from pyaiot.model.node import checked_uid
from pyaiot.simulate.things import CYCLE, Course, Thing

logger = logging.getLogger(__name__)

TICK: Final = 0.01
"""Seconds that turns are gathered for at least; waking up for each would cost more than they do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many nodes there are, and what they are like."""

    number: int
    resources: Sequence[str] = ("temperature", "led")
    period: float = 5.0
    """Seconds between two values of each resource that a node measures."""
    course: Course = "sine"
    seed: int = 0
    """The same plan with the same seed gives the same nodes, which measure the same."""
    name: str = "Simulated"
    token: str = field(default="", repr=False)
    """The device token of the one node that there then is."""

    def members(self) -> "list[Member]":
        """The nodes. Raises InvalidValue for a name or a resource that no node can have."""
        prefix = "-".join(self.name.lower().split())
        return [
            Member(
                number,
                checked_uid(f"{prefix}-{number}"),
                Random(f"{self.seed} {number}"),  # noqa: S311 - nothing of a simulated node is secret
                self,
                f"{self.name} {number}",
            )
            for number in range(1, self.number + 1)
        ]


class Member:
    """One of many nodes."""

    __slots__ = ("_begin", "_measured", "_period", "number", "thing", "uid")

    def __init__(self, number: int, uid: str, random: Random, plan: Plan, name: str) -> None:
        self.number = number
        self.uid = uid
        self.thing = Thing(("name", *plan.resources), random, course=plan.course, name=name)
        self._measured = tuple(self.thing.periodic)
        self._period = plan.period
        # Or all of them would measure the same.
        self._begin = random.uniform(0, CYCLE)

    def measure(self, turn: int) -> dict[str, str]:
        """What it measures the `turn`-th time."""
        seconds = self._begin + turn * self._period
        return {name: self.thing.sample(name, seconds) for name in self._measured}


class Fleet(Protocol):
    """Nodes that speak the same."""

    async def run(self) -> None:
        """Be there until cancelled."""


class Contact:
    """Tells in the log how it goes with the other end, once for all nodes and not for each."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._complaint = ""

    def found(self) -> None:
        """The other end is there, and answers."""
        if self._complaint:
            logger.warning("%s is there again", self._where)
        self._complaint = ""

    def missed(self, reason: str) -> None:
        """It is not, or does not."""
        self._complain(f"no connection to {self._where}: {reason}")

    def refused(self, reason: str) -> None:
        """It is, and wants no such node."""
        self._complain(f"{self._where} refuses nodes: {reason}")

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            logger.warning("%s", text)
        self._complaint = text


async def evenly(number: int, period: float, act: Callable[[int, int], None]) -> None:
    """Call ``act(which, turn)`` for each of `number` once a `period`, spread over it, for ever.

    Where that is too much, whole turns are left out.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    done = 0
    while True:
        await asyncio.sleep(max(TICK, period / number))
        due = int((clock() - began) / period * number)
        for each in range(max(done, due - number), due):
            act(each % number, each // number)
        done = due
