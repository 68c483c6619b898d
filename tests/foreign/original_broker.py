# SPDX-License-Identifier: BSD-3-Clause
"""A broker that does what the original does (WIRE.md sections 2 and 3), on Tornado as it is.

It keeps no values and asks nobody's pardon: a message that the original would choke on is an error
of the test, and ends the connection.
"""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from pyaiot.messages.keys import KeyRing

TYPES = ("new", "update", "out", "reset")


@dataclass
class OriginalBroker:
    """Gateways with the nodes of each, and clients by their names."""

    ring: KeyRing
    port: int = 0
    gateways: "dict[Gateway, list[str]]" = field(default_factory=dict)
    clients: "dict[str, Client]" = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    """All that gateways sent."""
    choked: list[str] = field(default_factory=list)
    """What the original could not have taken."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def gateway_said(self, gateway: "Gateway", message: dict[str, Any]) -> None:
        self.said.append(message)
        if message["type"] == "update" and message["uid"] == "alive" and "dst" not in message:
            return
        uid, mine = message["uid"], self.gateways[gateway]
        if message["type"] == "new" and uid not in mine:
            mine.append(uid)
        if message["type"] in {"new", "update"}:
            if message["type"] == "update" and not {"endpoint", "data"} <= message.keys():
                raise KeyError(message)
            if message["dst"] != "all":
                if message["dst"] in self.clients:
                    self.clients[message["dst"]].tell(message)
                return
            if uid not in mine:
                return
        elif message["type"] == "out":
            if uid not in mine:
                return
            mine.remove(uid)
        self.broadcast(message)

    def broadcast(self, message: dict[str, Any]) -> None:
        for client in self.clients.values():
            client.tell(message)


class Peer(WebSocketHandler):
    """Either side of the broker."""

    broker: OriginalBroker

    def initialize(self, broker: OriginalBroker) -> None:
        self.broker = broker

    def check_origin(self, origin: str) -> bool:
        del origin
        return True

    def tell(self, message: dict[str, Any]) -> None:
        try:
            sent = self.write_message(json.dumps(message, ensure_ascii=False))
        except WebSocketClosedError as exc:
            raise AssertionError("wrote to a peer that is gone") from exc
        # It may leave before it has read that.
        sent.add_done_callback(lambda done: done.exception())

    def parsed(self, frame: str | bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(frame)
        except ValueError:
            self.close(code=1003, reason="Only JSON format is supported..")
            return None
        if not isinstance(message, dict) or message.get("type") not in TYPES:
            self.close(code=1003, reason="Invalid message type..")
            return None
        return message


class Gateway(Peer):
    async def prepare(self) -> None:
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        words = [word.strip() for word in offered]
        pair = self.broker.ring.current
        if len(words) != 2 or words[0] != "token":
            self.set_status(401)
            await self.finish("Invalid subprotocols")
        elif Fernet(pair.private).decrypt(words[1].encode()) != pair.secret.encode():
            self.set_status(401)
            await self.finish("Invalid token")

    def open(self, *_: str, **__: str) -> None:
        self.broker.gateways[self] = []

    def on_message(self, message: str | bytes) -> None:
        parsed = self.parsed(message)
        if parsed is None:
            self.broker.choked.append(str(message))
            return
        try:
            self.broker.gateway_said(self, parsed)
        except KeyError:
            self.broker.choked.append(str(message))
            self.close()

    def on_close(self) -> None:
        for uid in self.broker.gateways.pop(self, ()):
            self.broker.broadcast({"type": "out", "uid": uid})


class Client(Peer):
    name = ""

    def on_message(self, message: str | bytes) -> None:
        parsed = self.parsed(message)
        if parsed is None:
            return
        self.name = self.name or str(uuid.uuid4())
        if parsed["type"] == "new":
            self.broker.clients[self.name] = self
        parsed["src"] = self.name
        for gateway in self.broker.gateways:
            gateway.tell(parsed)

    def on_close(self) -> None:
        self.broker.clients.pop(self.name, None)


@asynccontextmanager
async def original_broker(ring: KeyRing) -> AsyncIterator[OriginalBroker]:
    """Run it on 127.0.0.1."""
    socket, port = bind_unused_port(address="127.0.0.1")
    broker = OriginalBroker(ring, port)
    routes = [(r"/gw", Gateway, {"broker": broker}), (r"/ws", Client, {"broker": broker})]
    server = HTTPServer(Application(routes))
    server.add_socket(socket)
    try:
        yield broker
    finally:
        server.stop()
        for peer in (*broker.gateways, *broker.clients.values()):
            peer.close()
        await server.close_all_connections()
