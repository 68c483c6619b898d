# SPDX-License-Identifier: BSD-3-Clause
"""A gateway that asks its nodes who they are, on any adapter, and a broker that keeps all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.gateway.adapter import Adapter, Address
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.registrar import Policy, Registrar
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from pyaiot.messages.types import Device, Devices, Feature, Message, Pending, Update
from pyaiot.model.availability import Liveness
from pyaiot.model.value import Value
from tests.gateway.driven import ALL
from tests.gateway.running import now
from tests.link.scripted import new_ring
from tests.waiting import eventually

RING = new_ring()
SIGNER = Signer(RING)
NAME = "attic"

LAMP = Device("lamp", ("t1",), bound=True)
DESK = Device("desk", ("t2",), bound=True)


def token(uid: str = "lamp", ident: str = "t1", signer: Signer = SIGNER) -> str:
    """A device token of `uid`."""
    return signer.make(Claims(Use.DEVICE, uid, ident, 1e9))


@dataclass
class Wire:
    """A broker that takes everything; fits `Uplink`."""

    messages: list[Message] = field(default_factory=list)
    peer: Gateway | None = None

    async def run(self, peer: Gateway) -> None:
        self.peer = peer
        peer.connected(ALL | {Feature.DEVICES})
        self.wake()
        await asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        while self.peer is not None and (batch := self.peer.take(100)):
            self.messages += batch
            self.peer.confirmed(len(batch))

    def restart(self, reason: str) -> None:
        raise AssertionError(reason)


@dataclass
class Guarded:
    """What a test needs of the gateway."""

    gateway: Gateway
    core: GatewayCore
    wire: Wire

    def whole(self, *devices: Device) -> None:
        """These, and no others, are known."""
        self.gateway.received(Devices(devices, whole=True))

    def change(self, *devices: Device) -> None:
        self.gateway.received(Devices(devices))

    @property
    def nodes(self) -> dict[str, str]:
        """The availability of each node."""
        roster = self.core._roster
        found = {uid: roster.get(uid) for uid in roster.uids()}
        return {uid: node.twin.availability.value for uid, node in found.items() if node}

    def values(self, uid: str) -> dict[str, Value]:
        """The last value of each resource of node `uid` that the broker was told."""
        told = [each for each in self.wire.messages if isinstance(each, Update)]
        return {each.endpoint: each.data for each in told if each.uid == uid}

    @property
    def pending(self) -> list[Pending]:
        return [each for each in self.wire.messages if isinstance(each, Pending)]

    def address(self, uid: str) -> Address:
        """Where node `uid` is."""
        roster = self.core._roster
        node = roster.get(uid)
        found = None if node is None else roster.address_of(node)
        assert found is not None
        return found

    async def told(self, uid: str, endpoint: str, value: Value) -> None:
        """Wait until the broker was told so."""
        await eventually(lambda: self.values(uid).get(endpoint) == value)

    def said(self, value: Value) -> set[str]:
        """The nodes that ever had `value` anywhere."""
        told = [each for each in self.wire.messages if isinstance(each, Update)]
        return {each.uid for each in told if each.data == value}


@asynccontextmanager
async def guarded(
    adapter: Adapter, policy: Policy = Policy.OPEN, *devices: Device, ready: bool = True
) -> AsyncIterator[Guarded]:
    """Run a gateway on `adapter`; the lists have come if `ready`."""
    wire = Wire()
    registrar = Registrar(policy, SIGNER)
    core = GatewayCore(NAME, adapter.protocol, Liveness(120), 1000, registrar)
    gateway = Gateway(adapter, wire, core, Spool(1000), now)
    up = asyncio.Event()
    task = asyncio.create_task(gateway.run(up.set))
    try:
        async with asyncio.timeout(10):
            await up.wait()
        made = Guarded(gateway, core, wire)
        if ready:
            made.whole(*devices)
        yield made
        assert not task.done(), "the gateway ended of its own accord"
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done()
