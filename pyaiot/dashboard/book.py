# SPDX-License-Identifier: BSD-3-Clause
"""What the directory asks of the store."""

from collections.abc import Collection, Sequence

from pyaiot.messages.types import Device, NodeAccess, Pending, Person
from pyaiot.store.store import Store
from pyaiot.store.versions import Changed


class StoreBook:
    """Fits the store to `pyaiot.dashboard.directory.Book`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def version(self) -> int:
        return await self._store.versions.get("access")

    async def newer(self, known: int) -> int:
        return await self._store.versions.newer("access", known)

    async def changed_since(self, known: int) -> Changed | None:
        return await self._store.versions.changed_since(known)

    async def people(self, ids: Collection[str] | None = None) -> Sequence[Person]:
        return await self._store.accounts.people(ids)

    async def access(self, uids: Collection[str] | None = None) -> Sequence[NodeAccess]:
        return await self._store.nodes.access(uids)

    async def devices(self, uids: Collection[str] | None = None) -> Sequence[Device]:
        return await self._store.devices.devices(uids)

    async def ask(self, pending: Pending) -> None:
        await self._store.inbox.saw(pending)
