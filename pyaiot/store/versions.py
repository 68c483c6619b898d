# SPDX-License-Identifier: BSD-3-Clause
"""Numbers that grow with each change, so that other processes see that there was one."""

import asyncio
from typing import Final, Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.store.engine import Engine
from pyaiot.store.schema import VERSIONS

Subject: TypeAlias = Literal["access", "rules"]
"""`access`: accounts, who may do what, names and tokens. `rules`: rules and channels."""

POLL: Final = 0.5
"""Seconds between two looks for changes of other processes."""


async def raise_version(engine: Engine, connection: AsyncConnection, subject: Subject) -> None:
    """Say that something under `subject` changes with the transaction of `connection`."""
    statement = engine.insert(VERSIONS).values(name=subject, version=1)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[VERSIONS.c.name], set_={"version": VERSIONS.c.version + 1}
        )
    )
    engine.tell(connection, subject)


class Versions:
    """The version of each subject; 0 where nothing has changed yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed = asyncio.Event()
        engine.on_change(self._wake)

    async def get(self, subject: Subject) -> int:
        """The version of `subject`. Raises StoreFailed."""
        query = select(VERSIONS.c.version).where(VERSIONS.c.name == subject)
        async with self._engine.reading() as connection:
            return (await connection.execute(query)).scalar() or 0

    async def newer(self, subject: Subject, known: int, poll: float = POLL) -> int:
        """Wait until the version of `subject` is not `known`, and return it.

        A change by this process is seen at once, one by another within `poll` seconds. Raises
        StoreFailed.
        """
        while True:
            changed = self._changed
            version = await self.get(subject)
            if version != known:
                return version
            try:
                async with asyncio.timeout(poll):
                    await changed.wait()
            except TimeoutError:
                continue

    def _wake(self, _subjects: frozenset[str]) -> None:
        # Whoever waits holds the old one.
        self._changed.set()
        self._changed = asyncio.Event()
