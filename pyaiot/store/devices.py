# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of devices, and who may be which node.

Of a token only its id is kept: what proves it is its signature (`pyaiot.accounts.tokens`).
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.accounts.names import checked_name, name_key
from pyaiot.errors import LimitExceeded, NameTaken, NotFound, StoreConflict
from pyaiot.messages.types import MAX_TOKENS, Device
from pyaiot.model.node import checked_uid
from pyaiot.store.audit import Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.nodes import check_free
from pyaiot.store.schema import NODES, TOKENS
from pyaiot.store.versions import access_changed

MAX_LISTED: Final = 256
"""Tokens of one node that are listed, revoked ones too, the newest first."""


@dataclass(frozen=True, slots=True)
class DeviceToken:
    """A token of a device, as it is kept. Times are microseconds since the epoch."""

    id: str
    node: str
    label: str
    created: int
    revoked: int | None


class DeviceTokens:
    """Tokens of devices. All methods raise StoreFailed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def register(
        self, uid: str, owner: str, name: str, by: Actor,
        *, kind: str = "", config: Mapping[str, Any] | None = None,
    ) -> DeviceToken:  # fmt: skip
        """A node that is to come, of the account `owner`, and its first token.

        Raises InvalidValue for what is no name or uid, NotFound where there is no such account,
        NameTaken where the owner has a node of that name, or there is one with that uid.
        """
        name, uid = checked_name(name), checked_uid(uid)
        try:
            async with self._engine.writing() as connection:
                await check_free(self._engine, connection, uid, name_key(name), owner)
                await connection.execute(
                    insert(NODES).values(
                        uid=uid, owner=owner, name=name, key=name_key(name), kind=kind,
                        config=dict(config or {}), bound=True,
                    )
                )  # fmt: skip
                await record(self._engine, connection, by, "node.register", uid, name=name)
                return await self._made(connection, uid, "", by)
        except StoreConflict as exc:
            raise NameTaken("There is a node with that uid.") from exc

    async def make(self, uid: str, label: str, by: Actor) -> DeviceToken:
        """One more token for a node, which nobody may be without one from now on.

        The node need not be known yet. Raises InvalidValue for what is no uid, LimitExceeded when
        it has too many.
        """
        uid = checked_uid(uid)
        node = self._engine.insert(NODES).values(uid=uid, bound=True)
        async with self._engine.writing() as connection:
            # By this the node is locked, too: nobody adds to its tokens meanwhile.
            await connection.execute(
                node.on_conflict_do_update(index_elements=[NODES.c.uid], set_={"bound": True})
            )
            return await self._made(connection, uid, label, by)

    async def tokens(self, uid: str) -> list[DeviceToken]:
        """The tokens of a node, the newest first."""
        query = (
            select(TOKENS)
            .where(TOKENS.c.node == uid)
            .order_by(TOKENS.c.created.desc(), TOKENS.c.id)
            .limit(MAX_LISTED)
        )
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def get(self, id_: str) -> DeviceToken | None:
        """The token with that id."""
        async with self._engine.reading() as connection:
            row = (await connection.execute(select(TOKENS).where(TOKENS.c.id == id_))).first()
        return None if row is None else _of(row)

    async def revoke(self, id_: str, by: Actor, node: str | None = None) -> bool:
        """Let a token hold no more; False where that was so already.

        Raises NotFound where there is no such token, or it is none of `node`.
        """
        async with self._engine.writing() as connection:
            row = (
                await connection.execute(select(TOKENS).where(TOKENS.c.id == id_).with_for_update())
            ).first()
            if row is None or (node is not None and row.node != node):
                raise NotFound("There is no such token.")
            if row.revoked is not None:
                return False
            await connection.execute(
                update(TOKENS).where(TOKENS.c.id == id_).values(revoked=self._engine.now())
            )
            await access_changed(self._engine, connection, nodes=[row.node])
            await record(self._engine, connection, by, "token.revoke", row.node, id=row.id)
        return True

    async def devices(self, uids: Collection[str] | None = None) -> list[Device]:
        """Who may be which node, of all nodes of which anything was said, or of `uids`.

        Those of `uids` of which there is no record are marked as gone.
        """
        nodes = select(NODES.c.uid, NODES.c.bound, NODES.c.approved).where(
            NODES.c.bound | NODES.c.approved
        )
        tokens = select(TOKENS.c.node, TOKENS.c.id).where(TOKENS.c.revoked.is_(None))
        if uids is not None:
            nodes = nodes.where(self._engine.one_of(NODES.c.uid, uids))
            tokens = tokens.where(self._engine.one_of(TOKENS.c.node, uids))
        holding = defaultdict[str, list[str]](list)
        gone: set[str] = set()
        async with self._engine.reading() as connection:
            if uids is not None:
                there = select(NODES.c.uid).where(self._engine.one_of(NODES.c.uid, uids))
                gone = set(uids) - set((await connection.scalars(there)).all())
            for row in (await connection.execute(tokens.order_by(TOKENS.c.id))).all():
                holding[row.node].append(row.id)
            rows = (await connection.execute(nodes)).all()
        return [
            Device(row.uid, tuple(holding[row.uid]), bound=row.bound, approved=row.approved)
            for row in rows
        ] + [Device(uid, gone=True) for uid in sorted(gone)]

    async def _made(
        self, connection: AsyncConnection, uid: str, label: str, by: Actor
    ) -> DeviceToken:
        """Make a token for a node whose row the transaction has written to."""
        count = await connection.scalar(
            select(func.count())
            .select_from(TOKENS)
            .where((TOKENS.c.node == uid) & TOKENS.c.revoked.is_(None))
        )
        if (count or 0) >= MAX_TOKENS:
            raise LimitExceeded(f"A node may have {MAX_TOKENS} tokens; revoke one first.")
        token = DeviceToken(secrets.token_urlsafe(12), uid, label, self._engine.now(), None)
        await connection.execute(
            insert(TOKENS).values(
                id=token.id, node=uid, maker=by.id or None, label=label, created=token.created
            )
        )
        await access_changed(self._engine, connection, nodes=[uid])
        await record(self._engine, connection, by, "token.make", uid, id=token.id, label=label)
        return token


def _of(row: "Row[Any]") -> DeviceToken:
    return DeviceToken(row.id, row.node, row.label, row.created, row.revoked)
