# SPDX-License-Identifier: BSD-3-Clause
"""`aiot simulate` against running gateways, as a user starts both."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commands import Running, free_ports, run_to_end, running
from tests.end_to_end.client import Client, client
from tests.end_to_end.test_demo import options
from tests.waiting import eventually

NUMBER = 12
GATEWAYS = {"coap": ("CoAP", 1), "mqtt": ("MQTT", 2), "websocket": ("WebSocket", 3)}


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[list[int]]:
    ports = free_ports(5)
    async with running(tmp_path, "aiot", "up", *options(ports)) as up:
        await up.says("The page is at")
        yield ports
        assert await up.end() == 0
    assert "Traceback" not in up.log


async def test_nodes_of_every_protocol(tmp_path: Path, ports: list[int]) -> None:
    async with client(ports[0], "result", "batch", "availability") as browser:

        async def simulated(protocol: str) -> None:
            shown, at = GATEWAYS[protocol]
            words = (
                f"--protocol={protocol}",
                f"--port={ports[at]}",
                f"--nodes={NUMBER}",
                f"--node-name={shown} node",
                "--resources=humidity,led",
                "--period=0.2",
                "--values=linear",
            )
            async with running(tmp_path, "aiot", "simulate", *words) as nodes:
                await nodes.says(f"{NUMBER} nodes are there")
                await _are_seen(browser, shown)
                await _can_be_switched(browser, f"{shown} node {NUMBER}")
                await _ends(nodes)

        await asyncio.gather(*map(simulated, GATEWAYS))


async def _are_seen(browser: Client, shown: str) -> None:
    def there() -> bool:
        nodes = {node.get("name"): node for node in browser.values().values()}
        wanted = [nodes.get(f"{shown} node {number}", {}) for number in range(1, NUMBER + 1)]
        return all(
            node.get("protocol") == shown and str(node.get("humidity")).endswith("%")
            for node in wanted
        )

    await eventually(there, 20)


async def _can_be_switched(browser: Client, name: str) -> None:
    uid = await browser.uid_of(name)
    await browser.hears(uid, "led", "0")
    command = {"uid": uid, "endpoint": "led", "payload": "1"}
    result = await browser.ask({"type": "update", "data": command, "id": name})
    assert result["status"] == "applied", result
    await browser.hears(uid, "led", "1")


async def _ends(nodes: Running) -> None:
    assert await nodes.end() == 0
    assert "Traceback" not in nodes.log


async def test_mistakes(tmp_path: Path) -> None:
    for words, reason in (
        (["--nodes=0"], "--nodes: expected a whole number from 1"),
        (["--protocol=lora"], "expected one of coap, mqtt, websocket"),
        (["--resources=teapot"], "no resource 'teapot'"),
        (["--values=square"], "expected one of sine, linear, random"),
        (["--protocol=mqtt", "--node-name=a/b"], "must not hold '/'"),
        (["--mqtt-password=x"], "mqtt_user must be set too"),
    ):
        status, log = await run_to_end(tmp_path, "aiot", "simulate", *words)
        assert status == 2, log
        assert log.startswith("aiot: "), log
        assert reason in log
        assert log.count("\n") == 1
