# SPDX-License-Identifier: BSD-3-Clause
"""What people say of nodes: names, owners, who else may do what, where they are."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Row, Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.accounts.names import checked_name, name_key
from pyaiot.errors import LimitExceeded, NameTaken, NotFound
from pyaiot.messages.types import MAX_SHARES, NodeAccess
from pyaiot.model.access import Permission
from pyaiot.model.node import Availability, checked_uid
from pyaiot.store.accounts import locked
from pyaiot.store.audit import Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.forgotten import known_beginnings, remember
from pyaiot.store.schema import ALERTS, NODES, SHARES
from pyaiot.store.sightings import Sightings
from pyaiot.store.versions import access_changed

_UNOWNED: Final = 0x7079_6169_6F75
"""PostgreSQL's advisory lock while a node that is nobody's gets a name."""

Location: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node, as it is kept. Times are microseconds since the epoch."""

    uid: str
    name: str
    """What people call it; empty where it goes by its own name."""
    title: str
    """What it calls itself."""
    protocol: str
    owner: str | None
    """The id of an account."""
    public: Permission | None
    location: Location | None
    kind: str
    first_seen: int | None
    last_seen: int | None
    availability: Availability | None
    """None where it never came."""
    bound: bool
    approved: bool
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def access(self) -> NodeAccess:
        """Who may do what with it, but for those it is shared with."""
        return NodeAccess(self.uid, self.owner or "", self.name, self.public)


class Edit(Struct, frozen=True):
    """What is to change of a node; what is unset stays."""

    name: str | UnsetType = UNSET
    """Empty: it goes by its own name."""
    owner: str | UnsetType | None = UNSET
    """The id of an account, or None for nobody."""
    public: Permission | UnsetType | None = UNSET
    location: Location | UnsetType | None = UNSET
    kind: str | UnsetType = UNSET
    config: Mapping[str, Any] | UnsetType = UNSET


_ACCESS: Final = frozenset({"name", "key", "owner", "public"})
"""What others learn of at once when it changes."""


