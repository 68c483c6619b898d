# SPDX-License-Identifier: BSD-3-Clause
"""Gateways and clients over real sockets, as small as a test needs them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from pyaiot.messages.signing import Session
from tests.broker.running import RunningBroker

PATIENCE = 5.0
OURS = "signed, batch, availability, result"
ALL = ("snapshot", "batch", "availability", "result")


class Peer:
    """One end of a connection; messages are dictionaries."""

    def __init__(self, connection: ClientConnection, session: Session | None = None) -> None:
        self.connection = connection
        self.session = session
        self._waiting: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        data = json.dumps(message, ensure_ascii=False).encode()
        await self.raw(self.session.seal(data) if self.session else data)

    async def raw(self, data: bytes | str) -> None:
        await self.connection.send(data, text=True)

    async def receive(self) -> dict[str, Any]:
        """The next message; fails when none comes."""
        while not self._waiting:
            async with asyncio.timeout(PATIENCE):
                frame = await self.connection.recv(decode=False)
            decoded = json.loads(self.session.open(frame) if self.session else frame)
            self._waiting = decoded if isinstance(decoded, list) else [decoded]
        return self._waiting.pop(0)

    async def until(self, **members: Any) -> dict[str, Any]:
        """The next message with these members; what comes before is dropped."""
        while True:
            message = await self.receive()
            if members.items() <= message.items():
                return message

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason with which the broker closes."""
        async with asyncio.timeout(PATIENCE):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason

    # what gateways say

    async def node(self, uid: str, **values: Any) -> None:
        await self.send(type="new", uid=uid, dst="all")
        for endpoint, value in values.items():
            await self.value(uid, endpoint, value)

    async def value(self, uid: str, endpoint: str, value: Any) -> None:
        await self.send(type="update", uid=uid, endpoint=endpoint, data=value, dst="all")

    # what clients say

    async def hello(self, *features: str) -> None:
        await self.send(type="new", data="client", **({"features": features} if features else {}))

    async def set(self, uid: str, endpoint: str, payload: Any, **more: Any) -> None:
        data = {"uid": uid, "endpoint": endpoint, "payload": payload}
        await self.send(type="update", data=data, **more)


def _offer(broker: RunningBroker, token: str | None = None) -> list[Subprotocol]:
    return [Subprotocol("token"), Subprotocol(token or broker.token())]


@asynccontextmanager
async def original_gateway(broker: RunningBroker, token: str | None = None) -> AsyncIterator[Peer]:
    """One that cannot sign; the broker must accept that."""
    async with connect(
        f"{broker.url}/gw", subprotocols=_offer(broker, token), compression=None, max_queue=None
    ) as connection:
        yield Peer(connection)


@asynccontextmanager
async def our_gateway(
    broker: RunningBroker,
    *,
    features: str = OURS,
    name: str = "attic",
    route: str = "/gw",
    **options: Any,
) -> AsyncIterator[Peer]:
    token = broker.token()
    options = {"compression": None, "max_queue": None, **options}
    async with connect(
        f"{broker.url}{route}",
        subprotocols=_offer(broker, token),
        additional_headers={"Pyaiot-Features": features, "Pyaiot-Name": name},
        **options,
    ) as connection:
        assert connection.response is not None
        nonce = base64.urlsafe_b64decode(connection.response.headers["Pyaiot-Nonce"])
        yield Peer(connection, Session.of_service(broker.ring.current, token, nonce))


@asynccontextmanager
async def a_service(broker: RunningBroker, *features: str, **options: Any) -> AsyncIterator[Peer]:
    """A recorder, a directory, or both."""
    wanted = ", ".join(("signed", "batch", *features))
    async with our_gateway(broker, features=wanted, route="/service", **options) as peer:
        yield peer


@asynccontextmanager
async def a_client(
    broker: RunningBroker, *features: str, greet: bool = True, **options: Any
) -> AsyncIterator[Peer]:
    # Without a bound on its queue the library notices a close frame whatever was not read yet.
    options = {"compression": None, "max_queue": None, **options}
    async with connect(f"{broker.url}/ws", **options) as connection:
        peer = Peer(connection)
        if greet:
            await peer.hello(*features)
        yield peer


async def control_works(broker: RunningBroker, gateway: Peer, uid: str, **options: Any) -> None:
    """A fresh client sets a resource of `uid`, and sees that it was set."""
    async with a_client(broker, **options) as client:
        await client.until(type="new", uid=uid)
        await client.set(uid, "led", "1")
        command = await gateway.until(type="update")
        assert command["data"] == {"uid": uid, "endpoint": "led", "payload": "1"}
        await gateway.value(uid, "led", "confirmed")
        await client.until(type="update", uid=uid, data="confirmed")
