# SPDX-License-Identifier: BSD-3-Clause
"""Websocket nodes for the contract, at the far end of real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pyaiot.gateway.adapter import Adapter, Naming
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from tests.contracts.adapter import Bench, Node

GARBAGE: tuple[str | bytes, ...] = (
    "",
    "hello",
    "null",
    "1",
    "[]",
    '"update"',
    '["type"]',
    "{}",
    '{"data":1}',
    '{"type":null}',
    '{"type":{}}',
    '{"type":"nope"}',
    '{"type":"update"',
    "x" * 200,
    '"' + "é" * 200 + '"',
    "[" * 60_000,
    '{"type":"update","data":' + "[" * 20_000 + "]" * 20_000 + "}",
    '{"type":"\\ud800"}',
    b"\xff\xfe\xfd",
    b"\x00" * 500,
    "y" * 200_000,
)
"""Frames that no node may send; each ends its connection."""

USELESS: tuple[str, ...] = (
    '{"type":"update"}',
    '{"type":"update","data":null}',
    '{"type":"update","data":[1,2]}',
    '{"type":"update","data":"led"}',
    '{"type":"update","data":{}}',
    '{"type":"update","data":{"":1}}',
    '{"type":"update","data":{"\\u0000":1}}',
    '{"type":"update","data":{"' + "k" * 200 + '":1}}',
    '{"type":"update","data":{"deep":' + "[" * 40 + "]" * 40 + "}}",
    json.dumps({"type": "update", "data": dict.fromkeys(map(str, range(300)))}),
    '{"type":"new"}',
    '{"type":"new","id":5}',
    '{"type":"new","id":""}',
    '{"type":"new","id":"a\\nb"}',
    '{"type":"out"}',
    '{"type":"reset","uid":"someone"}',
)
"""Frames that say nothing that can be used; the connection goes on."""


async def close_of(socket: ClientConnection) -> tuple[int | None, str]:
    """Wait for the end of a connection; its code and reason."""
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code, socket.close_reason or ""


class SocketNode(Node):
    """A node that answers as the original's does."""

    def __init__(
        self, socket: ClientConnection, adapter: WebsocketAdapter, name: str | None
    ) -> None:
        self.name = name or ""
        self.written: list[tuple[str, str]] = []
        self.resources: dict[str, str] = {}
        self.socket = socket
        self._adapter = adapter

    def is_named(self, name: str) -> bool:
        if self.name:
            return name == self.name
        mine = f":{self.socket.local_address[1]}#"
        return any(
            each.sighting is not None and each.sighting.name == name and mine in each.address
            for each in self._adapter._nodes.values()
        )

    async def announce(self) -> None:
        await self.send({"type": "new", "id": self.name} if self.name else {"type": "new"})
        await self.send({"type": "update", "data": {}})

    async def post(self, endpoint: str, value: str) -> None:
        self.resources[endpoint] = value
        await self.send({"type": "update", "data": {endpoint: value}})

    async def freeze(self) -> None:
        self.socket.transport.pause_reading()

    async def babble(self) -> None:
        for frame in USELESS:
            await self.socket.send(frame)
        for garbage in GARBAGE:
            async with connect(url_of(self._adapter), compression=None) as socket:
                await socket.send(garbage)
                await close_of(socket)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._adapter.port)
        writer.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def vanish(self) -> None:
        self.socket.transport.abort()

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(message))

    async def live(self) -> None:
        """Answer what the gateway asks."""
        with suppress(ConnectionClosed):
            async for frame in self.socket:
                await self._answer(json.loads(frame))

    async def _answer(self, request: dict[str, Any]) -> None:
        if request == {"request": "discover"}:
            await self.send({"type": "update", "data": self.resources})
            return
        assert set(request) == {"endpoint", "payload"}
        self.written.append((request["endpoint"], request["payload"]))
        await self.post(request["endpoint"], request["payload"])


def url_of(adapter: WebsocketAdapter) -> str:
    return f"ws://127.0.0.1:{adapter.port}/node"


@asynccontextmanager
async def connected(
    adapter: WebsocketAdapter, name: str | None = None, token: str = ""
) -> AsyncIterator[SocketNode]:
    """A node at `adapter`; it leaves the request at the opening unanswered, to be silent."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(
        url_of(adapter), compression=None, close_timeout=0.1, additional_headers=headers
    ) as socket:
        assert await socket.recv() == '{"request": "discover"}'
        node = SocketNode(socket, adapter, name)
        life = asyncio.create_task(node.live())
        try:
            yield node
        finally:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life


class SocketBench(Bench):
    """Nodes that name themselves."""

    protocol = "WebSocket"
    naming = Naming.LOCAL
    confirms = False
    connected = True
    carries_tokens = True

    def __init__(self) -> None:
        self._adapter = WebsocketAdapter("127.0.0.1", 0)

    def adapter(self) -> Adapter:
        return self._adapter

    def unstartable(self) -> Adapter | None:
        return WebsocketAdapter("203.0.113.1", 0)

    @asynccontextmanager
    async def node(
        self, name: str, resources: dict[str, str], token: str = ""
    ) -> AsyncIterator[Node]:
        named = name if self.naming is Naming.LOCAL else None
        async with connected(self._adapter, named, token) as node:
            node.resources = resources
            yield node


class PassingBench(SocketBench):
    """Nodes that do not."""

    naming = Naming.PASSING
