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
from pyaiot.settings import SimulateSettings
from tests.gateway.guarded import LAMP, guarded, token
from tests.mosquitto import free_port

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
        settings = SimulateSettings(
            nodes=1,
            protocol=protocol,  # type: ignore[arg-type]  # one of them
            host="127.0.0.1",
            port=port,
            period=0.05,
            token=token(),
        )
        assert token() not in repr(settings)
        async with running(fleet_for(settings).run):
            await gateway.told("lamp", "led", "0")
            await gateway.told("lamp", "name", "Simulated 1")
        assert list(gateway.nodes) == ["lamp"]


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
