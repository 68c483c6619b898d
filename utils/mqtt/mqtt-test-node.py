#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A simulated MQTT node, for trying out the MQTT gateway."""

import argparse
import asyncio
import logging
import secrets
import signal
import socket
import sys
from random import Random

from pyaiot.errors import PyaiotError
from pyaiot.gateway.mqtt.session import Server
from pyaiot.simulate.mqtt import MqttNode
from pyaiot.simulate.things import RESOURCES, Thing

ALWAYS = ("name", "os", "ip", "board")
DEFAULT = ("led", "temperature", "pressure")
CHOICES = sorted(RESOURCES.keys() - set(ALWAYS))


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
        "--mqtt-host", default="localhost", metavar="HOST", help="the MQTT broker (%(default)s)"
    )
    parser.add_argument(
        "--mqtt-port", default=1886, type=int, metavar="PORT", help="its port (%(default)s)"
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


def own_address(host: str, port: int) -> str:
    """The address of this machine as `host` sees it."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"


async def run(node: MqttNode) -> None:
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
    server = Server(
        options.mqtt_host,
        options.mqtt_port,
        tls=options.mqtt_ssl,
        ca_file=options.mqtt_ca,
        user=options.mqtt_user,
        password=options.mqtt_password,
    )
    random = Random(secrets.randbits(64))
    try:
        thing = Thing(
            (*ALWAYS, *(options.resources or DEFAULT)),
            random,
            period=options.period,
            name=options.name,
        )
        thing.values["ip"] = own_address(server.host, server.port)
        node_id = options.uid or f"mqtt-test-node-{secrets.token_hex(4)}"
        asyncio.run(run(MqttNode(thing, node_id, server, random)))
    except PyaiotError as exc:
        print(f"{sys.argv[0]}: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
