# SPDX-License-Identifier: BSD-3-Clause
"""A broker's gateway route that does as a test tells it, on a real socket.

It knows tokens and signatures, but neither nodes nor clients; it writes down what it is sent.
"""

import asyncio
import base64
import os
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from pyaiot.errors import AuthenticationFailed
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import (
    FEATURES_HEADER,
    NONCE_HEADER,
    NONCE_SIZE,
    Session,
    TokenGate,
    offered_token,
)
from pyaiot.model.moment import Moment
from tests.gateway.driven import ALL
from tests.waiting import eventually

OURS = tuple(str(feature) for feature in sorted(ALL))


@dataclass
class ScriptedBroker:
    """Set what it is to do before a link connects; all of it may be changed between attempts."""

    ring: KeyRing
    grants: Sequence[str] = OURS
    signs: bool = True
    refuse: tuple[int, str] | None = None
    """Answer the upgrade with this status and text."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of its answer, in place of its own of that name."""
    clock_ahead: float = 0.0
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, it reads nothing of what it is sent."""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    """What was sent, opened if it was signed."""
    closings: list[tuple[int, str] | None] = field(default_factory=list)
    connection: ServerConnection | None = None
    session: Session | None = None

    def __post_init__(self) -> None:
        self._gate = TokenGate(self.ring)
        self.reads.set()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every message that was sent, those in batches too."""
        messages: list[dict[str, Any]] = []
        for frame in self.frames:
            message = msgspec.json.decode(frame)
            messages += message["messages"] if message["type"] == "batch" else [message]
        return messages

    @property
    def short(self) -> list[str]:
        """The messages in a few words each."""
        return [
            " ".join(
                str(m[k]) for k in ("type", "uid", "endpoint", "data", "id", "status") if k in m
            )
            for m in self.messages
        ]

    async def connected(self) -> ServerConnection:
        """The link's connection; waits for it."""

        def found() -> ServerConnection | None:
            return self.connection

        connection = await eventually(found)
        assert connection is not None
        return connection

    async def say(self, message: dict[str, Any]) -> None:
        """Send a message, signed if it signs."""
        connection = await self.connected()
        raw = msgspec.json.encode(message)
        await connection.send(self.session.seal(raw) if self.session else raw, text=True)

    async def say_raw(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        await (await self.connected()).send(frame)

    async def hang_up(self, code: int = 1001, reason: str = "") -> None:
        """Close the connection."""
        await (await self.connected()).close(code, reason)

    async def check(self, _: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        now = Moment(time.time() + self.clock_ahead, time.monotonic())
        try:
            offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
            if self.signs:
                self._pair = self._gate.admit(offered_token(offered), now)
            self._token = offered_token(offered)
        except AuthenticationFailed as exc:
            return _answer(401, exc.reason)
        if self.refuse is not None:
            return _answer(*self.refuse)
        return None

    def complete(self, _: ServerConnection, __: Request, response: Response) -> None:
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return
        self.session = None
        own: dict[str, str] = {}
        if self.signs:
            nonce = os.urandom(NONCE_SIZE)
            self.session = Session.of_broker(self._pair, self._token, nonce)
            own[NONCE_HEADER] = base64.urlsafe_b64encode(nonce).decode().rstrip("=")
        if self.grants:
            own[FEATURES_HEADER] = ", ".join(self.grants)
        for name, value in (own | self.headers).items():
            response.headers[name] = value

    async def attend(self, connection: ServerConnection) -> None:
        self.connection = connection
        session = self.session
        try:
            await self.reads.wait()
            async for frame in connection:
                raw = frame.encode() if isinstance(frame, str) else frame
                self.frames.append(session.open(raw) if session else raw)
        except ConnectionClosed:
            pass
        finally:
            self.connection = None
            code = connection.protocol.close_rcvd
            self.closings.append(None if code is None else (code.code, code.reason))


def _answer(status: int, text: str) -> Response:
    body = text.encode()
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
    return Response(status, HTTPStatus(status).phrase, headers, body)


def new_ring(pairs: int = 1) -> KeyRing:
    return KeyRing(tuple(KeyPair.generate(os.urandom) for _ in range(pairs)))


@asynccontextmanager
async def scripted_broker(
    broker: ScriptedBroker | None = None,
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    read_limit: int = 16,
) -> AsyncIterator[ScriptedBroker]:
    """Run `broker` on 127.0.0.1."""
    broker = broker or ScriptedBroker(new_ring())
    async with serve(
        broker.attend,
        "127.0.0.1",
        port,
        process_request=broker.check,
        process_response=broker.complete,
        ssl=tls,
        compression=None,
        ping_interval=None,
        close_timeout=0.2,
        max_queue=read_limit,
        select_subprotocol=lambda *_: None,
    ) as server:
        broker.port = next(iter(server.sockets)).getsockname()[1]
        try:
            yield broker
        finally:
            broker.reads.set()
            server.close()
            for connection in list(server.connections):
                connection.transport.abort()
