# SPDX-License-Identifier: BSD-3-Clause
"""What the directory asks of the store."""

from collections.abc import Sequence

from pyaiot.messages.types import Device, NodeAccess, Pending, Person
from pyaiot.store.store import Store


class StoreBook:
    """Fits the store to `pyaiot.dashboard.directory.Book`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def version(self) -> int:
        return await self._store.versions.get("access")

    async def newer(self, known: int) -> int:
        return await self._store.versions.newer("access", known)

    async def people(self) -> Sequence[Person]:
        return await self._store.accounts.people()

    async def access(self) -> Sequence[NodeAccess]:
        return await self._store.nodes.access()

    async def devices(self) -> Sequence[Device]:
        return await self._store.devices.devices()

    async def ask(self, pending: Pending) -> None:
        await self._store.inbox.saw(pending)
