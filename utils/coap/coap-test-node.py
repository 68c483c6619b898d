#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated CoAP node, for trying out the CoAP gateway."""

import argparse
import sys
from random import Random

from pyaiot.simulate.coap import USUAL_PORTS, CoapNode
from pyaiot.simulate.command import NodeParser, port, run
from pyaiot.simulate.things import Thing


def parser() -> NodeParser:
    parser = NodeParser(
        str(__doc__),
        always=("name", "board", "os"),
        default=("led", "temperature", "pressure"),
        others=("node", "ip"),
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
    return parser


def node(options: argparse.Namespace, thing: Thing, random: Random) -> CoapNode:
    return CoapNode(
        thing,
        random,
        uid=options.uid,
        token=options.token,
        gateway_host=options.gateway_host,
        gateway_port=options.gateway_port,
        ports=USUAL_PORTS if options.port is None else (options.port,),
    )


if __name__ == "__main__":
    sys.exit(run(parser(), node))
