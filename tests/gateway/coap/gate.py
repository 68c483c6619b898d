# SPDX-License-Identifier: BSD-3-Clause
"""A running adapter, and what goes with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pyaiot.gateway.adapter import Address, Sighting
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.model.value import Value
from tests.contracts.adapter import Heard, running
from tests.gateway.coap.firmware import Firmware, free_port
from tests.waiting import eventually


@dataclass
class Gate:
    adapter: CoapAdapter
    heard: Heard
    node_port: int
    """Where nodes serve that do not where they post from."""

    @property
    def port(self) -> int:
        return self.adapter.port

    async def seen(self, name: str, times: int = 1) -> Address:
        """Where the node called `name` was last seen, once it was seen so often."""

        def found() -> list[tuple[Address, Sighting]]:
            all_of_it = [each for each in self.heard.sightings if each[1].name == name]
            return all_of_it if len(all_of_it) >= times else []

        return (await eventually(found))[-1][0]

    async def announced(self, node: Firmware, name: str) -> Address:
        before = sum(sighting.name == name for _, sighting in self.heard.sightings)
        node.post("alive", f"alive:{name}")
        return await self.seen(name, before + 1)

    async def value(self, address: Address, endpoint: str, value: Value) -> None:
        """Wait until that was the last value reported."""
        await eventually(lambda: self.heard.values(address).get(endpoint) == value)


@asynccontextmanager
async def gate(host: str = "127.0.0.1", *, patience: float = 5.0) -> AsyncIterator[Gate]:
    node_port = free_port()
    adapter = CoapAdapter(host, 0, node_port=node_port, patience=patience)
    async with running(adapter) as heard:
        yield Gate(adapter, heard, node_port)
