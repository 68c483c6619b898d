# SPDX-License-Identifier: BSD-3-Clause
"""A client of a broker that remembers all it hears."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.request import urlopen

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.waiting import eventually

Json = dict[str, Any]


class Client:
    """Everything that came, message by message, and what came of it.

    What tests ask for again and again, until it is so, is reckoned as messages come: whoever goes
    through all of them each time has no time left to hear more.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[Json] = []
        self._values: dict[str, Json] = {}
        self._results: dict[str, Json] = {}

    async def listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in self.socket:
                content = json.loads(frame)
                for message in content if isinstance(content, list) else [content]:
                    self._take(message)

    def _take(self, message: Json) -> None:
        self.messages.append(message)
        match message["type"]:
            case "new":
                self._values.setdefault(message["uid"], {})
            case "update":
                node = self._values.setdefault(message["uid"], {})
                node[message["endpoint"]] = message["data"]
            case "out":
                self._values.pop(message["uid"], None)
            case "result" if message["status"] != "queued":
                self._results.setdefault(message["id"], message)

    async def send(self, message: Json) -> None:
        await self.socket.send(json.dumps(message))

    async def set(self, uid: str, endpoint: str, payload: str) -> None:
        """Set a resource, as clients of the original do."""
        data = {"uid": uid, "endpoint": endpoint, "payload": payload}
        await self.send({"type": "update", "data": data})

    def values(self) -> dict[str, Json]:
        """The newest value of each resource, by node."""
        return self._values

    async def uid_of(self, name: str) -> str:
        """The node that calls itself `name`, once there is one."""

        def found() -> str | None:
            named = (uid for uid, node in self.values().items() if node.get("name") == name)
            return next(named, None)

        uid = await eventually(found, 20)
        assert uid is not None
        return uid

    async def hears(self, uid: str, endpoint: str, value: object) -> None:
        """Wait until a resource has a value."""
        await eventually(lambda: self.values().get(uid, {}).get(endpoint) == value, 20)

    async def ask(self, message: Json) -> Json:
        """Send a command with an id, and return its final result."""
        await self.send(message)
        found = await eventually(lambda: self._results.get(message["id"]), 20)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def client(port: int, *features: str, token: str = "") -> AsyncIterator[Client]:
    """A client of the broker at `port`; one of the original where it asks for no features."""
    async with connect(
        f"ws://localhost:{port}/ws",
        subprotocols=[Subprotocol("token"), Subprotocol(token)] if token else None,
        compression=None,
        proxy=None,
    ) as socket:
        heard = Client(socket)
        task = asyncio.create_task(heard.listen())
        hello: Json = {"type": "new", "data": "client"}
        if features:
            hello["features"] = features
        await heard.send(hello)
        try:
            yield heard
        finally:
            await socket.close()
            await task


async def fetched(url: str) -> str:
    """What a web server has at `url`."""

    def fetch() -> str:
        with urlopen(url, timeout=20) as answer:  # noqa: S310 - the test's own server
            content: bytes = answer.read()
            return content.decode()

    return await asyncio.to_thread(fetch)
