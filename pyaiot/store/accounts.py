# SPDX-License-Identifier: BSD-3-Clause
"""The accounts of people.

Whatever is changed here is written down in the same transaction (`pyaiot.store.audit`), and
raises the version of ``access``, so that all services learn of it.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.accounts.names import checked_name, name_key
from pyaiot.errors import (
    InvalidToken,
    LastAdmin,
    LimitExceeded,
    NameTaken,
    NotFound,
    StoreConflict,
    WrongPassword,
)
from pyaiot.messages.types import MAX_NAME, Person
from pyaiot.model.access import Role
from pyaiot.store.audit import NOBODY, Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.schema import FACTS, NODES, RULES, SESSIONS, SHARES, USERS
from pyaiot.store.versions import access_changed, raise_version

MAX_ACCOUNTS: Final = 10_000

_SETUP: Final = "setup"
"""The fact that holds the hash of the token of the link that makes the first account."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody. Times are microseconds since the epoch."""

    id: str
    name: str
    role: Role
    created: int
    since: int
    """Tokens that were made before no longer hold."""
    seen: int | None
    """When they last logged in or came back."""
    password: str = field(repr=False)
    """Its hash."""

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.name)


class Accounts:
    """The accounts of people."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def any(self) -> bool:
        """Whether there is an account. Raises StoreFailed, as all do."""
        async with self._engine.reading() as connection:
            return await connection.scalar(select(USERS.c.id).limit(1)) is not None

    async def get(self, id_: str) -> Account | None:
        """The account with that id."""
        async with self._engine.reading() as connection:
            return await account_of(connection, id_)

    async def named(self, name: str) -> Account | None:
        """The account with that name, whatever its capitals."""
        async with self._engine.reading() as connection:
            row = (
                await connection.execute(select(USERS).where(USERS.c.key == name_key(name)))
            ).first()
            return None if row is None else _of(row)

    async def accounts(self, limit: int, after: str | None = None) -> list[Account]:
        """At most `limit` accounts by name, those after the one whose key (`name_key`) is given."""
        query = select(USERS).order_by(USERS.c.key).limit(limit)
        if after is not None:
            query = query.where(USERS.c.key > after)
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def names(self, q: str, limit: int) -> list[str]:
        """Names that begin with `q`, whatever their capitals."""
        query = (
            select(USERS.c.name)
            .where(USERS.c.key.startswith(name_key(q), autoescape=True))
            .order_by(USERS.c.key)
            .limit(limit)
        )
        async with self._engine.reading() as connection:
            return list((await connection.scalars(query)).all())

    async def called(self, ids: Collection[str]) -> dict[str, str]:
        """What the accounts with these ids are called; those that are not there are left out."""
        query = select(USERS.c.id, USERS.c.name).where(self._engine.one_of(USERS.c.id, ids))
        async with self._engine.reading() as connection:
            return {row.id: row.name for row in await connection.execute(query)}

    async def people(self, ids: Collection[str] | None = None) -> list[Person]:
        """Everybody, or those with one of `ids`, as a broker is to know them."""
        query = select(USERS.c.id, USERS.c.role, USERS.c.since)
        if ids is not None:
            query = query.where(self._engine.one_of(USERS.c.id, ids))
        async with self._engine.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [Person(row.id, Role(row.role), row.since / 1e6) for row in rows]

    async def add(self, name: str, password: str, role: Role, by: Actor) -> Account:
        """A new account; `password` is the hash of one.

        Raises InvalidValue for what is no name, NameTaken, LimitExceeded.
        """
        return await self._added(name, password, role, by)

    async def offer_setup(self, hashed: str) -> bool:
        """Let whoever has the token with this hash make the first account, and no other token.

        False where there is an account already: then nobody may.
        """
        fact = self._engine.insert(FACTS).values(name=_SETUP, value=hashed)
        async with self._engine.writing() as connection:
            if await connection.scalar(select(USERS.c.id).limit(1)) is not None:
                await connection.execute(delete(FACTS).where(FACTS.c.name == _SETUP))
                return False
            await connection.execute(
                fact.on_conflict_do_update(index_elements=[FACTS.c.name], set_={"value": hashed})
            )
        return True

    async def setup_offered(self, hashed: str) -> bool:
        """Whether the token with this hash may make the first account."""
        query = select(FACTS.c.value).where(FACTS.c.name == _SETUP)
        async with self._engine.reading() as connection:
            offered = await connection.scalar(query)
        return isinstance(offered, str) and secrets.compare_digest(offered, hashed)

    async def add_first(self, name: str, password: str, hashed: str) -> Account:
        """The first account, an administrator's, by the token with the hash `hashed`, once.

        Raises InvalidToken for any other token, InvalidValue for what is no name.
        """
        return await self._added(name, password, Role.ADMIN, NOBODY, hashed)

    async def change(
        self,
        id_: str,
        by: Actor,
        *,
        name: str | None = None,
        role: Role | None = None,
        password: str | None = None,
        keep: str = "",
        proof: str | None = None,
    ) -> Account:
        """Change what is given; `password` is the hash of one.

        With another password or role all sessions end but `keep`, and no token that was made
        before holds. `proof` is the hash that the password so far was checked with. Raises
        NotFound, NameTaken, LastAdmin, WrongPassword where there is another meanwhile,
        InvalidValue for what is no name.
        """
        values: dict[str, Any] = {}
        if name is not None:
            name = checked_name(name)
            values |= {"name": name, "key": name_key(name)}
        try:
            async with self._engine.writing() as connection:
                admins = set() if role is None else await _admins(connection)
                before = await locked(connection, id_)
                if proof not in {None, before.password}:
                    raise WrongPassword("The password has just been changed.")
                if role is not None and role is not before.role:
                    _check_left(admins, before)
                    values["role"] = role
                if password is not None:
                    values["password"] = password
                if password is not None or "role" in values:
                    values["since"] = await _end_sessions(self._engine, connection, before, keep)
                if values:
                    await connection.execute(update(USERS).where(USERS.c.id == id_).values(values))
                    await access_changed(self._engine, connection, people=[id_])
                    told = _changes(before, values)
                    await record(
                        self._engine, connection, by, "account.change", before.name, **told
                    )
                return await locked(connection, id_)
        except StoreConflict as exc:
            raise NameTaken("There is an account of that name.") from exc

    async def renew_hash(self, id_: str, before: str, password: str) -> None:
        """Store the same password in a newer way, if it is still the same."""
        async with self._engine.writing() as connection:
            await connection.execute(
                update(USERS)
                .where((USERS.c.id == id_) & (USERS.c.password == before))
                .values(password=password)
            )

    async def remove(self, id_: str, by: Actor) -> str:
        """Remove an account, with its sessions, shares, rules and channels; its name.

        What it owned belongs to `by` from then on, or to the administrator of longest standing
        where `by` has no account: a node without an owner might be everybody's. Raises NotFound,
        LastAdmin.
        """
        async with self._engine.writing() as connection:
            admins = await _admins(connection)
            account = await locked(connection, id_)
            _check_left(admins, account)
            heir = await _heir(connection, account, by)
            moved = await _hand_over(connection, account, heir)
            theirs = select(SHARES.c.node).where(SHARES.c.user == id_)
            shared = (await connection.scalars(theirs)).all()
            ruled = await connection.scalar(select(RULES.c.id).where(RULES.c.owner == id_).limit(1))
            await connection.execute(delete(USERS).where(USERS.c.id == id_))
            await access_changed(self._engine, connection, people=[id_], nodes=[*moved, *shared])
            if ruled is not None:
                await raise_version(self._engine, connection, "rules")
            detail = {"nodes": len(moved), "to": heir.name} if moved else {}
            await record(self._engine, connection, by, "account.remove", account.name, **detail)
            return account.name

    async def _added(
        self, name: str, password: str, role: Role, by: Actor, setup: str | None = None
    ) -> Account:
        name = checked_name(name)
        now = self._engine.now()
        account = Account(secrets.token_urlsafe(12), name, role, now, now, None, password)
        try:
            async with self._engine.writing() as connection:
                if setup is not None:
                    await _redeem(connection, setup)
                await _check_room(connection)
                await connection.execute(
                    insert(USERS).values(
                        id=account.id, name=name, key=name_key(name), password=password,
                        role=role, created=now, since=now,
                    )
                )  # fmt: skip
                await access_changed(self._engine, connection, people=[account.id])
                by = account.actor if setup is not None else by
                await record(self._engine, connection, by, "account.add", name, role=role.value)
        except StoreConflict as exc:
            raise NameTaken("There is an account of that name.") from exc
        return account


def _of(row: "Row[Any]") -> Account:
    return Account(row.id, row.name, Role(row.role), row.created, row.since, row.seen, row.password)


async def account_of(connection: AsyncConnection, id_: str) -> Account | None:
    """The account with that id, as the transaction of `connection` sees it."""
    row = (await connection.execute(select(USERS).where(USERS.c.id == id_))).first()
    return None if row is None else _of(row)


async def locked(connection: AsyncConnection, id_: str) -> Account:
    """The account, which nobody else changes until the transaction ends. Raises NotFound."""
    row = (
        await connection.execute(select(USERS).where(USERS.c.id == id_).with_for_update())
    ).first()
    if row is None:
        raise NotFound("There is no such account.")
    return _of(row)


async def _admins(connection: AsyncConnection) -> set[str]:
    """The administrators, locked: two cannot each take the other for the one who stays."""
    query = (
        select(USERS.c.id).where(USERS.c.role == Role.ADMIN).order_by(USERS.c.id).with_for_update()
    )
    return set((await connection.scalars(query)).all())


def _check_left(admins: set[str], leaving: Account) -> None:
    """Raise LastAdmin if nobody would be left who may do everything."""
    if leaving.role is Role.ADMIN and admins <= {leaving.id}:
        raise LastAdmin("This is the last administrator; make another one first.")


async def _check_room(connection: AsyncConnection) -> None:
    count = await connection.scalar(select(func.count()).select_from(USERS))
    if (count or 0) >= MAX_ACCOUNTS:
        raise LimitExceeded("There are too many accounts.")


async def _redeem(connection: AsyncConnection, hashed: str) -> None:
    """Use up the token that makes the first account. Raises InvalidToken."""
    query = select(FACTS.c.value).where(FACTS.c.name == _SETUP).with_for_update()
    offered = await connection.scalar(query)
    there = await connection.scalar(select(USERS.c.id).limit(1))
    right = isinstance(offered, str) and secrets.compare_digest(offered, hashed)
    if there is not None or not right:
        raise InvalidToken("This link does not hold any more.")
    await connection.execute(delete(FACTS).where(FACTS.c.name == _SETUP))


async def _end_sessions(
    engine: Engine, connection: AsyncConnection, account: Account, keep: str
) -> int:
    """End the sessions of an account but `keep`; since when its tokens hold."""
    await connection.execute(
        delete(SESSIONS).where((SESSIONS.c.user == account.id) & (SESSIONS.c.id != keep))
    )
    return max(engine.now(), account.since)


def _changes(before: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is written down of a change; of a password no more than that it is another."""
    told: dict[str, Any] = {}
    if "name" in values:
        told["name"] = values["name"]
    if "role" in values:
        told |= {"role": values["role"].value, "before": before.role.value}
    if "password" in values:
        told["password"] = True
    return told


