# SPDX-License-Identifier: BSD-3-Clause
"""A gateway and a client that do what the original's do (WIRE.md sections 2 and 3), on Tornado's
websocket client as theirs, and choke on what theirs choke on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from pyaiot.messages.keys import KeyPair
from tests.broker.running import RunningBroker
from tests.waiting import eventually


def original_token(keys: KeyPair) -> str:
    """The shared secret, encrypted with the shared key."""
    return Fernet(keys.private.encode()).encrypt(keys.secret.encode()).decode()


@dataclass
class OriginalGateway:
    """Nodes and their values; whatever it cannot take ends its reader, as it does there."""

    connection: WebSocketClientConnection
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    obeys: bool = True

    async def run(self) -> None:
        while (frame := await self.connection.read_message()) is not None:
            assert isinstance(frame, str)
            self.take(json.loads(frame))
            self.read += 1

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "new":
            self.resend(message["src"])
            return
        data = message["data"]
        if message["type"] != "update" or set(data) != {"uid", "endpoint", "payload"}:
            return
        # The CoAP gateway's words; they raise for anything but ASCII text.
        data["payload"].encode("ascii")
        self.commands.append(message)
        if self.obeys and data["uid"] in self.nodes:
            self.report(data["uid"], data["endpoint"], data["payload"])

    def say(self, **message: Any) -> None:
        # Python's separators, and other scripts unescaped.
        _ = self.connection.write_message(json.dumps(message, ensure_ascii=False))

    def add(self, uid: str, **values: Any) -> None:
        """A new node, and the values it has from the start."""
        self.nodes[uid] = {}
        self.say(type="new", uid=uid, dst="all")
        for endpoint, value in values.items():
            self.report(uid, endpoint, value)

    def report(self, uid: str, endpoint: str, value: Any) -> None:
        self.nodes[uid][endpoint] = value
        self.say(type="update", uid=uid, endpoint=endpoint, data=value, dst="all")

    def remove(self, uid: str) -> None:
        del self.nodes[uid]
        self.say(type="out", uid=uid)

    def reset(self, uid: str) -> None:
        self.nodes[uid] = {"protocol": self.nodes[uid]["protocol"]}
        self.say(type="reset", uid=uid)

    def alive(self) -> None:
        self.say(type="update", uid="alive")

    def resend(self, dst: str) -> None:
        for uid, values in self.nodes.items():
            self.say(type="new", uid=uid, dst=dst)
            for endpoint, value in values.items():
                self.say(type="update", uid=uid, endpoint=endpoint, data=value, dst=dst)


@dataclass
class OriginalClient:
    """A page: what it was told, and the cards it would show."""

    connection: WebSocketClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(self) -> None:
        while (frame := await self.connection.read_message()) is not None:
            assert isinstance(frame, str)
            message = json.loads(frame)
            self.frames.append(message)
            self.show(message)

    def show(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "new":
                self.cards.setdefault(message["uid"], {})
            case "update":
                # It has no card to put the value on otherwise.
                self.cards[message["uid"]][message["endpoint"]] = message["data"]
            case "reset":
                self.cards[message["uid"]].clear()
            case "out":
                self.cards.pop(message["uid"], None)
            case other:
                raise AssertionError(f"the original's client does not know '{other}'")

    def say(self, message: Any) -> None:
        _ = self.connection.write_message(json.dumps(message))

    def hello(self) -> None:
        self.say({"type": "new", "data": "client"})

    def set(self, uid: str, endpoint: str, payload: str) -> None:
        data = {"uid": uid, "endpoint": endpoint, "payload": payload}
        self.say({"type": "update", "data": data})

    async def shows(self, uid: str, endpoint: str, value: Any) -> None:
        await eventually(lambda: self.cards.get(uid, {}).get(endpoint) == value)


@asynccontextmanager
async def original_gateway(broker: RunningBroker) -> AsyncIterator[OriginalGateway]:
    token = original_token(broker.ring.current)
    connection = await websocket_connect(f"{broker.url}/gw", subprotocols=["token", token])
    gateway = OriginalGateway(connection)
    reader = asyncio.create_task(gateway.run())
    try:
        yield gateway
        if reader.done():
            reader.result()
    finally:
        connection.close()
        await asyncio.gather(reader, return_exceptions=True)


@asynccontextmanager
async def original_client(
    broker: RunningBroker, *, hello: bool = True
) -> AsyncIterator[OriginalClient]:
    connection = await websocket_connect(HTTPRequest(f"{broker.url}/ws"))
    client = OriginalClient(connection)
    reader = asyncio.create_task(client.run())
    if hello:
        client.hello()
    try:
        yield client
        if reader.done():
            reader.result()
    finally:
        connection.close()
        await asyncio.gather(reader, return_exceptions=True)
