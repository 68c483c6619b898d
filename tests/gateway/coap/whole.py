# SPDX-License-Identifier: BSD-3-Clause
"""A whole gateway for CoAP, in front of a broker that takes all that it sends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from pyaiot.messages.types import Feature, Message, Relayed, Result, Target, Update
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from tests.gateway.coap.firmware import free_port
from tests.waiting import eventually


@dataclass
class Broker:
    """Takes all that the gateway sends, at once."""

    sent: list[Message] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, peer: Gateway) -> None:
        peer.connected(frozenset({Feature.AVAILABILITY, Feature.RESULT}))
        while True:
            while messages := peer.take(100):
                self.sent += messages
                peer.confirmed(len(messages))
            self.stirred.clear()
            await self.stirred.wait()

    def wake(self) -> None:
        self.stirred.set()

    def restart(self, reason: str) -> None:
        raise AssertionError(reason)

    def values(self, uid: str) -> dict[str, object]:
        return {
            each.endpoint: each.data
            for each in self.sent
            if isinstance(each, Update) and each.uid == uid
        }

    def count(self, kind: type[Message]) -> int:
        return sum(isinstance(each, kind) for each in self.sent)


@dataclass
class Whole:
    gateway: Gateway
    adapter: CoapAdapter
    broker: Broker
    node_port: int
    """Where nodes serve that do not where they post from."""

    async def set(self, uid: str, endpoint: str, payload: str) -> Result:
        """Send a command, and wait for its result."""
        ident = f"c{self.broker.count(Result)}"
        self.gateway.received(Relayed(Target(uid, endpoint, payload), "client", ident))

        def results() -> list[Result]:
            results = [each for each in self.broker.sent if isinstance(each, Result)]
            return [each for each in results if each.id == ident]

        return (await eventually(results, 20))[0]


@asynccontextmanager
async def whole(max_time: float = 120.0) -> AsyncIterator[Whole]:
    node_port = free_port()
    adapter = CoapAdapter("127.0.0.1", 0, node_port=node_port)
    broker = Broker()
    core = GatewayCore("attic", adapter.protocol, Liveness(max_time))

    def now() -> Moment:
        return Moment(time.time(), time.monotonic())

    gateway = Gateway(adapter, broker, core, Spool(1000), now)
    ready = asyncio.Event()
    running = asyncio.create_task(gateway.run(ready.set))
    await ready.wait()
    try:
        yield Whole(gateway, adapter, broker, node_port)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait({running})
