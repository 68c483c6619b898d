#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated websocket node, for trying out the websocket gateway."""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from random import Random

from pyaiot.errors import PyaiotError
from pyaiot.simulate.things import RESOURCES, Thing
from pyaiot.simulate.websocket import WebsocketNode

ALWAYS = ("node", "name", "os")
DEFAULT = ("led",)
CHOICES = sorted(RESOURCES.keys() - {*ALWAYS, "board", "ip"})


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} It has the resources {', '.join(ALWAYS)}, and those that are asked"
        f" for; where none is, {', '.join(DEFAULT)}.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--gateway-host", default="localhost", metavar="HOST", help="the gateway (%(default)s)"
    )
    parser.add_argument(
        "--gateway-port", default=8001, type=int, metavar="PORT", help="its port (%(default)s)"
    )
    parser.add_argument(
        "--uid", default="", metavar="ID", help="a name of its own, by which it stays the same node"
    )
    parser.add_argument(
        "--name", default="websocket", metavar="TEXT", help="the name it shows (%(default)s)"
    )
    parser.add_argument(
        "--period",
        type=seconds,
        metavar="SECONDS",
        help="time between two values of a resource (its own)",
    )
    parser.add_argument("--debug", action="store_true", help="tell what is sent and received")
    resources = parser.add_argument_group("resources")
    for name in CHOICES:
        resources.add_argument(
            f"--{name}", action="append_const", dest="resources", const=name, help=f"have '{name}'"
        )
    return parser.parse_args()


async def run(node: WebsocketNode) -> None:
    """Run `node` until a signal asks for the end."""
    task = asyncio.ensure_future(node.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def main() -> int:
    options = arguments()
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    random = Random(secrets.randbits(64))
    host = f"[{options.gateway_host}]" if ":" in options.gateway_host else options.gateway_host
    try:
        thing = Thing(
            (*ALWAYS, *(options.resources or DEFAULT)),
            random,
            period=options.period,
            name=options.name,
        )
        url = f"ws://{host}:{options.gateway_port}/node"
        asyncio.run(run(WebsocketNode(thing, url, random, uid=options.uid)))
    except PyaiotError as exc:
        print(f"{sys.argv[0]}: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
