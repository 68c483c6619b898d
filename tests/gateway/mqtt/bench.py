# SPDX-License-Identifier: BSD-3-Clause
"""MQTT nodes for the contract, at the far end of real brokers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from random import Random

from pyaiot.gateway.adapter import Adapter, Naming
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.packets import Publish, Version
from pyaiot.gateway.mqtt.session import Server, Session, connected
from tests.contracts.adapter import Bench, Node

GARBAGE = (
    b"",
    b"hello",
    b"\xff\xfe\xfd",
    b"null",
    b"1",
    b"[]",
    b'"text"',
    b"{}",
    b'{"id": 1}',
    b'{"id": "#"}',
    b'{"id": "+"}',
    b'{"id": "a/b"}',
    b'{"id": "\\u0000"}',
    b'{"id": "' + b"x" * 500 + b'"}',
    b'{"value": NaN}',
    b'{"value": ' + b"[" * 100 + b"]" * 100 + b"}",
    b'{"value": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b"x" * 70_000,
)
"""Payloads that mean nothing under any topic."""

TOPICS = ("node/check", "node/x/resources", "node/x/led", "node/check/check", "node//", "node/ /")


class BrokerNode(Node):
    """A node that answers as the original's does."""

    def __init__(self, name: str, resources: dict[str, str]) -> None:
        self.name = name
        self.resources = resources
        self.written: list[tuple[str, str]] = []
        self.asked: list[str] = []
        """What the gateway asked for, in order."""
        self.session: Session
        self._frozen = False
        self._unanswered: asyncio.Queue[Publish] = asyncio.Queue()

    @property
    def subscriptions(self) -> list[str]:
        return ["gateway/check", f"gateway/{self.name}/discover", f"gateway/{self.name}/+/set"]

    async def announce(self) -> None:
        await self.session.publish("node/check", json.dumps({"id": self.name}).encode())

    async def list_resources(self) -> None:
        listed = json.dumps(list(self.resources)).encode()
        await self.session.publish(f"node/{self.name}/resources", listed)

    async def post(self, endpoint: str, value: str) -> None:
        message = json.dumps({"value": value}).encode()
        await self.session.publish(f"node/{self.name}/{endpoint}", message)

    async def freeze(self) -> None:
        self._frozen = True

    async def babble(self) -> None:
        for topic in TOPICS:
            for message in GARBAGE:
                # A broker may refuse what is long, and end the connection; then another babbles.
                with suppress(Exception):
                    await self.session.publish(topic, message)

    def take(self, message: Publish) -> None:
        if not self._frozen:
            self._unanswered.put_nowait(message)

    async def live(self) -> None:
        """Answer what the gateway asks."""
        while True:
            message = await self._unanswered.get()
            assert message.payload is not None
            text = message.payload.decode()
            if message.topic == "gateway/check":
                self.asked.append("check")
            elif message.topic.endswith("/discover"):
                self.asked.append(text)
                if text == "resources":
                    await self.list_resources()
                elif text == "values":
                    for endpoint, value in self.resources.items():
                        await self.post(endpoint, value)
            else:
                endpoint = message.topic.split("/")[2]
                self.written.append((endpoint, text))
                self.resources[endpoint] = text
                await self.post(endpoint, text)


@asynccontextmanager
async def node_at(
    server: Server, name: str, resources: dict[str, str], version: Version = Version.V3_1_1
) -> AsyncIterator[BrokerNode]:
    """A node at the broker `server`."""
    node = BrokerNode(name, resources)
    async with connected(server, None, f"bench-{name}", version, node.take) as session:
        node.session = session
        await session.subscribe(node.subscriptions)
        life = asyncio.create_task(node.live())
        try:
            yield node
        finally:
            life.cancel()
            await asyncio.wait({life})


class BrokerBench(Bench):
    """An adapter and nodes at the broker on `port`; `host` is the adapter's."""

    protocol = "MQTT"
    naming = Naming.LOCAL
    confirms = False
    forgets = False

    def __init__(self, host: str, port: int) -> None:
        self._server = Server(host, port)
        self._at = Server("127.0.0.1", port)

    def adapter(self) -> Adapter:
        return MqttAdapter(self._server, Random(1))

    def unstartable(self) -> Adapter | None:
        server = Server("127.0.0.1", self._at.port, tls=True, ca_file="/nowhere.pem")
        return MqttAdapter(server, Random(1))

    @asynccontextmanager
    async def node(
        self, name: str, resources: dict[str, str], token: str = ""
    ) -> AsyncIterator[Node]:
        at = replace(self._at, user="anybody", password=token) if token else self._at
        async with node_at(at, name, resources) as node:
            yield node
