# SPDX-License-Identifier: BSD-3-Clause
"""Which nodes there were, and when: what a recorder sees of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.model.node import Availability
from pyaiot.model.sighting import Sighting
from pyaiot.store.engine import Engine
from pyaiot.store.forgotten import beginnings
from pyaiot.store.schema import AVAILABILITY, NODES, SERIES, SHARES, TOKENS

MAX_CHANGES: Final = 1000
"""Changes of a node's availability that are kept, the newest."""

_AT_ONCE: Final = 500


class Change(NamedTuple):
    """From then on a node was there, late or gone."""

    time_us: int
    availability: Availability


class Sightings:
    """First and last time that nodes were seen, and whether they are there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def note(self, seen: Sequence[Sighting]) -> None:
        """Know of all that were `seen`; what was noted before changes nothing.

        Nothing becomes known of a node by what it said before it was forgotten, nor by that it is
        gone. Raises StoreFailed.
        """
        async with self._engine.writing() as connection:
            for start in range(0, len(seen), _AT_ONCE):
                await self._note(connection, seen[start : start + _AT_ONCE])

    async def changes(self, uid: str, limit: int, before: int | None = None) -> list[Change]:
        """At most `limit` changes of a node's availability before that time, the newest first.

        Raises StoreFailed.
        """
        query = select(AVAILABILITY.c.time, AVAILABILITY.c.state).where(AVAILABILITY.c.node == uid)
        if before is not None:
            query = query.where(AVAILABILITY.c.time < before)
        query = query.order_by(AVAILABILITY.c.time.desc()).limit(limit)
        async with self._engine.reading() as connection:
            rows = await connection.execute(query)
            return [Change(time, Availability(state)) for time, state in rows]

    async def forget(self, before: int, limit: int) -> int:
        """Drop at most `limit` nodes that were last seen before that time, and how many.

        Only such that nobody has said anything of and of which no reading is kept. Raises
        StoreFailed.
        """
        strange = (
            NODES.c.last_seen < before,
            NODES.c.owner.is_(None),
            NODES.c.public.is_(None),
            NODES.c.name == "",
            ~NODES.c.bound,
            ~NODES.c.approved,
            *(
                ~select(column).where(column == NODES.c.uid).exists()
                for column in (SERIES.c.node, SHARES.c.node, TOKENS.c.node)
            ),
        )
        async with self._engine.reading() as connection:
            uids = (
                await connection.scalars(select(NODES.c.uid).where(*strange).limit(limit))
            ).all()
        if not uids:
            return 0
        async with self._engine.writing() as connection:
            gone = delete(NODES).where(NODES.c.uid.in_(uids), *strange)
            return (await connection.execute(gone)).rowcount

    async def _note(self, connection: AsyncConnection, seen: Sequence[Sighting]) -> None:
        # In one order everywhere, so that two writers do not wait for each other.
        uids = sorted({each.uid for each in seen})
        query = select(NODES.c.uid, NODES.c.availability).where(NODES.c.uid.in_(uids))
        begins = await beginnings(self._engine, connection, uids)
        known = {row.uid: row.availability for row in await connection.execute(query)}
        seen = [each for each in seen if each.time_us >= begins.get(each.uid, each.time_us)]
        there = known.keys() | {each.uid for each in seen if each.heard}
        seen = [each for each in seen if each.uid in there]
        if not seen:
            return
        await self._keep(connection, sorted({each.uid for each in seen}), seen)
        changes = list(_changes(seen, known))
        if changes:
            statement = self._engine.insert(AVAILABILITY)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[AVAILABILITY.c.node, AVAILABILITY.c.time],
                    set_={"state": statement.excluded.state},
                ),
                changes,
            )
            await _prune(connection, sorted({change["node"] for change in changes}))

    async def _keep(
        self, connection: AsyncConnection, uids: Sequence[str], seen: Sequence[Sighting]
    ) -> None:
        rows = {uid: _Row(uid) for uid in uids}
        for each in sorted(seen, key=lambda each: each.time_us):
            rows[each.uid].take(each)
        statement = self._engine.insert(NODES)
        new, old = statement.excluded, NODES.c
        greatest = func.max if self._engine.dialect == "sqlite" else func.greatest
        least = func.min if self._engine.dialect == "sqlite" else func.least
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[old.uid],
                set_={
                    "first_seen": least(
                        func.coalesce(old.first_seen, new.first_seen),
                        func.coalesce(new.first_seen, old.first_seen),
                    ),
                    "last_seen": greatest(
                        func.coalesce(old.last_seen, new.last_seen),
                        func.coalesce(new.last_seen, old.last_seen),
                    ),
                    "availability": func.coalesce(new.availability, old.availability),
                    # Those two are never null; empty where nothing is known.
                    "title": func.coalesce(func.nullif(new.title, ""), old.title),
                    "protocol": func.coalesce(func.nullif(new.protocol, ""), old.protocol),
                },
            ),
            [row.values for row in rows.values()],
        )


class _Row:
    """What of one node is to be written."""

    def __init__(self, uid: str) -> None:
        self.values: dict[str, Any] = {
            "uid": uid,
            "first_seen": None,
            "last_seen": None,
            "availability": None,
            "title": "",
            "protocol": "",
        }

    def take(self, seen: Sighting) -> None:
        values = self.values
        if seen.heard:
            first = values["first_seen"]
            values["first_seen"] = seen.time_us if first is None else min(first, seen.time_us)
            values["last_seen"] = max(values["last_seen"] or 0, seen.time_us)
        if seen.availability is not None:
            values["availability"] = seen.availability.value
        if seen.title is not None:
            values["title"] = seen.title[:128]
        if seen.protocol is not None:
            values["protocol"] = seen.protocol[:32]


def _changes(seen: Iterable[Sighting], known: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    states = dict(known)
    for each in seen:
        if each.availability is not None and states.get(each.uid) != each.availability:
            states[each.uid] = each.availability.value
            yield {"node": each.uid, "time": each.time_us, "state": each.availability.value}


async def _prune(connection: AsyncConnection, uids: Sequence[str]) -> None:
    """Keep the newest changes of those of `uids` that have some more than are kept."""
    time, node = AVAILABILITY.c.time, AVAILABILITY.c.node
    most = MAX_CHANGES + MAX_CHANGES // 10
    many = select(node).where(node.in_(uids)).group_by(node).having(func.count() > most)
    for uid in (await connection.scalars(many.order_by(node))).all():
        newest = select(time).where(node == uid).order_by(time.desc())
        oldest = newest.offset(MAX_CHANGES - 1).limit(1).scalar_subquery()
        await connection.execute(delete(AVAILABILITY).where(node == uid, time < oldest))
