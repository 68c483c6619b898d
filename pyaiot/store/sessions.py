# SPDX-License-Identifier: BSD-3-Clause
"""Who is logged in, from where.

A session has one refresh token at a time, known by its id. Using it gives the next one, whose id
follows from the one before: where two windows of a browser ask at the same moment, or an answer
is lost, the same next one is given again for a few seconds. After that, a token that was used
before is taken for a stolen one.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.errors import InvalidToken, NotFound, WrongPassword
from pyaiot.store.accounts import Account, account_of, locked
from pyaiot.store.audit import Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.schema import SESSIONS, USERS
from pyaiot.store.versions import access_changed

MAX_SESSIONS: Final = 32
"""Of one account; a new one ends the one that was not used for longest."""
GRACE: Final = 10.0
"""Seconds for which a refresh token that was just used gives the same next one again."""

_AGENT: Final = 256
_ADDRESS: Final = 64


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. Times are microseconds since the epoch."""

    id: str
    token: str
    """The id of its refresh token."""
    created: int
    used: int
    expires: int
    agent: str
    address: str


class Sessions:
    """Who is logged in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(
        self, user: str, life: float, agent: str, address: str, proof: str | None = None
    ) -> tuple[Account, Session]:
        """Somebody logs in, for `life` seconds.

        `proof` is the hash that their password was checked with: checking takes a while, in which
        all sessions may have been ended by another password. Raises WrongPassword then,
        InvalidToken if there is no such account any more, StoreFailed, as all do.
        """
        now = self._engine.now()
        id_ = secrets.token_urlsafe(12)
        session = Session(
            id_, _next(id_, secrets.token_urlsafe(12)), now, now, now + round(life * 1e6),
            agent[:_AGENT], address[:_ADDRESS],
        )  # fmt: skip
        async with self._engine.writing() as connection:
            account = await _seen(connection, user, now)
            if proof not in {None, account.password}:
                raise WrongPassword("The password has just been changed.")
            await connection.execute(
                delete(SESSIONS).where((SESSIONS.c.user == user) & (SESSIONS.c.expires <= now))
            )
            await _make_room(connection, user)
            await connection.execute(
                insert(SESSIONS).values(
                    id=session.id, user=user, token=session.token, created=now, used=now,
                    expires=session.expires, agent=session.agent, address=session.address,
                )
            )  # fmt: skip
            await record(
                self._engine, connection, account.actor, "session.open", account.name,
                address=session.address,
            )  # fmt: skip
        return account, session

    async def rotate(
        self, id_: str, token: str, life: float, agent: str, address: str
    ) -> tuple[Account, Session]:
        """Use the refresh token with the id `token`; the session goes on for `life` seconds.

        Raises InvalidToken where the session has ended, or ends by this: the token was used
        before, so somebody else may have it. Then no token of the account holds that was made
        until now.
        """
        now = self._engine.now()
        reused = False
        async with self._engine.writing() as connection:
            user = await connection.scalar(select(SESSIONS.c.user).where(SESSIONS.c.id == id_))
            if user is None:
                raise InvalidToken("This session has ended.")
            # Locks the account, as all do first who change its sessions.
            account = await _seen(connection, user, now)
            query = select(SESSIONS).where((SESSIONS.c.id == id_) & (SESSIONS.c.expires > now))
            row = (await connection.execute(query)).first()
            if row is None:
                raise InvalidToken("This session has ended.")
            session = Session(
                id_, _next(id_, token), row.created, now, now + round(life * 1e6),
                agent[:_AGENT], address[:_ADDRESS],
            )  # fmt: skip
            again = row.token == session.token and now - row.used < GRACE * 1e6
            if again:
                # Not from now: else it could be asked for again and again.
                session = Session(
                    id_, row.token, row.created, row.used, row.expires, row.agent, row.address
                )
            elif row.token == token:
                await connection.execute(
                    update(SESSIONS)
                    .where(SESSIONS.c.id == id_)
                    .values(
                        token=session.token, used=now, expires=session.expires,
                        agent=session.agent, address=session.address,
                    )
                )  # fmt: skip
            else:
                reused = True
                await _end(self._engine, connection, account, {id_}, now)
                await record(
                    self._engine, connection, account.actor, "session.reuse", account.name,
                    address=address[:_ADDRESS],
                )  # fmt: skip
        if reused:
            raise InvalidToken("This session was ended: its token had been used before.")
        return account, session

    async def sessions(self, user: str) -> list[Session]:
        """The sessions of an account, the one that was used last first."""
        query = (
            select(SESSIONS)
            .where((SESSIONS.c.user == user) & (SESSIONS.c.expires > self._engine.now()))
            .order_by(SESSIONS.c.used.desc(), SESSIONS.c.id)
        )
        async with self._engine.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Session(each.id, each.token, each.created, each.used, each.expires, each.agent,
                    each.address)
            for each in rows
        ]  # fmt: skip

    async def end(self, user: str, by: Actor, id_: str | None = None) -> bool:
        """End one session of an account, or all of them; whether there was one.

        No token of the account holds that was made before: the sessions that go on get new ones
        by their refresh tokens.
        """
        async with self._engine.writing() as connection:
            try:
                account = await locked(connection, user)
            except NotFound:
                return False
            query = select(SESSIONS.c.id).where(SESSIONS.c.user == user)
            if id_ is not None:
                query = query.where(SESSIONS.c.id == id_)
            ids = set((await connection.scalars(query)).all())
            if not ids:
                return False
            await _end(self._engine, connection, account, ids, self._engine.now())
            await record(
                self._engine, connection, by, "session.end", account.name, sessions=len(ids)
            )
        return True


def _next(id_: str, token: str) -> str:
    """The id of the refresh token that comes after the one with the id `token`.

    What proves a token is its signature, so its id may well be known.
    """
    return hashlib.blake2b(f"{id_} {token}".encode(), digest_size=16).hexdigest()


async def _seen(connection: AsyncConnection, user: str, now: int) -> Account:
    await connection.execute(update(USERS).where(USERS.c.id == user).values(seen=now))
    account = await account_of(connection, user)
    if account is None:
        raise InvalidToken("There is no such account any more.")
    return account


async def _make_room(connection: AsyncConnection, user: str) -> None:
    query = (
        select(SESSIONS.c.id)
        .where(SESSIONS.c.user == user)
        .order_by(SESSIONS.c.used.desc())
        .offset(MAX_SESSIONS - 1)
    )
    old = (await connection.scalars(query)).all()
    if old:
        await connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(old)))


async def _end(
    engine: Engine, connection: AsyncConnection, account: Account, ids: set[str], now: int
) -> None:
    await connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(ids)))
    await connection.execute(
        update(USERS).where(USERS.c.id == account.id).values(since=max(now, account.since))
    )
    await access_changed(engine, connection, people=[account.id])
