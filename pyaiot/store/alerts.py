# SPDX-License-Identifier: BSD-3-Clause
"""Alerts as they were raised and what became of them, with the rules and channels behind them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Row, Select, delete, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.errors import NotFound
from pyaiot.messages.types import AlertState, Finding, Severity
from pyaiot.store.audit import Actor, record
from pyaiot.store.forgotten import beginnings
from pyaiot.store.rules import Place, Rules
from pyaiot.store.schema import ALERTS, RULES, USERS

KEPT: Final = 2000
"""Alerts of one rule that are kept once they are cleared; the oldest make room."""
KEPT_FOR: Final = 400 * 86_400 * 1_000_000
"""Microseconds after which one that is cleared goes."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert, as it is kept. Times are microseconds since the epoch."""

    id: str
    rule: str
    rule_name: str
    owner: str | None
    """The account that the rule belongs to."""
    node: str
    resource: str
    """Empty where it is about the node as a whole."""
    severity: Severity
    state: AlertState
    text: str
    value: str
    raised: int
    acknowledged: int | None = None
    acknowledged_by: str | None = None
    """The name of an account, as long as there is one."""
    cleared: int | None = None
    finding: Finding | None = None
    """The same as `text`; None for one that a release stored which told it in one way only."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert was raised."""

    id: str
    rule: str
    node: str
    resource: str
    severity: Severity
    text: str
    value: str
    raised: int
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """An alert was cleared."""

    id: str
    cleared: int


Change: TypeAlias = Opened | Closed


