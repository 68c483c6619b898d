# SPDX-License-Identifier: BSD-3-Clause
"""Rules for alerts, and the channels that carry those to people.

Whatever changes here raises the version of ``rules``, and is written down who did it.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.accounts.names import checked_name
from pyaiot.errors import InvalidValue, LimitExceeded, NotFound
from pyaiot.messages.types import AlertState
from pyaiot.model.rule import Rule
from pyaiot.store.accounts import locked
from pyaiot.store.audit import Actor, record
from pyaiot.store.engine import Engine
from pyaiot.store.schema import ALERTS, CHANNELS, RULES
from pyaiot.store.versions import raise_version

MAX_RULES: Final = 200
"""Of one account, or of nobody."""
MAX_CHANNELS: Final = 50
"""Of one account."""

_UNOWNED: Final = 0x7079_6169_6F76
"""PostgreSQL's advisory lock while there is a new rule of nobody."""


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule, as it is kept. Times are microseconds since the epoch."""

    id: str
    owner: str | None
    """The id of an account."""
    name: str
    enabled: bool
    rule: Mapping[str, Any]
    """All that it says (`pyaiot.model.rule.Rule`), but for what stands here besides."""
    muted_until: int | None
    created: int
    changed: int
    raised: int = 0
    """How many of its alerts are not cleared."""

    def as_rule(self) -> Rule:
        """The rule as the engine of alerts knows it. Raises InvalidValue for what is none."""
        muted = None if self.muted_until is None else self.muted_until / 1e6
        own = {"id": self.id, "owner": self.owner, "name": self.name, "muted_until": muted}
        try:
            return msgspec.convert({**self.rule, **own}, Rule)
        except msgspec.ValidationError as exc:
            raise InvalidValue(f"This is no rule: {exc}") from exc


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """One channel, as it is kept. Times are microseconds since the epoch."""

    id: str
    owner: str | None
    name: str
    url: str = field(repr=False)
    """May hold passwords."""
    created: int


Place = tuple[int, str]
"""Where a list goes on: the time and the id of what came last."""


class Rules:
    """Rules and channels. All methods raise StoreFailed.

    Where the owner of a rule is None, it is nobody's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def rules(
        self,
        limit: int | None = None,
        after: Place | None = None,
        owners: Collection[str | None] | None = None,
    ) -> list[RuleRecord]:
        """At most `limit` rules, the oldest first, those after that place.

        Of all owners, or of `owners`.
        """
        query = _paged(_ruled(), RULES, limit, after)
        if owners is not None:
            theirs = RULES.c.owner.in_([each for each in owners if each is not None])
            query = query.where(theirs | RULES.c.owner.is_(None) if None in owners else theirs)
        async with self._engine.reading() as connection:
            return [_rule(row) for row in (await connection.execute(query)).all()]

    async def rule(self, id_: str) -> RuleRecord | None:
        """The rule with that id."""
        async with self._engine.reading() as connection:
            row = (await connection.execute(_ruled().where(RULES.c.id == id_))).first()
        return None if row is None else _rule(row)

    async def add_rule(
        self,
        owner: str | None,
        name: str,
        rule: Mapping[str, Any],
        by: Actor,
        *,
        enabled: bool = True,
    ) -> RuleRecord:
        """A new rule. Raises InvalidValue, LimitExceeded, and NotFound without such an account."""
        now = self._engine.now()
        made = RuleRecord(
            secrets.token_urlsafe(12),
            owner,
            checked_name(name),
            enabled,
            dict(rule),
            None,
            now,
            now,
        )
        made.as_rule()
        async with self._engine.writing() as connection:
            await _check_room(self._engine, connection, RULES, owner, MAX_RULES)
            await connection.execute(
                insert(RULES).values(
                    id=made.id, owner=owner, name=made.name, enabled=enabled, rule=made.rule,
                    created=now, changed=now,
                )
            )  # fmt: skip
            await self._changed(connection, by, "rule.add", made.id, name=made.name)
        return made

    async def change_rule(
        self, id_: str, name: str, rule: Mapping[str, Any], by: Actor, *, enabled: bool
    ) -> RuleRecord:
        """Let a rule say something else. Raises InvalidValue, NotFound."""
        name = checked_name(name)
        async with self._engine.writing() as connection:
            query = _ruled().where(RULES.c.id == id_).with_for_update(of=RULES)
            row = (await connection.execute(query)).first()
            if row is None:
                raise NotFound("There is no such rule.")
            before = _rule(row)
            now = max(self._engine.now(), before.changed)
            made = RuleRecord(
                id_, before.owner, name, enabled, dict(rule), before.muted_until, before.created,
                now, before.raised,
            )  # fmt: skip
            made.as_rule()
            if (made.name, made.enabled, made.rule) == (before.name, before.enabled, before.rule):
                return before
            await connection.execute(
                update(RULES)
                .where(RULES.c.id == id_)
                .values(name=name, enabled=enabled, rule=made.rule, changed=now)
            )
            await self._changed(connection, by, "rule.change", id_, name=name)
        return made

    async def mute(self, id_: str, until: int | None, by: Actor) -> None:
        """Tell nobody of a rule's alerts until then. Raises NotFound."""
        async with self._engine.writing() as connection:
            query = select(RULES.c.name).where(RULES.c.id == id_).with_for_update()
            name = await connection.scalar(query)
            if name is None:
                raise NotFound("There is no such rule.")
            await connection.execute(
                update(RULES).where(RULES.c.id == id_).values(muted_until=until)
            )
            seconds = None if until is None else until / 1e6
            await self._changed(connection, by, "rule.mute", id_, name=name, until=seconds)

    async def remove_rule(self, id_: str, by: Actor) -> None:
        """Forget a rule, and its alerts with it. Raises NotFound."""
        await self._remove(RULES, id_, by, "rule")

    async def channels(
        self, limit: int | None = None, after: Place | None = None, owner: str | None = None
    ) -> list[ChannelRecord]:
        """At most `limit` channels, the oldest first, those after that place.

        Of all, or of `owner`.
        """
        query = _paged(select(CHANNELS), CHANNELS, limit, after)
        if owner is not None:
            query = query.where(CHANNELS.c.owner == owner)
        async with self._engine.reading() as connection:
            return [_channel(row) for row in (await connection.execute(query)).all()]

    async def channel(self, id_: str) -> ChannelRecord | None:
        """The channel with that id."""
        query = select(CHANNELS).where(CHANNELS.c.id == id_)
        async with self._engine.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _channel(row)

    async def add_channel(self, owner: str, name: str, url: str, by: Actor) -> ChannelRecord:
        """A new channel. Raises InvalidValue, LimitExceeded, and NotFound without such an account.

        Whether the address is one is for others to say.
        """
        now = self._engine.now()
        made = ChannelRecord(secrets.token_urlsafe(12), owner, checked_name(name), url, now)
        async with self._engine.writing() as connection:
            await _check_room(self._engine, connection, CHANNELS, owner, MAX_CHANNELS)
            await connection.execute(
                insert(CHANNELS).values(
                    id=made.id, owner=owner, name=made.name, url=url, created=now
                )
            )
            await self._changed(connection, by, "channel.add", made.id, name=made.name)
        return made

    async def remove_channel(self, id_: str, by: Actor) -> None:
        """Forget a channel; rules that name it tell it nothing any more. Raises NotFound."""
        await self._remove(CHANNELS, id_, by, "channel")

    async def _remove(self, table: Table, id_: str, by: Actor, what: str) -> None:
        async with self._engine.writing() as connection:
            name = await connection.scalar(select(table.c.name).where(table.c.id == id_))
            if name is None:
                raise NotFound(f"There is no such {what}.")
            await connection.execute(delete(table).where(table.c.id == id_))
            await self._changed(connection, by, f"{what}.remove", id_, name=name)

    async def _changed(
        self, connection: AsyncConnection, by: Actor, action: str, id_: str, **detail: Any
    ) -> None:
        await raise_version(self._engine, connection, "rules")
        await record(self._engine, connection, by, action, id_, **detail)


