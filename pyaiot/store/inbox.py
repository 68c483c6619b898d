# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that wait for somebody's approval."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update

from pyaiot.errors import NotFound
from pyaiot.messages.types import Pending
from pyaiot.store.accounts import locked
from pyaiot.store.audit import Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.nodes import check_free
from pyaiot.store.schema import INBOX, NODES
from pyaiot.store.versions import access_changed

MAX_WAITING: Final = 1000
"""Nodes that wait, or were refused; those that were not heard for longest make room."""

_TITLE: Final = 128
_PROTOCOL: Final = 32


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A node that waits. Times are microseconds since the epoch."""

    uid: str
    name: str
    protocol: str
    gateway: str
    address: str
    first_seen: int
    last_seen: int
    refused: bool


class Inbox:
    """Nodes that wait. All methods raise StoreFailed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def saw(self, pending: Pending) -> None:
        """A node has asked to come. One that was approved meanwhile is left alone."""
        seen = min(round(pending.seen * 1e6), self._engine.now())
        said = {
            "name": pending.name,
            "protocol": pending.protocol[:_PROTOCOL],
            "gateway": pending.gateway,
            "address": pending.address,
            "last_seen": seen,
        }
        newcomer = self._engine.insert(INBOX).values(uid=pending.uid, first_seen=seen, **said)
        async with self._engine.writing() as connection:
            query = select(NODES.c.approved).where(NODES.c.uid == pending.uid)
            if await connection.scalar(query):
                return
            await connection.execute(
                newcomer.on_conflict_do_update(index_elements=[INBOX.c.uid], set_=said)
            )
            count = await connection.scalar(select(func.count()).select_from(INBOX)) or 0
            if count > MAX_WAITING:
                oldest = (
                    select(INBOX.c.uid)
                    .where(INBOX.c.uid != pending.uid)
                    .order_by(INBOX.c.last_seen, INBOX.c.uid)
                    .limit(count - MAX_WAITING)
                )
                await connection.execute(delete(INBOX).where(INBOX.c.uid.in_(oldest)))

    async def newcomers(self, limit: int, after: tuple[int, str] | None = None) -> list[Newcomer]:
        """At most `limit` of those who wait or were refused, the newest first.

        Those after the one whose `first_seen` and uid are given.
        """
        query = select(INBOX).order_by(INBOX.c.first_seen.desc(), INBOX.c.uid).limit(limit)
        if after is not None:
            first_seen, uid = after
            query = query.where(
                (INBOX.c.first_seen < first_seen)
                | ((INBOX.c.first_seen == first_seen) & (INBOX.c.uid > uid))
            )
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def approve(self, uid: str, by: Actor, owner: str | None = None) -> None:
        """Let a node come in, as that of the account `owner`, or of nobody.

        A node that has an owner keeps it where none is given. Raises NotFound for one that does
        not wait or where there is no such account, NameTaken where the owner has another node
        that goes by its name.
        """
        async with self._engine.writing() as connection:
            if owner is not None:
                # Before anything else, as whoever renames a node does.
                await locked(connection, owner)
            query = select(INBOX).where(INBOX.c.uid == uid).with_for_update()
            row = (await connection.execute(query)).first()
            if row is None:
                raise NotFound("No such node waits.")
            said: dict[str, Any] = {"approved": True}
            if owner is not None:
                said["owner"] = owner
                key = select(NODES.c.key).where(NODES.c.uid == uid).with_for_update()
                name = await connection.scalar(key)
                await check_free(self._engine, connection, uid, name or "", owner)
            node = self._engine.insert(NODES).values(
                uid=uid, title=row.name[:_TITLE], protocol=row.protocol, **said
            )
            await connection.execute(
                node.on_conflict_do_update(index_elements=[NODES.c.uid], set_=said)
            )
            await connection.execute(delete(INBOX).where(INBOX.c.uid == uid))
            await access_changed(self._engine, connection, nodes=[uid])
            await record(self._engine, connection, by, "node.approve", uid, name=row.name)

    async def refuse(self, uid: str, by: Actor) -> None:
        """Say that a node may not come. Raises NotFound for one that does not wait."""
        async with self._engine.writing() as connection:
            result = await connection.execute(
                update(INBOX).where(INBOX.c.uid == uid).values(refused=True)
            )
            if not result.rowcount:
                raise NotFound("No such node waits.")
            await record(self._engine, connection, by, "node.refuse", uid)


def _of(row: "Row[Any]") -> Newcomer:
    return Newcomer(
        row.uid, row.name, row.protocol, row.gateway, row.address, row.first_seen, row.last_seen,
        row.refused,
    )  # fmt: skip