class NodeRecords(Sightings):
    """The records of nodes. All methods raise StoreFailed."""

    async def get(self, uid: str) -> NodeRecord | None:
        """The record of a node, if anything is known of it."""
        async with self._engine.reading() as connection:
            row = (await connection.execute(select(NODES).where(NODES.c.uid == uid))).first()
        return None if row is None else _of(row)

    async def records(
        self,
        limit: int,
        after: str = "",
        *,
        uids: Collection[str] | None = None,
        owner: str | None = None,
        q: str = "",
    ) -> list[NodeRecord]:
        """At most `limit` records by uid, those after that uid.

        Of `uids` or all; of an owner or all; with `q` in the name, the title or the uid.
        """
        query = self._chosen(select(NODES), after, uids, owner, q).limit(limit)
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def uids(
        self,
        limit: int,
        after: str = "",
        *,
        uids: Collection[str] | None = None,
        owner: str | None = None,
        q: str = "",
    ) -> list[str]:
        """The uids of what `records` gives, which is much less to read."""
        query = self._chosen(select(NODES.c.uid), after, uids, owner, q).limit(limit)
        async with self._engine.reading() as connection:
            return list((await connection.scalars(query)).all())

    def _chosen(
        self,
        query: Select[Any],
        after: str,
        uids: Collection[str] | None,
        owner: str | None,
        q: str,
    ) -> Select[Any]:
        query = query.where(NODES.c.uid > after).order_by(NODES.c.uid)
        if uids is not None:
            query = query.where(self._engine.one_of(NODES.c.uid, uids))
        if owner is not None:
            query = query.where(NODES.c.owner == owner)
        if q:
            columns = (NODES.c.name, NODES.c.title, NODES.c.uid)
            found = [column.icontains(q, autoescape=True) for column in columns]
            query = query.where(found[0] | found[1] | found[2])
        return query

    async def change(self, uid: str, edit: Edit, by: Actor) -> bool:
        """Change a node, one that has never come too; False where nothing is other than before.

        Raises InvalidValue for what is no name or uid, NotFound where there is no such account,
        NameTaken where the owner has another node that goes by that name (among nodes that are
        nobody's likewise).
        """
        values = _values(edit)
        uid = checked_uid(uid)
        async with self._engine.writing() as connection:
            heir = None
            if values.get("owner") is not None:
                heir = await locked(connection, values["owner"])
            row = await self._locked(connection, uid)
            changed = {name: new for name, new in values.items() if getattr(row, name) != new}
            if not changed:
                return False
            if changed.keys() & {"key", "owner"}:
                key = changed.get("key", row.key)
                owner = changed.get("owner", row.owner)
                await check_free(self._engine, connection, uid, key, owner)
            statement = update(NODES).where(NODES.c.uid == uid)
            await connection.execute(statement.values(**changed))
            if changed.keys() & _ACCESS:
                await access_changed(self._engine, connection, nodes=[uid])
            changed.pop("key", None)
            if "config" in changed:
                # It may be long, and hold what devices keep secret.
                changed["config"] = True
            if heir is not None and "owner" in changed:
                # As people know it, even when the account is gone.
                changed["owner"] = heir.name
            await record(self._engine, connection, by, "node.change", uid, **changed)
        return True

    async def share(self, uid: str, user: str, level: Permission | None, by: Actor) -> bool:
        """Let an account do something with a node, or nothing any more; False if it was so.

        Raises NotFound where there is no such account, LimitExceeded.
        """
        uid = checked_uid(uid)
        mine = (SHARES.c.node == uid) & (SHARES.c.user == user)
        async with self._engine.writing() as connection:
            account = await locked(connection, user)
            await self._locked(connection, uid)
            old = await connection.scalar(select(SHARES.c.level).where(mine))
            if old == level:
                return False
            if level is None:
                await connection.execute(delete(SHARES).where(mine))
            else:
                of_node = select(func.count()).select_from(SHARES).where(SHARES.c.node == uid)
                if old is None and (await connection.scalar(of_node) or 0) >= MAX_SHARES:
                    raise LimitExceeded(f"A node may be shared with {MAX_SHARES} people.")
                statement = self._engine.insert(SHARES).values(
                    node=uid, user=user, level=level.value
                )
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=[SHARES.c.node, SHARES.c.user], set_={"level": level.value}
                    )
                )
            await access_changed(self._engine, connection, nodes=[uid])
            await record(
                self._engine, connection, by, "node.share", uid, user=account.name, level=level
            )
        return True

    async def shares(self, uid: str) -> dict[str, Permission]:
        """What other accounts may do with a node, by their ids."""
        query = select(SHARES.c.user, SHARES.c.level).where(SHARES.c.node == uid)
        async with self._engine.reading() as connection:
            return {user: Permission(level) for user, level in await connection.execute(query)}

    async def access(self, uids: Collection[str] | None = None) -> list[NodeAccess]:
        """Who may do what with which nodes: those of which anything was said.

        Of all nodes, or of `uids`.
        """
        shares = select(SHARES.c.node, SHARES.c.user, SHARES.c.level)
        columns = (NODES.c.uid, NODES.c.owner, NODES.c.name, NODES.c.public)
        said = (NODES.c.owner.is_not(None)) | (NODES.c.name != "") | (NODES.c.public.is_not(None))
        query = select(*columns).where(said | NODES.c.uid.in_(select(SHARES.c.node).distinct()))
        if uids is not None:
            shares = shares.where(self._engine.one_of(SHARES.c.node, uids))
            query = query.where(self._engine.one_of(NODES.c.uid, uids))
        shared: defaultdict[str, dict[str, Permission]] = defaultdict(dict)
        async with self._engine.reading() as connection:
            for node, user, level in await connection.execute(shares):
                shared[node][user] = Permission(level)
            rows = (await connection.execute(query)).all()
        return [
            NodeAccess(
                uid, owner or "", name, None if public is None else Permission(public),
                shared.get(uid, {}),
            )
            for uid, owner, name, public in rows
        ]  # fmt: skip

    async def remove(self, uid: str, by: Actor) -> None:
        """Forget a node with its tokens, shares and alerts; what it reported stays in the history.

        What it said until now, and comes later, is not stored any more. Raises NotFound.
        """
        async with self._engine.writing() as connection:
            await remember(self._engine, connection, uid)
            gone = await connection.execute(delete(NODES).where(NODES.c.uid == uid))
            if not gone.rowcount:
                raise NotFound("There is no such node.")
            await connection.execute(delete(ALERTS).where(ALERTS.c.node == uid))
            await access_changed(self._engine, connection, nodes=[uid])
            await record(self._engine, connection, by, "node.remove", uid)

    async def forgotten(self, uids: Collection[str] | None = None) -> dict[str, int]:
        """Nodes that were forgotten, all or those of `uids`.

        And from which time on something of them counts, in microseconds since the epoch.
        """
        async with self._engine.reading() as connection:
            return await known_beginnings(self._engine, connection, uids)

    async def _locked(self, connection: AsyncConnection, uid: str) -> "Row[Any]":
        """The row of a node, made if need be, which nobody else changes meanwhile."""
        make = self._engine.insert(NODES).values(uid=uid).on_conflict_do_nothing()
        await connection.execute(make)
        query = select(NODES).where(NODES.c.uid == uid).with_for_update()
        return (await connection.execute(query)).one()


async def check_free(
    engine: Engine, connection: AsyncConnection, uid: str, key: str, owner: str | None
) -> None:
    """Raise NameTaken where another node of that owner goes by the name with that `key`.

    Nobody can give that name to another before the transaction of `connection` ends. Raises
    NotFound where there is no such account.
    """
    if not key:
        return
    if owner is not None:
        await locked(connection, owner)
    else:
        await engine.lock(connection, _UNOWNED)
    other = select(NODES.c.uid).where(
        NODES.c.key == key, NODES.c.owner.is_not_distinct_from(owner), NODES.c.uid != uid
    )
    if await connection.scalar(other.limit(1)) is not None:
        raise NameTaken("There is a node of that name.")


def _values(edit: Edit) -> dict[str, Any]:
    """The columns that `edit` asks for. Raises InvalidValue for what is no name."""
    values: dict[str, Any] = {}
    if edit.name is not UNSET:
        values["name"] = checked_name(edit.name) if edit.name.strip() else ""
        values["key"] = name_key(values["name"])
    if edit.public is not UNSET:
        values["public"] = None if edit.public is None else edit.public.value
    for name in ("owner", "location", "kind", "config"):
        new = getattr(edit, name)
        if new is not UNSET:
            values[name] = dict(new) if isinstance(new, Mapping) else new
    return values


def _of(row: "Row[Any]") -> NodeRecord:
    return NodeRecord(
        uid=row.uid,
        name=row.name,
        title=row.title,
        protocol=row.protocol,
        owner=row.owner,
        public=None if row.public is None else Permission(row.public),
        location=row.location,
        kind=row.kind,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        availability=None if row.availability is None else Availability(row.availability),
        bound=row.bound,
        approved=row.approved,
        config=row.config or {},
    )
