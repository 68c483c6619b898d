# SPDX-License-Identifier: BSD-3-Clause
"""RIOT's MQTT-SN node behind a bridge: it never subscribes to anything (WIRE.md section 5).

It publishes its check, 1 s later the list of its resources, unasked, 1 s later its values, and from
then on values every 7 s. The broker beside it is one of 3.1.1 alone.
"""

import asyncio
import json
from contextlib import suppress
from random import Random

import pytest

from pyaiot.gateway.adapter import Address
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.packets import Version
from tests.contracts.adapter import running
from tests.gateway.mqtt.scripted import Peer, scripted
from tests.waiting import eventually

NODE = Address("mqtt:mqtt-2")
RESOURCES = ("name", "os", "board", "temperature", "pressure")
FIRST = {
    "name": "MQTT-SN node", "os": "riot", "board": "samr21-xpro",
    "temperature": "23.4°C", "pressure": "1013.2hPa",
}  # fmt: skip


class Bridge:
    """rsmb and the node behind it."""

    def __init__(self) -> None:
        self.versions: list[Version] = []
        self.asked: list[tuple[str, bytes | None]] = []
        self.go_on = asyncio.Event()
        self.more = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        if not self.versions:
            # rsmb knows no version 5, and says so as 3.1.1 does.
            await peer.let_in(packets.connack_refusing_version())
            self.versions.append(peer.version)
            return
        await peer.let_subscribe()
        self.versions.append(peer.version)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(peer))
            tasks.create_task(self._node(peer))

    @property
    def discoveries(self) -> list[bytes | None]:
        """What the gateway asked the node for, though it does not listen."""
        return [payload for topic, payload in self.asked if topic == "gateway/mqtt-2/discover"]

    async def _take(self, peer: Peer) -> None:
        with suppress(ConnectionError):
            while True:
                message = await peer.next_message()
                self.asked.append((message.topic, message.payload))
                peer.send(packets.puback(message.packet_id))

    async def _node(self, peer: Peer) -> None:
        number = 0

        def say(topic: str, content: object) -> None:
            nonlocal number
            number += 1
            payload = json.dumps(content, ensure_ascii=False).encode()
            peer.send(packets.publish(topic, payload, Version.V3_1_1, packet_id=number))

        say("node/check", {"id": "mqtt-2"})
        await self.go_on.wait()
        say("node/mqtt-2/resources", RESOURCES)
        for name, value in FIRST.items():
            say(f"node/mqtt-2/{name}", {"value": value})
        await self.more.wait()
        say("node/mqtt-2/temperature", {"value": "23.6°C"})


@pytest.mark.parametrize("discovers", [True, False])
async def test_node_that_never_subscribes(discovers: bool) -> None:
    """Its values are heard, whether or not the gateway tries to discover it meanwhile."""
    bridge = Bridge()
    async with scripted(bridge) as server:
        adapter = MqttAdapter(server, Random(1))
        async with running(adapter) as heard:
            await eventually(lambda: heard.sightings)
            if discovers:
                # The list that comes unasked meanwhile is as good as an answer.
                discovery = asyncio.create_task(adapter.discover(NODE))
                await eventually(lambda: bridge.discoveries)
                bridge.go_on.set()
                await discovery
            bridge.go_on.set()
            await eventually(lambda: heard.values(NODE) == FIRST)
            await eventually(lambda: b"values" in bridge.discoveries)
            bridge.more.set()
            await eventually(lambda: heard.values(NODE)["temperature"] == "23.6°C")
    assert bridge.versions == [Version.V5, Version.V3_1_1]
    assert {address for address, _ in heard.sightings} == {NODE}
    assert all(sighting.facts == {"id": "mqtt-2"} for _, sighting in heard.sightings)
    assert bridge.discoveries == ([b"resources", b"values"] if discovers else [b"values"])
