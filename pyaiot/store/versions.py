# SPDX-License-Identifier: BSD-3-Clause
"""Numbers that grow with each change, so that other processes see that there was one."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.store.engine import Engine
from pyaiot.store.schema import CHANGES, VERSIONS

Subject: TypeAlias = Literal["access", "rules"]
"""`access`: accounts, who may do what, names and tokens. `rules`: rules and channels."""

POLL: Final = 0.5
"""Seconds between two looks for changes of other processes."""


KEPT: Final = 1000
"""Versions of ``access`` of which it is known what changed with them."""
TOLD: Final = 1000
"""Records that are told of one by one; where more changed, all are read."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be read again."""

    people: frozenset[str]
    """Ids of accounts that were made, changed or removed."""
    nodes: frozenset[str]


async def raise_version(engine: Engine, connection: AsyncConnection, subject: Subject) -> int:
    """Say that something under `subject` changes with the transaction of `connection`.

    For ``access`` it is `access_changed` that says so. Returns the new version.
    """
    statement = engine.insert(VERSIONS).values(name=subject, version=1)
    version = await connection.scalar(
        statement.on_conflict_do_update(
            index_elements=[VERSIONS.c.name], set_={"version": VERSIONS.c.version + 1}
        ).returning(VERSIONS.c.version)
    )
    engine.tell(connection, subject)
    return int(version or 0)


async def access_changed(
    engine: Engine,
    connection: AsyncConnection,
    *,
    people: Collection[str] = (),
    nodes: Collection[str] = (),
) -> None:
    """Say that these accounts and nodes are others after the transaction of `connection`."""
    version = await raise_version(engine, connection, "access")
    rows = [{"version": version, "kind": "person", "id": each} for each in set(people)]
    rows += [{"version": version, "kind": "node", "id": each} for each in set(nodes)]
    await connection.execute(insert(CHANGES), rows)
    await connection.execute(delete(CHANGES).where(CHANGES.c.version <= version - KEPT))


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

    async def changed_since(self, known: int) -> Changed | None:
        """What of ``access`` changed after the version `known`; None where it may be anything.

        Raises StoreFailed.
        """
        current = select(VERSIONS.c.version).where(VERSIONS.c.name == "access")
        later = CHANGES.c.version > known
        known_ones = select(func.count(CHANGES.c.version.distinct()))
        query = select(CHANGES.c.kind, CHANGES.c.id).where(later).distinct().limit(TOLD + 1)
        async with self._engine.reading() as connection:
            version = await connection.scalar(current) or 0
            of_these = known_ones.where(later & (CHANGES.c.version <= version))
            if await connection.scalar(of_these) != version - known:
                # Some are too long ago.
                return None
            rows = (await connection.execute(query)).all()
        if len(rows) > TOLD:
            return None
        return Changed(
            frozenset(row.id for row in rows if row.kind == "person"),
            frozenset(row.id for row in rows if row.kind == "node"),
        )

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
