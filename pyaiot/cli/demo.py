# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot demo`: what `aiot up` runs, and simulated nodes of every protocol."""

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pyaiot.cli.options import CONTEXT, EPILOG, SettingsCommand
from pyaiot.cli.up import Suite, bracketed, keys_for, near, options, prepare
from pyaiot.errors import SettingsInvalid
from pyaiot.settings import MqttGatewaySettings

if TYPE_CHECKING:
    from pyaiot.gateway.mqtt.session import Server
    from pyaiot.run import Ready, Service


_log = logging.getLogger(__name__)

SACLAY: Final = (48.7148, 2.2055)
YARD: Final = (48.7169, 2.2008)
LYON: Final = (45.7640, 4.8357)
BERLIN: Final = (52.5200, 13.4050)
"""Where nodes stand: latitude and longitude in degrees."""

WEATHER: Final = ("temperature", "pressure", "humidity", "illuminance", "uvindex", "led")
FIRMWARE: Final = ("version", "suit_state", "dwnld")
"""Resources of a node that gets an update now and then."""


def nodes_for(suite: Suite) -> "list[Service]":
    """Simulated nodes that find the gateways of `suite`.

    Raises SettingsInvalid for a gateway at any free port: they could not know which.
    """
    from random import SystemRandom

    from pyaiot.run import Service
    from pyaiot.simulate.coap import CoapNode
    from pyaiot.simulate.mqtt import MqttNode
    from pyaiot.simulate.things import CYCLE, Thing
    from pyaiot.simulate.websocket import WebsocketNode

    _check_ports(suite)
    random = SystemRandom()

    def thing(name: str, place: tuple[float, float], *resources: str, **values: str) -> Thing:
        position = json.dumps({"lat": place[0], "lng": place[1]}, separators=(",", ":"))
        return Thing(
            ("board", "os", "position", *resources),
            random,
            scatter=CYCLE,
            values={"position": position, **values},
            name=name,
        )

    def coap(thing: Thing, uid: str) -> CoapNode:
        host, port = near(suite.coap.coap_host), suite.coap.coap_port
        return CoapNode(
            thing, random, uid=uid, gateway_host=host, gateway_port=port, host=host, ports=(0,)
        )

    websocket = suite.websocket
    url = f"ws://{bracketed(near(websocket.gateway_host))}:{websocket.gateway_port}/node"
    mqtt = partial(MqttNode, server=_mqtt_server(suite.mqtt), random=random)
    websocket_node = partial(WebsocketNode, url=url, random=random)
    nodes: tuple[_Node, ...] = (
        coap(thing("Weather station", SACLAY, *WEATHER), "demo-weather-station"),
        coap(thing("Rover", YARD, "led", "imu", "robot", "version"), "demo-rover"),
        coap(thing("Air monitor", BERLIN, "eco2", "tvoc", "tsp", "tlp"), "demo-air-monitor"),
        coap(thing("Door sensor", LYON, "temperature", *FIRMWARE), "demo-door-sensor"),
        mqtt(thing("Greenhouse", YARD, "temperature", "humidity", "led"), "demo-greenhouse"),
        mqtt(thing("Workshop display", LYON, "text", "js", text="Open until six"), "demo-display"),
        websocket_node(
            thing("Desk lamp", SACLAY, "led", "text", "temperature", text="Good morning"),
            uid="demo-desk-lamp",
        ),
        websocket_node(thing("Ribot", BERLIN, "led", "ribot", "temperature"), uid="demo-ribot"),
    )
    return [Service("node", partial(_live, node)) for node in nodes]


@contextlib.contextmanager
def store_for(suite: Suite) -> Iterator[Suite]:
    """The suite with its store, or with one that goes with it if it names none."""
    if suite.recorder.store is not None:
        yield suite
        return
    with tempfile.TemporaryDirectory(prefix="pyaiot-", ignore_cleanup_errors=True) as folder:
        store = Path(folder, "demo.db")
        _log.info(
            "until the demo ends, 'aiot history \"Desk lamp\" temperature --store=%s' shows what"
            " was stored; aiot export, user and token take that option, too",
            store,
        )
        yield suite.with_store(str(store))


class _Node(Protocol):
    async def run(self) -> None: ...


async def _live(node: _Node, ready: "Ready") -> None:
    ready("")
    await node.run()


def _check_ports(suite: Suite) -> None:
    for option, port in (
        ("--coap-port", suite.coap.coap_port),
        ("--mqtt-port", suite.mqtt.mqtt_port),
        ("--gateway-port", suite.websocket.gateway_port),
    ):
        if not port:
            raise SettingsInvalid(f"{option}: simulated nodes need a port that they know")


def _mqtt_server(settings: MqttGatewaySettings) -> "Server":
    from pyaiot.gateway.mqtt.session import Server

    name, _, host = settings.mqtt_host.partition(":")
    return Server(
        near(host) if name == "embedded" else settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_ssl and name != "embedded",
        settings.mqtt_ca,
        settings.mqtt_user,
        settings.mqtt_password,
    )


def _run(**values: object) -> int:
    from pyaiot.run import run

    with keys_for(prepare(values)) as keyed, store_for(keyed) as suite:
        return run(*suite.stages(), nodes_for(suite), on_ready=suite.announce)


command = SettingsCommand(
    "demo",
    params=options(),
    callback=_run,
    help="Run what 'aiot up' runs, and simulated nodes of every protocol.",
    epilog=EPILOG,
    context_settings=dict(CONTEXT),
)
