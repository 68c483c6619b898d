# SPDX-License-Identifier: BSD-3-Clause
"""A gateway written by hand, which says and answers just what a test wants."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from pyaiot.messages.signing import FEATURES_HEADER
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually


class HandGateway:
    """Connected to ``/gw`` without signatures."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.commands: list[dict[str, Any]] = []

    async def listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in self._socket:
                message = json.loads(frame)
                if message["type"] == "update":
                    self.commands.append(message)

    async def say(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message, ensure_ascii=False))

    async def node(self, uid: str, availability: str = "online", **resources: Any) -> None:
        """Announce a node and its values."""
        await self.say(type="new", uid=uid, dst="all", availability=availability, seen=time.time())
        for endpoint, value in resources.items():
            await self.report(uid, endpoint, value)

    async def report(self, uid: str, endpoint: str, value: Any, *, ago: float = 0.0) -> None:
        """A node says something, or said it so many seconds ago."""
        then = time.time() - ago
        await self.say(type="update", uid=uid, endpoint=endpoint, data=value, dst="all", time=then)

    async def availability(self, uid: str, availability: str, silent: float) -> None:
        seen = time.time() - silent
        await self.say(type="availability", uid=uid, availability=availability, seen=seen)

    async def command(self) -> dict[str, Any]:
        """The next command that comes."""
        await eventually(lambda: self.commands)
        return self.commands.pop(0)

    async def answer(self, command: dict[str, Any], status: str, reason: str = "") -> None:
        await self.say(type="result", id=command["id"], status=status, reason=reason)


@asynccontextmanager
async def hand_gateway(broker: RunningBroker) -> AsyncIterator[HandGateway]:
    """A gateway that knows availability and results; the broker must accept unsigned ones."""
    offer = [Subprotocol("token"), Subprotocol(broker.token())]
    headers = {FEATURES_HEADER: "availability,result"}
    async with connect(
        f"{broker.url}/gw", subprotocols=offer, additional_headers=headers, proxy=None
    ) as socket:
        gateway = HandGateway(socket)
        listening = asyncio.create_task(gateway.listen())
        try:
            yield gateway
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


@asynccontextmanager
async def broker_with_gateway(**settings: Any) -> AsyncIterator[tuple[RunningBroker, HandGateway]]:
    """A broker with these `settings`, and the gateway by hand at it."""
    async with (
        running_broker(accept_unsigned=True, **settings) as broker,
        hand_gateway(broker) as gateway,
    ):
        yield broker, gateway