class AlertBook(Rules):
    """Alerts, rules and channels. All methods raise StoreFailed."""

    async def write(self, changes: Iterable[Change]) -> None:
        """Keep what happened, in this order; what was kept before stays as it is.

        Alerts of rules that there are no more are left out, and those of what a node said before it
        was forgotten.
        """
        changes = list(changes)
        opened = [each for each in changes if isinstance(each, Opened)]
        wanted, nodes = {each.rule for each in opened}, {each.node for each in opened}
        async with self._engine.writing() as connection:
            begins = await beginnings(self._engine, connection, nodes) if nodes else {}
            # Locked, so that none of them goes before its alerts are there.
            query = select(RULES.c.id).where(self._engine.one_of(RULES.c.id, wanted))
            query = query.with_for_update(read=True, key_share=True)
            there = set((await connection.scalars(query)).all())
            for each in changes:
                if isinstance(each, Closed):
                    await self._close(connection, each)
                elif each.rule in there and each.raised >= begins.get(each.node, each.raised):
                    await self._open(connection, each)

    async def open_alerts(self) -> list[AlertRecord]:
        """All that are not cleared."""
        query = _told().where(ALERTS.c.state != AlertState.CLEARED.value)
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def alerts(
        self,
        limit: int,
        after: Place | None = None,
        *,
        owner: str | None = None,
        common: Collection[str] | None = None,
        states: Collection[AlertState] = tuple(AlertState),
        node: str | None = None,
    ) -> list[AlertRecord]:
        """At most `limit` alerts, the newest first, those after that place.

        With `common`: no others than those of rules of `owner`, and those of rules of nobody about
        the nodes in `common`; else all.
        """
        query = _told().order_by(ALERTS.c.raised.desc(), ALERTS.c.id).limit(limit)
        query = query.where(ALERTS.c.state.in_([each.value for each in states]))
        if common is not None:
            ours = RULES.c.owner.is_(None) & self._engine.one_of(ALERTS.c.node, common)
            query = query.where(ours if owner is None else ours | (RULES.c.owner == owner))
        if node is not None:
            query = query.where(ALERTS.c.node == node)
        if after is not None:
            time, id_ = after
            query = query.where(
                (ALERTS.c.raised < time) | ((ALERTS.c.raised == time) & (ALERTS.c.id > id_))
            )
        async with self._engine.reading() as connection:
            return [_of(row) for row in (await connection.execute(query)).all()]

    async def common_nodes(self) -> set[str]:
        """The nodes of which there are alerts of rules of nobody."""
        query = select(ALERTS.c.node).distinct().join(RULES).where(RULES.c.owner.is_(None))
        async with self._engine.reading() as connection:
            return set((await connection.scalars(query)).all())

    async def alert(self, id_: str) -> AlertRecord | None:
        """The alert with that id."""
        async with self._engine.reading() as connection:
            row = (await connection.execute(_told().where(ALERTS.c.id == id_))).first()
        return None if row is None else _of(row)

    async def acknowledge(self, id_: str, by: Actor) -> bool:
        """Somebody has seen to it; False where it was acknowledged or cleared before.

        Raises NotFound.
        """
        raised = (ALERTS.c.id == id_) & (ALERTS.c.state == AlertState.RAISED.value)
        async with self._engine.writing() as connection:
            text = await connection.scalar(select(ALERTS.c.text).where(ALERTS.c.id == id_))
            if text is None:
                raise NotFound("There is no such alert.")
            changed = await connection.execute(
                update(ALERTS)
                .where(raised)
                .values(
                    state=AlertState.ACKNOWLEDGED.value,
                    acknowledged=self._engine.now(),
                    acknowledged_by=by.id or None,
                )
            )
            if changed.rowcount:
                await record(self._engine, connection, by, "alert.acknowledge", id_, text=text)
            return bool(changed.rowcount)

    async def tidy(self) -> int:
        """Forget what was cleared long ago, or of one rule too often; how many those were."""
        order = func.row_number().over(
            partition_by=ALERTS.c.rule, order_by=(ALERTS.c.raised.desc(), ALERTS.c.id)
        )
        cleared = ALERTS.c.state == AlertState.CLEARED.value
        placed = select(ALERTS.c.id, order.label("place")).where(cleared).subquery()
        too_many = select(placed.c.id).where(placed.c.place > KEPT)
        too_old = cleared & (ALERTS.c.cleared < self._engine.now() - KEPT_FOR)
        async with self._engine.writing() as connection:
            gone = await connection.execute(
                delete(ALERTS).where(ALERTS.c.id.in_(too_many) | too_old)
            )
            return gone.rowcount

    async def _open(self, connection: AsyncConnection, alert: Opened) -> None:
        statement = self._engine.insert(ALERTS).values(
            id=alert.id, rule=alert.rule, node=alert.node, resource=alert.resource,
            severity=alert.severity.value, state=AlertState.RAISED.value,
            text=alert.text, value=alert.value, raised=alert.raised,
            finding=null() if alert.finding is None else msgspec.to_builtins(alert.finding),
        )  # fmt: skip
        # It may be told again where nobody knows whether it was kept.
        await connection.execute(statement.on_conflict_do_nothing(index_elements=[ALERTS.c.id]))

    async def _close(self, connection: AsyncConnection, closed: Closed) -> None:
        await connection.execute(
            update(ALERTS)
            .where((ALERTS.c.id == closed.id) & (ALERTS.c.state != AlertState.CLEARED.value))
            .values(state=AlertState.CLEARED.value, cleared=closed.cleared)
        )


def _told() -> Select[Any]:
    """Alerts, with what else is told of them."""
    return (
        select(
            ALERTS, RULES.c.name.label("rule_name"), RULES.c.owner, USERS.c.name.label("seen_by")
        )
        .join(RULES, RULES.c.id == ALERTS.c.rule)
        .outerjoin(USERS, USERS.c.id == ALERTS.c.acknowledged_by)
    )


def _of(row: "Row[Any]") -> AlertRecord:
    return AlertRecord(
        id=row.id,
        rule=row.rule,
        rule_name=row.rule_name,
        owner=row.owner,
        node=row.node,
        resource=row.resource,
        severity=Severity(row.severity),
        state=AlertState(row.state),
        text=row.text,
        value=row.value,
        raised=row.raised,
        acknowledged=row.acknowledged,
        acknowledged_by=row.seen_by,
        cleared=row.cleared,
        finding=None if row.finding is None else msgspec.convert(row.finding, Finding),
    )
