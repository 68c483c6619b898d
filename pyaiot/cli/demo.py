# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot demo`: what `aiot up` runs, and simulated nodes of every protocol."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

from pyaiot.cli.options import CONTEXT, EPILOG, SettingsCommand
from pyaiot.cli.up import Suite, bracketed, keys_for, near, options, prepare
from pyaiot.errors import SettingsInvalid
from pyaiot.settings import MqttGatewaySettings

if TYPE_CHECKING:
    from pyaiot.gateway.mqtt.session import Server
    from pyaiot.run import Ready, Service


def nodes_for(suite: Suite) -> "list[Service]":
    """Simulated nodes that find the gateways of `suite`.

    Raises SettingsInvalid for a gateway at any free port: they could not know which.
    """
    from random import SystemRandom

    from pyaiot.run import Service
    from pyaiot.simulate.coap import CoapNode
    from pyaiot.simulate.mqtt import MqttNode
    from pyaiot.simulate.things import Thing
    from pyaiot.simulate.websocket import WebsocketNode

    _check_ports(suite)
    random = SystemRandom()

    def thing(name: str, *resources: str) -> Thing:
        return Thing(("board", "os", *resources), random, name=name)

    def coap(thing: Thing, uid: str) -> CoapNode:
        host, port = near(suite.coap.coap_host), suite.coap.coap_port
        return CoapNode(
            thing, random, uid=uid, gateway_host=host, gateway_port=port, host=host, ports=(0,)
        )

    websocket = suite.websocket
    url = f"ws://{bracketed(near(websocket.gateway_host))}:{websocket.gateway_port}/node"
    weather = thing("Weather station", "temperature", "pressure", "humidity", "led")
    rover = thing("Rover", "led", "imu", "robot", "version")
    greenhouse = thing("Greenhouse", "temperature", "humidity", "led")
    lamp = thing("Desk lamp", "led", "text", "temperature")
    nodes = (
        coap(weather, "demo-weather-station"),
        coap(rover, "demo-rover"),
        MqttNode(greenhouse, "demo-greenhouse", _mqtt_server(suite.mqtt), random),
        WebsocketNode(lamp, url, random, uid="demo-desk-lamp"),
    )
    return [Service("node", partial(_live, node)) for node in nodes]


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

    with keys_for(prepare(values)) as suite:
        return run(*suite.stages(), nodes_for(suite), on_ready=suite.announce)


command = SettingsCommand(
    "demo",
    params=options(),
    callback=_run,
    help="Run what 'aiot up' runs, and simulated nodes of every protocol.",
    epilog=EPILOG,
    context_settings=dict(CONTEXT),
)
