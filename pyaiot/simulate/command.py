# SPDX-License-Identifier: BSD-3-Clause
"""What the command lines of the test nodes have in common."""

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Collection
from random import Random
from typing import Protocol

from pyaiot.errors import PyaiotError
from pyaiot.simulate.things import RESOURCES, Thing


class Node(Protocol):
    """Any simulated node."""

    async def run(self) -> None:
        """Be there until cancelled."""


class NodeParser(argparse.ArgumentParser):
    """Options that every test node has, and one for each resource that it may have."""

    def __init__(
        self,
        purpose: str,
        *,
        always: Collection[str],
        default: Collection[str],
        others: Collection[str] = (),
    ) -> None:
        """`always` it has these resources, by `default` those as well, never the `others`."""
        super().__init__(
            description=f"{purpose} It has the resources {', '.join(always)}, and those that are"
            f" asked for; where none is, {', '.join(default)}. Any number can run on one machine.",
            allow_abbrev=False,
        )
        self._always = always
        self._default = default
        self._others = others

    def parse(self) -> argparse.Namespace:
        """The options that were given."""
        self.add_argument(
            "--period",
            type=seconds,
            metavar="SECONDS",
            help="time between two values of a resource (its own)",
        )
        self.add_argument(
            "--token",
            default=os.environ.get("PYAIOT_TOKEN", ""),
            metavar="TEXT",
            help="its device token, where it has one (PYAIOT_TOKEN)",
        )
        self.add_argument("--debug", action="store_true", help="tell what is sent and received")
        resources = self.add_argument_group("resources")
        for name in sorted(RESOURCES.keys() - {*self._always, *self._others}):
            resources.add_argument(
                f"--{name}",
                action="append_const",
                dest="resources",
                const=name,
                help=f"have '{name}'",
            )
        return self.parse_args()

    def thing(self, options: argparse.Namespace, random: Random) -> Thing:
        """The resources that `options` ask for."""
        names = (*self._always, *(options.resources or self._default))
        return Thing(names, random, period=options.period, name=options.name)


def port(text: str) -> int:
    """A port; 0 for any."""
    value = int(text)
    if not 0 <= value < 65_536:
        raise ValueError(text)
    return value


def seconds(text: str) -> float:
    """A time above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def run(parser: NodeParser, make: Callable[[argparse.Namespace, Thing, Random], Node]) -> int:
    """Run what `make` makes until a signal asks for the end; the exit status."""
    options = parser.parse()
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    random = Random(secrets.randbits(64))  # noqa: S311 - nothing of a simulated node is secret
    try:
        node = make(options, parser.thing(options, random), random)
        asyncio.run(_until_signal(node))
    except PyaiotError as exc:
        print(f"{parser.prog}: {exc}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 2
    return 0


async def _until_signal(node: Node) -> None:
    task = asyncio.ensure_future(node.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
