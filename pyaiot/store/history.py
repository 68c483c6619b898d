# SPDX-License-Identifier: BSD-3-Clause
"""What nodes reported, and when."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.errors import StoreConflict
from pyaiot.model.retention import Policy
from pyaiot.model.samples import Sample
from pyaiot.store.courses import Course, Courses
from pyaiot.store.engine import Engine
from pyaiot.store.export import Export, Selection, read_some
from pyaiot.store.forgotten import remember
from pyaiot.store.retention import Retention
from pyaiot.store.schema import READINGS, SERIES
from pyaiot.store.series import MAX_OF_NODE, Row, SeriesBook, SeriesKey, number_of
from pyaiot.store.summaries import Summaries

_TURN: Final = 500
"""Samples that are looked up before others have their turn."""

_AT_ONCE: Final = (4096, 128, 1)
"""Rows that one statement of SQLite stores.

The driver gives up Python's lock for each statement and must have it back for the next one, from a
loop that has much to do. So many rows go at a time, and the loop has the lock meanwhile. (SQLite
takes up to 32,766 values.)
"""


def _put_sqlite(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?)"] * rows)
    return (
        f"INSERT INTO readings (series, time, number, text) VALUES {values}"  # noqa: S608 - marks
        " ON CONFLICT DO NOTHING"
    )


_PUT_SQLITE: Final = {rows: _put_sqlite(rows) for rows in _AT_ONCE}
_PUT_POSTGRESQL = text("""
    INSERT INTO readings (series, time, number, text)
    SELECT * FROM unnest(
        CAST(:series AS integer[]), CAST(:time AS bigint[]),
        CAST(:number AS float8[]), CAST(:text AS text[])
    )
    ON CONFLICT DO NOTHING
