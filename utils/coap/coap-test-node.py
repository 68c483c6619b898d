#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated CoAP node, for trying out the CoAP gateway."""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from random import Random

from pyaiot.errors import PyaiotError
from pyaiot.simulate.coap import USUAL_PORTS, CoapNode
from pyaiot.simulate.things import RESOURCES, Thing

ALWAYS = ("name", "board", "os")
DEFAULT = ("led", "temperature", "pressure")
CHOICES = sorted(RESOURCES.keys() - {*ALWAYS, "node", "ip"})


def port(text: str) -> int:
    value = int(text)
    if not 0 <= value < 65_536:
        raise ValueError(text)
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} It has the resources {', '.join(ALWAYS)}, and those that are asked"
        f" for; where none is, {', '.join(DEFAULT)}. Any number can run on one machine.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--gateway-host", default="localhost", metavar="HOST", help="the gateway (%(default)s)"
    )
    parser.add_argument(
        "--gateway-port", default=5683, type=port, metavar="PORT", help="its port (%(default)s)"
    )
    parser.add_argument(
        "--uid", default="", metavar="ID", help="the node's name (made of its machine and port)"
    )
    parser.add_argument(
        "--name", default="CoAP test node", metavar="TEXT", help="the name it shows (%(default)s)"
    )
    parser.add_argument(
        "--port",
        type=port,
        metavar="PORT",
        help="where it serves its resources (5683; where that is taken, the first free one from"
        " 5690 on; 0 for any)",
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


def node(options: argparse.Namespace) -> CoapNode:
    random = Random(secrets.randbits(64))
    thing = Thing(
        (*ALWAYS, *(options.resources or DEFAULT)),
        random,
        period=options.period,
        name=options.name,
    )
    return CoapNode(
        thing,
        random,
        uid=options.uid,
        gateway_host=options.gateway_host,
        gateway_port=options.gateway_port,
        ports=USUAL_PORTS if options.port is None else (options.port,),
    )


async def run(node: CoapNode) -> None:
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
    try:
        asyncio.run(run(node(options)))
    except PyaiotError as exc:
        print(f"{sys.argv[0]}: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
