# SPDX-License-Identifier: BSD-3-Clause
"""A whole gateway for tests, on any adapter, against any broker."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pyaiot.accounts.tokens import Signer
from pyaiot.gateway.adapter import Adapter
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.registrar import Policy, Registrar
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, Timing
from pyaiot.messages.codec import to_gateway
from pyaiot.messages.keys import KeyRing
from pyaiot.messages.types import ForGateway
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment


@dataclass(frozen=True)
class RunningGateway:
    """What a test needs of it."""

    gateway: Gateway
    core: GatewayCore
    spool: Spool
    link: Link[ForGateway]


def now() -> Moment:
    return Moment(time.time(), time.monotonic())


@asynccontextmanager
async def running_gateway(
    adapter: Adapter,
    broker_url: str,
    ring: KeyRing,
    *,
    name: str = "attic",
    accept_unsigned: bool = False,
    max_time: float = 120.0,
    max_nodes: int = 1000,
    spool: int = 10_000,
    policy: Policy = Policy.OPEN,
    clock: Callable[[], Moment] = now,
) -> AsyncIterator[RunningGateway]:
    """Run a gateway until the end of the block; nodes can reach it then, the broker may be away.

    `broker_url` is without a path, as ``ws://127.0.0.1:8000``. It tries to connect some fifty
    times a second, and must end within a second.
    """
    link: Link[ForGateway] = Link(
        f"{broker_url}/gw",
        ring,
        Backoff(lambda: 1.0, base=0.01, cap=0.02),
        lambda: clock().wall,
        codec=to_gateway(),
        name=name,
        accept_unsigned=accept_unsigned,
        timing=Timing(gathering=0.02),
    )
    registrar = Registrar(policy, Signer(ring))
    core = GatewayCore(name, adapter.protocol, Liveness(max_time), max_nodes, registrar)
    kept = Spool(spool)
    gateway = Gateway(adapter, link, core, kept, clock)
    ready = asyncio.Event()
    task = asyncio.create_task(gateway.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        assert ready.is_set(), "the adapter did not get ready"
        yield RunningGateway(gateway, core, kept, link)
        assert not task.done(), "the gateway ended of its own accord"
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done(), "the gateway did not end within a second"
        if not task.cancelled():
            await task
