# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot simulate`: as many nodes as one likes, for gateways that run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.entry import leave_on_signal
from pyaiot.cli.options import (
    CONTEXT,
    EPILOG,
    SettingsCommand,
    given,
    options_of,
    version_option,
)
from pyaiot.cli.sources import Sources
from pyaiot.cli.up import near
from pyaiot.errors import InvalidValue, SettingsInvalid
from pyaiot.settings import SimulateSettings

if TYPE_CHECKING:
    from pyaiot.run import Ready
    from pyaiot.simulate.fleet import Fleet, Plan

_PORTS: Final[Mapping[str, int]] = {"coap": 5683, "mqtt": 1886, "websocket": 8001}


def fleet_for(settings: SimulateSettings) -> "Fleet":
    """The nodes that `settings` ask for. Raises SettingsInvalid for those that cannot be."""
    from pyaiot.simulate.fleet import Plan

    plan = Plan(
        settings.nodes,
        settings.resources,
        settings.period,
        settings.values,
        settings.seed,
        settings.node_name,
        settings.token or "",
    )
    if plan.token and plan.number != 1:
        raise SettingsInvalid("token: a token is of one node, so there must be --nodes=1")
    if settings.mqtt_password and not settings.mqtt_user:
        raise SettingsInvalid("mqtt_password is set, so mqtt_user must be set too")
    port = settings.port or _PORTS[settings.protocol]
    try:
        return _fleet(settings, plan, near(settings.host), port)
    except InvalidValue as exc:
        raise SettingsInvalid(exc.reason) from exc


def _fleet(settings: SimulateSettings, plan: "Plan", host: str, port: int) -> "Fleet":
    if settings.protocol == "coap":
        from pyaiot.simulate.coap_fleet import CoapFleet

        return CoapFleet(plan, host, port)
    if settings.protocol == "websocket":
        from pyaiot.simulate.websocket_fleet import WebsocketFleet

        return WebsocketFleet(plan, host, port)
    from pyaiot.gateway.mqtt.session import Server
    from pyaiot.simulate.mqtt_fleet import MqttFleet

    server = Server(
        host,
        port,
        settings.mqtt_ssl,
        settings.mqtt_ca,
        settings.mqtt_user,
        settings.mqtt_password,
    )
    return MqttFleet(plan, server)


def _run(**values: object) -> int:
    from pyaiot.link.descriptors import room_for
    from pyaiot.observe import logs
    from pyaiot.run import Service, quick_loop, run

    leave_on_signal()
    settings = Sources.given(given(values)).load(SimulateSettings)
    logs.configure("warning", debug=settings.debug)
    if settings.protocol != "mqtt" and (room := room_for(settings.nodes)) < settings.nodes:
        raise SettingsInvalid(
            f"nodes: a process may open {room} connections here; see 'ulimit -n', or start several"
        )

    async def live(ready: "Ready") -> None:
        fleet = fleet_for(settings)  # here, as some make what belongs to the loop
        ready("")
        await fleet.run()

    def announce() -> None:
        nodes = "1 node is" if settings.nodes == 1 else f"{settings.nodes} nodes are"
        click.echo(f"{nodes} there until Ctrl-C.")

    fast = settings.protocol == "websocket"
    return run(
        [Service("simulate", live)],
        on_ready=announce,
        loop_factory=quick_loop() if fast else None,
    )


command = SettingsCommand(
    "simulate",
    params=[*options_of(("Options", SimulateSettings)), version_option()],
    callback=_run,
    help="Be as many nodes as you like, for gateways that run: each measures, and those with an LED"
    " can be switched. Nodes called 'Simulated 1', 'Simulated 2' and so on keep their identity over"
    " restarts; a second set needs another --node-name.",
    epilog=EPILOG,
    context_settings=dict(CONTEXT),
)
