# SPDX-License-Identifier: BSD-3-Clause
"""One after the other, where two at once would not know of each other."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Lets one at a time change each thing."""

    def __init__(self) -> None:
        # Held by those who wait or are at it, and by nobody else.
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """How many things are being changed."""
        return len(self._locks)

    @asynccontextmanager
    async def of(self, thing: Hashable) -> AsyncIterator[None]:
        """Wait until nobody else is at `thing`, and keep others away from it meanwhile."""
        lock = self._locks.setdefault(thing, asyncio.Lock())
        async with lock:
            yield
