#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated MQTT node, for trying out the MQTT gateway."""

import argparse
import secrets
import socket
import sys
from random import Random

from pyaiot.gateway.mqtt.session import Server
from pyaiot.simulate.command import NodeParser, port, run
from pyaiot.simulate.mqtt import MqttNode
from pyaiot.simulate.things import Thing


def parser() -> NodeParser:
    parser = NodeParser(
        str(__doc__),
        always=("name", "os", "ip", "board"),
        default=("led", "temperature", "pressure"),
    )
    parser.add_argument(
        "--mqtt-host", default="localhost", metavar="HOST", help="the MQTT broker (%(default)s)"
    )
    parser.add_argument(
        "--mqtt-port", default=1886, type=port, metavar="PORT", help="its port (%(default)s)"
    )
    parser.add_argument("--mqtt-ssl", action="store_true", help="connect to it by TLS")
    parser.add_argument(
        "--mqtt-ca", metavar="FILE", help="certificates to trust in place of the system's"
    )
    parser.add_argument("--mqtt-user", metavar="NAME", help="user name at the MQTT broker")
    parser.add_argument("--mqtt-password", metavar="TEXT", help="password at the MQTT broker")
    parser.add_argument("--uid", metavar="ID", help="the node's id (a new one at each start)")
    parser.add_argument(
        "--name", default="MQTT test node", metavar="TEXT", help="the node's name (%(default)s)"
    )
    return parser


def own_address(host: str, port: int) -> str:
    """The address of this machine as `host` sees it."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"


def node(options: argparse.Namespace, thing: Thing, random: Random) -> MqttNode:
    server = Server(
        options.mqtt_host,
        options.mqtt_port,
        tls=options.mqtt_ssl,
        ca_file=options.mqtt_ca,
        user=options.mqtt_user or ("token" if options.token else None),
        password=options.mqtt_password or options.token or None,
    )
    thing.values["ip"] = own_address(server.host, server.port)
    node_id = options.uid or f"mqtt-test-node-{secrets.token_hex(4)}"
    return MqttNode(thing, node_id, server, random)


if __name__ == "__main__":
    sys.exit(run(parser(), node))
