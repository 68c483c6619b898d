# SPDX-License-Identifier: BSD-3-Clause
"""A broker written by hand that behaves as the original does (WIRE.md sections 2 and 3)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response


class OriginalBroker:
    """Knows no features: one message in a frame, a resend for every `new`, and no results."""

    def __init__(self) -> None:
        self.port = 0
        self.nodes: dict[str, dict[str, Any]] = {}
        self.commands: list[dict[str, Any]] = []
        self._clients: set[ServerConnection] = set()

    async def serve(self, client: ServerConnection) -> None:
        async for frame in client:
            message = json.loads(frame)
            if message["type"] == "new":
                self._clients.add(client)
                for uid, values in self.nodes.items():
                    await self._send(client, type="new", uid=uid, dst="a-client")
                    for name, value in values.items():
                        await self._send(
                            client,
                            type="update",
                            uid=uid,
                            endpoint=name,
                            data=value,
                            dst="a-client",
                        )
            elif set(message["data"]) == {"uid", "endpoint", "payload"}:
                self.commands.append(message["data"])

    def say(self, **message: Any) -> None:
        broadcast(self._clients, json.dumps(message))

    async def _send(self, client: ServerConnection, **message: Any) -> None:
        await client.send(json.dumps(message))


def _nothing_else(connection: ServerConnection, request: Request) -> Response | None:
    return None if request.path == "/ws" else connection.respond(HTTPStatus.NOT_FOUND, "")


@asynccontextmanager
async def original_broker(port: int = 0) -> AsyncIterator[OriginalBroker]:
    broker = OriginalBroker()
    async with serve(
        broker.serve, "127.0.0.1", port, compression=None, process_request=_nothing_else
    ) as server:
        broker.port = next(iter(server.sockets)).getsockname()[1]
        yield broker