async def _heir(connection: AsyncConnection, account: Account, by: Actor) -> Actor:
    """Who gets what an account owned; NOBODY where there is no administrator."""
    if by.id and by.id != account.id:
        return by
    query = (
        select(USERS)
        .where((USERS.c.role == Role.ADMIN) & (USERS.c.id != account.id))
        .order_by(USERS.c.created, USERS.c.id)
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    return NOBODY if row is None else _of(row).actor


async def _hand_over(connection: AsyncConnection, account: Account, heir: Actor) -> list[str]:
    """Give the nodes of `account` to `heir`; which these were. Raises LastAdmin."""
    owned = select(NODES.c.uid, NODES.c.name, NODES.c.key, NODES.c.owner)
    query = owned.where(NODES.c.owner.in_({account.id, heir.id})).order_by(NODES.c.uid)
    rows = (await connection.execute(query)).all()
    taken = {row.key for row in rows if row.owner == heir.id}
    moving = [row for row in rows if row.owner == account.id]
    if moving and not heir.id:
        raise LastAdmin("There is no administrator who could have this account's nodes.")
    for row in moving:
        name = _free(row.name, account.name, taken)
        taken.add(name_key(name))
        await connection.execute(
            update(NODES)
            .where(NODES.c.uid == row.uid)
            .values(owner=heir.id, name=name, key=name_key(name))
        )
        # The owner needs no share.
        await connection.execute(
            delete(SHARES).where((SHARES.c.node == row.uid) & (SHARES.c.user == heir.id))
        )
    return [row.uid for row in moving]


def _free(name: str, owner: str, taken: set[str]) -> str:
    """`name`, or where the heir has a node of that name, one that says whose it was."""
    if not name or name_key(name) not in taken:
        return name
    for number in range(1, len(taken) + 2):
        ending = f" ({owner})" if number == 1 else f" ({owner} {number})"
        room = max(MAX_NAME - len(ending), 1)
        found = (name[:room] + ending)[:MAX_NAME]
        if name_key(found) not in taken:
            return found
    return ""
