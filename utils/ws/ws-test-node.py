#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated websocket node, for trying out the websocket gateway."""

import argparse
import sys
from random import Random

from pyaiot.simulate.command import NodeParser, port, run
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode


def parser() -> NodeParser:
    parser = NodeParser(
        str(__doc__), always=("node", "name", "os"), default=("led",), others=("board", "ip")
    )
    parser.add_argument(
        "--gateway-host", default="localhost", metavar="HOST", help="the gateway (%(default)s)"
    )
    parser.add_argument(
        "--gateway-port", default=8001, type=port, metavar="PORT", help="its port (%(default)s)"
    )
    parser.add_argument(
        "--uid", default="", metavar="ID", help="a name of its own, by which it stays the same node"
    )
    parser.add_argument(
        "--name", default="websocket", metavar="TEXT", help="the name it shows (%(default)s)"
    )
    return parser


def node(options: argparse.Namespace, thing: Thing, random: Random) -> WebsocketNode:
    host = f"[{options.gateway_host}]" if ":" in options.gateway_host else options.gateway_host
    url = f"ws://{host}:{options.gateway_port}/node"
    return WebsocketNode(thing, url, random, uid=options.uid, token=options.token)


if __name__ == "__main__":
    sys.exit(run(parser(), node))
