# SPDX-License-Identifier: BSD-3-Clause
import re
from pathlib import Path

from tests.commands import free_ports, run_to_end, running
from tests.end_to_end.client import client
from tests.waiting import eventually

NODES = {
    "Weather station": "CoAP",
    "Rover": "CoAP",
    "Greenhouse": "MQTT",
    "Desk lamp": "WebSocket",
}


ALL_NODES = NODES.keys() | {"Air monitor", "Door sensor", "Workshop display", "Ribot"}


def options(ports: list[int]) -> list[str]:
    names = ("broker", "coap", "mqtt", "gateway", "web")
    given = [f"--{name}-port={port}" for name, port in zip(names, ports, strict=True)]
    return [*given, "--health-port=0"]


async def test_nodes_of_every_protocol_are_seen_and_controlled(tmp_path: Path) -> None:
    ports = free_ports(5)
    async with running(tmp_path, "aiot", "demo", *options(ports)) as demo:
        await demo.says(f"The page is at http://localhost:{ports[4]}")
        async with client(ports[0], "result", "batch", "availability") as browser:
            await eventually(
                lambda: {node.get("name") for node in browser.values().values()} == ALL_NODES, 20
            )
            for name, protocol in NODES.items():
                uid = await browser.uid_of(name)
                await browser.hears(uid, "protocol", protocol)
                await browser.hears(uid, "led", "0")
                command = {"uid": uid, "endpoint": "led", "payload": "1"}
                result = await browser.ask({"type": "update", "data": command, "id": name})
                assert result["status"] == "applied", result
                await browser.hears(uid, "led", "1")
        store = re.search(r"--store=[^']+", demo.log)
        assert store is not None
        asked = await run_to_end(tmp_path, "aiot", "history", store[0], "Desk lamp", "temperature")
        assert asked[0] == 0, asked
        assert "°C" in asked[1]
        assert await demo.end() == 0
    assert "Traceback" not in demo.log
