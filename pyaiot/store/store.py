# SPDX-License-Identifier: BSD-3-Clause
"""All that is remembered, in one database."""

from pyaiot.store.engine import Clock, Engine, open_engine
from pyaiot.store.migrations import migrate
from pyaiot.store.versions import Versions


class Store:
    """The parts of the store; each takes the same engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.versions = Versions(engine)

    @classmethod
    async def open(cls, url: str, clock: Clock) -> "Store":
        """The store at `url`, made or brought to the present schema if need be.

        Raises StartFailed with one sentence where it cannot be used, StoreAway where perhaps it
        can later.
        """
        return cls(await open_engine(url, clock, migrate))

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.close()
