# SPDX-License-Identifier: BSD-3-Clause
"""Who did what, and when. Secrets are in none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.accounts.names import name_key
from pyaiot.store.engine import Engine
from pyaiot.store.schema import AUDIT

KEPT: Final = 100_000
"""Entries that are kept; the oldest make room."""
KEPT_FOR: Final = 400 * 86_400 * 1_000_000
"""Microseconds after which an entry goes."""
_TIDY: Final = 256
"""One in so many entries makes room for others."""
_SUBJECT: Final = 256


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: an account, or a program of the operator."""

    id: str = ""
    name: str = ""


TERMINAL: Final = Actor("", "aiot")
"""Somebody at the terminal, who can read the store anyway."""
NOBODY: Final = Actor()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done."""

    id: int
    time: int
    """Microseconds since the epoch."""
    user: str
    action: str
    subject: str
    detail: Mapping[str, Any]


async def record(
    engine: Engine,
    connection: AsyncConnection,
    by: Actor,
    action: str,
    subject: str = "",
    **detail: Any,
) -> None:
    """Write down, with the transaction of `connection`, that `by` did something."""
    result = await connection.execute(
        insert(AUDIT)
        .values(
            time=engine.now(),
            user=by.id,
            user_name=by.name,
            action=action,
            subject=subject[:_SUBJECT],
            detail=detail,
        )
        .returning(AUDIT.c.id)
    )
    number = result.scalar_one()
    if number % _TIDY == 0:
        await connection.execute(
            delete(AUDIT).where(
                (AUDIT.c.id <= number - KEPT) | (AUDIT.c.time < engine.now() - KEPT_FOR)
            )
        )


class AuditLog:
    """What was done, newest first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def write(self, by: Actor, action: str, subject: str = "", **detail: Any) -> None:
        """Write down something that changed nothing else in the store. Raises StoreFailed."""
        async with self._engine.writing() as connection:
            await record(self._engine, connection, by, action, subject, **detail)

    async def entries(
        self, limit: int, before: int | None = None, q: str = "", user: str = ""
    ) -> list[Entry]:
        """At most `limit` entries with an id below `before`, the newest first.

        `q` is to be part of the action or of the subject, `user` is the name of who did it.
        Raises StoreFailed.
        """
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        if q:
            query = query.where(
                AUDIT.c.action.icontains(q, autoescape=True)
                | AUDIT.c.subject.icontains(q, autoescape=True)
            )
        if user:
            query = query.where(AUDIT.c.user_name.in_({user, name_key(user)}))
        async with self._engine.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Entry(row.id, row.time, row.user_name, row.action, row.subject, row.detail or {})
            for row in rows
        ]
