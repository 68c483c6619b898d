# SPDX-License-Identifier: BSD-3-Clause
"""Simulated nodes, single ones and those of `aiot simulate`, at gateways that want a token."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from pyaiot.cli.simulate import fleet_for
from pyaiot.errors import SettingsInvalid
from pyaiot.gateway.adapter import Adapter
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.registrar import Policy
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.messages.types import Device
from pyaiot.settings import SimulateSettings
from pyaiot.simulate import websocket_fleet
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.gateway.guarded import LAMP, guarded, token
from tests.mosquitto import free_port
from tests.waiting import eventually

UTILS = Path(__file__).parents[2] / "utils"

Make = Callable[[int], Adapter]

PROTOCOLS: dict[str, Make] = {
    "coap": lambda port: CoapAdapter("127.0.0.1", port),
    "mqtt": lambda port: MqttAdapter(Server("embedded:127.0.0.1", port), Random(1)),
    "websocket": lambda port: WebsocketAdapter("127.0.0.1", port),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_fleet_of_one(protocol: str) -> None:
    port = free_port()
    async with guarded(PROTOCOLS[protocol](port), Policy.TOKEN, LAMP) as gateway:
        settings = settings_of(protocol, port, token=token())
        assert token() not in repr(settings)
        async with running(fleet_for(settings).run):
            await gateway.told("lamp", "led", "0")
            await gateway.told("lamp", "name", "Simulated 1")
        assert list(gateway.nodes) == ["lamp"]


REFUSALS = {
    "coap": "the gateway at 127.0.0.1 port {port} refuses nodes: 4.01 Unauthorized: revoked: ",
    "websocket": "no connection to ws://127.0.0.1:{port}/node: HTTP 403: revoked: ",
}


@pytest.mark.parametrize("protocol", REFUSALS)
async def test_a_fleet_says_why_it_is_refused(
    protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    revoked = Device(LAMP.uid, ("other",), bound=True)
    async with guarded(PROTOCOLS[protocol](port), Policy.TOKEN, revoked):
        fleet = fleet_for(settings_of(protocol, port, token=token()))
        async with running(fleet.run):
            said = REFUSALS[protocol].format(port=port)
            await eventually(lambda: said in caplog.text)
    assert token() not in caplog.text


async def test_a_fleet_says_what_it_waits_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_fleet, "FIRST_RETRY", 0.02)
    port = free_port()
    async with guarded(PROTOCOLS["websocket"](port), Policy.APPROVE) as gateway:
        async with running(fleet_for(settings_of("websocket", port)).run):
            said = f"ws://127.0.0.1:{port}/node refuses nodes: not_approved: "
            await eventually(lambda: said in caplog.text)
            (waiting,) = gateway.pending
            gateway.change(Device(waiting.uid, approved=True))
            await eventually(lambda: "is there again" in caplog.text)
        # However often it knocked.
        assert caplog.text.count(said) == 1


@pytest.mark.parametrize(("named", "code"), [("", "needs_id"), ("desk", "not_approved")])
async def test_a_test_node_says_why_it_is_refused(
    named: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    node = WebsocketNode(
        Thing(("led",), Random(1)), f"ws://127.0.0.1:{port}/node", Random(1), uid=named
    )
    async with guarded(PROTOCOLS["websocket"](port), Policy.APPROVE), running(node.run):
        await eventually(lambda: f"/node: {code}: " in caplog.text)


async def test_a_test_node_says_why_its_token_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    node = WebsocketNode(
        Thing(("led",), Random(1)), f"ws://127.0.0.1:{port}/node", Random(1), token="x"
    )
    async with guarded(PROTOCOLS["websocket"](port), Policy.OPEN), running(node.run):
        await eventually(lambda: "/node: HTTP 401: invalid_token: " in caplog.text)


def settings_of(protocol: str, port: int, *, token: str | None = None) -> SimulateSettings:
    return SimulateSettings(
        nodes=1,
        protocol=protocol,  # type: ignore[arg-type]  # one of them
        host="127.0.0.1",
        port=port,
        period=0.05,
        token=token,
    )


def test_a_token_is_of_one_node() -> None:
    with pytest.raises(SettingsInvalid, match="--nodes=1"):
        fleet_for(SimulateSettings(nodes=2, token=token()))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_test_node(protocol: str) -> None:
    port = free_port()
    short = "ws" if protocol == "websocket" else protocol
    where = "mqtt" if protocol == "mqtt" else "gateway"
    options = [f"--{where}-host=127.0.0.1", f"--{where}-port={port}", "--led"]
    if protocol == "coap":
        options.append("--port=0")
    async with guarded(PROTOCOLS[protocol](port), Policy.TOKEN, LAMP) as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(UTILS / short / f"{short}-test-node.py"),
            *options,
            env=os.environ | {"PYAIOT_TOKEN": token()},
        )
        try:
            await gateway.told("lamp", "led", "0")
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def running(live: Callable[[], object]) -> AsyncIterator[None]:
    async def run() -> None:
        await live()  # type: ignore[misc]  # what fleets have

    task = asyncio.create_task(run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})