async def _check_room(
    engine: Engine, connection: AsyncConnection, table: Table, owner: str | None, most: int
) -> None:
    # Locked, so that two cannot both take the last place.
    if owner is not None:
        await locked(connection, owner)
    else:
        await engine.lock(connection, _UNOWNED)
    mine = table.c.owner.is_not_distinct_from(owner)
    query = select(func.count()).select_from(table).where(mine)
    if (await connection.scalar(query) or 0) >= most:
        raise LimitExceeded(f"There may be {most} {table.name} of one account, or of nobody.")


def _ruled() -> Select[Any]:
    """Rules, each with the number of its open alerts."""
    count = (
        select(func.count())
        .select_from(ALERTS)
        .where((ALERTS.c.rule == RULES.c.id) & (ALERTS.c.state != AlertState.CLEARED.value))
        .scalar_subquery()
    )
    return select(RULES, count.label("raised"))


def _paged(query: Select[Any], table: Table, limit: int | None, after: Place | None) -> Select[Any]:
    query = query.order_by(table.c.created, table.c.id).limit(limit)
    if after is None:
        return query
    time, id_ = after
    return query.where((table.c.created > time) | ((table.c.created == time) & (table.c.id > id_)))


def _rule(row: "Row[Any]") -> RuleRecord:
    return RuleRecord(
        row.id, row.owner, row.name, row.enabled, row.rule, row.muted_until, row.created,
        row.changed, row.raised,
    )  # fmt: skip


def _channel(row: "Row[Any]") -> ChannelRecord:
    return ChannelRecord(row.id, row.owner, row.name, row.url, row.created)