""")


class Series(NamedTuple):
    """One series, and when its first and last reading that is kept was measured."""

    key: SeriesKey
    unit: str
    first_us: int | None
    last_us: int | None


class Reading(NamedTuple):
    """One reading: a number, or a text, or neither for a null."""

    time_us: int
    number: float | None
    text: str | None


class History:
    """Readings, and the minutes and hours made of them. Everything raises StoreFailed.

    Times are whole microseconds since the epoch; a span is from its start until before its end.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._book = SeriesBook(engine)
        self._summaries = Summaries(engine)
        self._courses = Courses(engine, self._summaries)
        self._retention = Retention(engine, self._summaries)

    @property
    def refused(self) -> int:
        """Samples that were not kept, since their resource has too many series."""
        return self._book.refused

    async def put(self, samples: Sequence[Sample]) -> int:
        """Store all `samples` or none, and return how many there were not yet.

        One of a time at which its series has one already changes nothing. What was measured before
        its node was forgotten counts as if there were no such node any more: it is left out.
        """
        if not samples:
            return 0
        try:
            return await self._put(samples)
        except StoreConflict:
            # Somebody let go of a series that was known here.
            self._book.forget()
            return await self._put(samples)
        except BaseException:
            self._book.forget()
            raise

    async def _put(self, samples: Sequence[Sample]) -> int:
        rows, others = await self._rows(samples)
        async with self._engine.writing() as connection:
            if others:
                kept = await self._book.enter(connection, others)
                more, left = self._book.rows(kept)
                # Of two units at once, one is not the last.
                more += [row for each in left if (row := self._book.row(each))]
                self._book.refused += len(kept) - len(more)
                rows += more
            if not rows:
                return 0
            first = min(row[1] for row in rows)
            # About as they lie in the database. What came first of a time remains the first.
            rows.sort(key=_SERIES)
            stored = await self._insert(connection, rows)
            await self._summaries.mend(connection, rows, first)
        return stored

    async def _rows(self, samples: Sequence[Sample]) -> tuple[list[Row], list[Sample]]:
        """Rows of `samples`, and those whose series are to be entered first."""
        rows, others = self._book.rows(samples[:_TURN])
        for start in range(_TURN, len(samples), _TURN):
            await asyncio.sleep(0)
            more, more_others = self._book.rows(samples[start : start + _TURN])
            rows += more
            others += more_others
        return rows, others

    async def _insert(self, connection: AsyncConnection, rows: list[Row]) -> int:
        if self._engine.dialect == "sqlite":
            return await _insert_sqlite(connection, rows)
        series, time, number, text_ = zip(*rows, strict=True)
        columns = {
            "series": list(series), "time": list(time), "number": list(number),
            "text": list(text_),
        }  # fmt: skip
        return (await connection.execute(_PUT_POSTGRESQL, columns)).rowcount

    async def series(
        self, node: str | None = None, nodes: Collection[str] | None = None
    ) -> list[Series]:
        """The series of one node, of several, or of all."""
        ends = [
            select(which(READINGS.c.time)).where(READINGS.c.series == SERIES.c.id).scalar_subquery()
            for which in (func.min, func.max)
        ]
        query = self._of(select(SERIES, *ends), node, nodes)
        query = query.order_by(SERIES.c.node, SERIES.c.resource, SERIES.c.path)
        async with self._engine.reading() as connection:
            rows = await connection.execute(query)
            return [
                Series(SeriesKey(of, resource, path), unit, first, last)
                for _, of, resource, path, unit, first, last in rows
            ]

    async def latest(
        self,
        node: str | None = None,
        nodes: Collection[str] | None = None,
        longest: int | None = None,
    ) -> list[Sample]:
        """The newest reading of each series of one node, of several, or of all.

        Of texts the first `longest` characters; without that, some series are left out where all
        would be too much (`pyaiot.store.export.ROOM`).
        """
        said: ColumnElement[Any] = READINGS.c.text
        if longest is not None:
            said = func.substr(READINGS.c.text, 1, longest).label("text")
        newest = (
            select(func.max(READINGS.c.time))
            .where(READINGS.c.series == SERIES.c.id)
            .correlate(SERIES)
            .scalar_subquery()
        )
        query = self._of(
            select(SERIES, READINGS.c.time, READINGS.c.number, said).join_from(
                SERIES,
                READINGS,
                (READINGS.c.series == SERIES.c.id) & (READINGS.c.time == newest),
            ),
            node,
            nodes,
        )
        async with self._engine.reading() as connection:
            if longest is None:
                rows, _ = await read_some(connection, query.order_by(SERIES.c.id), MAX_OF_NODE)
            else:
                rows = list((await connection.execute(query)).all())
        return [
            Sample(each.node, each.resource, each.path, each.time, each.number, each.text,
                   each.unit)
            for each in rows
        ]  # fmt: skip

    async def rows(
        self,
        key: SeriesKey,
        start: int,
        end: int,
        *,
        limit: int,
        after: int | None = None,
        newest_first: bool = False,
    ) -> list[Reading]:
        """At most `limit` readings of one series, those that come after the one at `after`."""
        async with self._engine.reading() as connection:
            found = await number_of(connection, key)
            if found is None:
                return []
            query = _readings(found[0], start, end, after, newest_first=newest_first)
            return [Reading(*row) for row in await connection.execute(query.limit(limit))]

    async def page(
        self, key: SeriesKey, start: int, end: int, limit: int, after: int | None = None
    ) -> tuple[list[Reading], bool]:
        """The next readings of one series, and whether there are more.

        At most `limit`, and fewer where their texts are long.
        """
        async with self._engine.reading() as connection:
            series = await number_of(connection, key)
            if series is None:
                return [], False
            query = _readings(series[0], start, end, after).limit(limit + 1)
            rows, whole = await read_some(connection, query, limit + 1)
        found = [Reading(row.time, row.number, row.text) for row in rows[:limit]]
        return found, len(rows) > limit or not whole

    async def course(self, key: SeriesKey, start: int, end: int, points: int) -> Course:
        """How one series went, in at most `points` points (one more where a step is cut off).

        It is read from readings, minutes or hours, whatever is fine enough and still there; none
        leaves out an extreme. Empty for a series that is not there, or that holds no numbers.
        """
        return await self._courses.course(key, start, end, points)

    def export(self, selection: Selection) -> AsyncIterator[list[Sample]]:
        """All readings of a selection in the order of time, in pages that fit into memory.

        It ends with what there was when it began.
        """
        return Export(self._engine, selection).pages()

    async def forget(self, node: str) -> None:
        """Delete all that a node reported, in small steps; what comes late is not stored."""
        async with self._engine.writing() as connection:
            await remember(self._engine, connection, node)
        query = select(SERIES.c.id).where(SERIES.c.node == node)
        async with self._engine.reading() as connection:
            series = list((await connection.scalars(query)).all())
        for each in series:
            await self._retention.drop(each)
        self._book.forget()

    async def summarise(self, until: int) -> bool:
        """Make minutes and hours of what was measured before `until`; False if there is more to do.

        Only the one process that stores readings may do that.
        """
        return await self._summaries.summarise(until)

    async def expire(self, policy: Policy, budget: int) -> tuple[int, bool]:
        """Delete at most about `budget` rows that are older than `policy` says.

        How many went, and whether that was a whole round. What has not been summed up stays.
        """
        before = self._retention.dropped
        found = await self._retention.expire(policy, budget)
        if self._retention.dropped > before:
            # There is room for others again.
            self._book.forget()
        return found

    async def shrink(self, largest: int, budget: int) -> int:
        """Delete at most about `budget` of the oldest rows if the store is larger; how many."""
        return await self._retention.shrink(largest, budget)

    async def vacuum(self) -> None:
        """Give some of the room of what was deleted back to the file system."""
        await self._retention.vacuum()

    async def size(self) -> int:
        """The bytes that all takes; on PostgreSQL an estimate by the number of rows."""
        return await self._retention.size()

    def _of(
        self, query: Select[Any], node: str | None, nodes: Collection[str] | None
    ) -> Select[Any]:
        if node is not None:
            query = query.where(SERIES.c.node == node)
        if nodes is not None:
            query = query.where(self._engine.one_of(SERIES.c.node, nodes))
        return query


def _readings(
    series: int, start: int, end: int, after: int | None, *, newest_first: bool = False
) -> Select[Any]:
    time = READINGS.c.time
    query = select(time, READINGS.c.number, READINGS.c.text).where(
        READINGS.c.series == series, time >= start, time < end
    )
    if after is not None:
        query = query.where(time < after if newest_first else time > after)
    return query.order_by(time.desc() if newest_first else time)


_SERIES: Final = itemgetter(0)


async def _insert_sqlite(connection: AsyncConnection, rows: list[Row]) -> int:
    stored = start = 0
    for at_once, statement in _PUT_SQLITE.items():
        end = len(rows) - (len(rows) - start) % at_once
        several = [
            tuple(chain.from_iterable(rows[first : first + at_once]))
            for first in range(start, end, at_once)
        ]
        if several:
            stored += (await connection.exec_driver_sql(statement, several)).rowcount
        start = end
    return stored
