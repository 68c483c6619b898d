# SPDX-License-Identifier: BSD-3-Clause
"""An adapter whose nodes are objects beside it: the smallest example of the contract.

The generic gateway is tested with it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.adapter import Address, Events, Naming, Refusal, Sighting, Written
from pyaiot.model.value import Value
from tests.contracts.adapter import REFUSED, Bench, Node


@dataclass
class MemoryAdapter:
    """Nodes register themselves in `nodes`, by address."""

    protocol: str = "Memory"
    confirms: bool = True
    fails_to_start: bool = False
    nodes: dict[Address, "MemoryNode"] = field(default_factory=dict)
    discoveries: list[Address] = field(default_factory=list)
    """Every discovery that was asked for, in order."""
    events: Events | None = None
    expelled: list[tuple[Address, Refusal]] = field(default_factory=list)

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        if self.fails_to_start:
            raise StartFailed("Nothing to stand on.")
        self.events = events
        ready()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.events = None

    async def discover(self, address: Address) -> None:
        self.discoveries.append(address)
        node = self._node(address)
        for endpoint, value in (await node.answer(node.resources)).items():
            node.say(endpoint, value)

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        node = self._node(address)
        node.asked.append((endpoint, payload))
        if not self.confirms:
            if node.thawed.is_set():
                node.set(endpoint, payload)
                asyncio.get_running_loop().call_soon(node.say, endpoint, payload)
            return Written(confirmed=False)
        await node.answer(None)
        if endpoint == REFUSED:
            raise CommandFailed(f"The node refuses to set {endpoint}.")
        node.set(endpoint, payload)
        return Written(confirmed=True, value=node.echo)

    def expel(self, address: Address, refusal: Refusal) -> None:
        self.expelled.append((address, refusal))
        if self.nodes.pop(address, None) is not None and self.events is not None:
            self.events.lost(address)

    def _node(self, address: Address) -> "MemoryNode":
        try:
            return self.nodes[address]
        except KeyError:
            raise CommandFailed(f"There is no node at {address}.") from None


@dataclass
class MemoryNode(Node):
    """A node that calls its adapter's events itself."""

    adapter: MemoryAdapter
    name: str
    resources: dict[str, Value] = field(default_factory=dict)
    address: Address = field(init=False)
    naming: Naming = Naming.UNIQUE
    sleepy: bool = False
    facts: Mapping[str, Value] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    refusal: Refusal | None = None
    """What it was told when it was last seen."""
    echo: Value | None = None
    """What it says a resource is now when it confirms a write."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every write that was begun; `written` has those that were carried out."""
    written: list[tuple[str, str]] = field(default_factory=list)
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.address = Address(f"memory:{self.name}")
        while self.address in self.adapter.nodes:
            self.address = Address(f"{self.address}'")
        self.adapter.nodes[self.address] = self
        self.thawed.set()

    async def announce(self) -> None:
        self.show()

    async def reboot(self) -> None:
        self.show(rebooted=True)

    async def post(self, endpoint: str, value: str) -> None:
        self.say(endpoint, value)

    async def freeze(self) -> None:
        self.thawed.clear()

    async def babble(self) -> None:
        self.say("", None)

    async def vanish(self) -> None:
        self.adapter.nodes.pop(self.address, None)
        if self.adapter.events is not None:
            self.adapter.events.lost(self.address)

    def move(self, address: str) -> None:
        """Be somewhere else from now on."""
        self.adapter.nodes.pop(self.address, None)
        self.address = Address(address)
        self.adapter.nodes[self.address] = self

    def show(self, *, rebooted: bool = False) -> None:
        if self.adapter.events is not None:
            sighting = Sighting(
                self.name, self.naming, rebooted, self.sleepy, self.facts, self.token
            )
            self.refusal = self.adapter.events.seen(self.address, sighting)

    def say(self, endpoint: str, value: Value, time: float | None = None) -> None:
        if self.adapter.events is not None and self.adapter.nodes.get(self.address) is self:
            if self.refusal is not None:
                return
            self.adapter.events.report(self.address, endpoint, value, time)

    def set(self, endpoint: str, payload: str) -> None:
        self.resources[endpoint] = payload
        self.written.append((endpoint, payload))

    async def answer(self, answer: Mapping[str, Value] | None) -> Mapping[str, Value]:
        """`answer`, one turn later; not while the node is frozen."""
        await asyncio.sleep(0)
        await self.thawed.wait()
        return dict(answer or {})


class MemoryBench(Bench):
    protocol = "Memory"
    naming = Naming.UNIQUE
    confirms = True
    reboots = True
    refuses = True
    connected = True
    carries_tokens = True

    def __init__(self) -> None:
        self._adapter = MemoryAdapter(confirms=self.confirms)

    def adapter(self) -> MemoryAdapter:
        return self._adapter

    @asynccontextmanager
    async def node(
        self, name: str, resources: dict[str, str], token: str = ""
    ) -> AsyncIterator[MemoryNode]:
        yield MemoryNode(self._adapter, name, dict(resources), token=token)

    def unstartable(self) -> MemoryAdapter:
        return MemoryAdapter(fails_to_start=True)


class UnconfirmedBench(MemoryBench):
    """Like protocols without answers, as MQTT: the node's report after a write confirms it."""

    confirms = False
    refuses = False
