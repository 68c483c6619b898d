# SPDX-License-Identifier: BSD-3-Clause
"""The lowest, mean and highest of each minute and hour, made from readings as time goes by.

Up to a mark, all minutes have been made; hours up to another. A reading that comes later than that
mends its minute and hour in the same transaction. What is made again from readings of which some
are no longer kept stays as it was.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.store.engine import Engine
from pyaiot.store.schema import FACTS, SERIES

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
"""In microseconds."""

_SERIES_AT_ONCE: Final = 1000
_SPAN: Final = 6 * HOUR
"""What is summarised in one transaction."""

_LOW_MEAN_HIGH: Final = "min(number) AS low, avg(number) AS mean, max(number) AS high"

_FROM_READINGS: Final = (
    f"time - time % {MINUTE} AS start, {_LOW_MEAN_HIGH}, count(*) AS count",
    "readings",
    "number IS NOT NULL",
)
_FROM_MINUTES: Final = (
    (
        f"time - time % {HOUR} AS start, min(low) AS low, sum(mean * count) / sum(count) AS mean,"
        " max(high) AS high, sum(count) AS count"
    ),
    "minutes",
    "count > 0",
)

_KEEP_LARGER: Final = """
    ON CONFLICT (series, time) DO UPDATE
    SET low = excluded.low, mean = excluded.mean, high = excluded.high, count = excluded.count
    WHERE excluded.count >= {table}.count
"""


def _making(dialect: str, table: str, made_from: tuple[str, str, str], several: str) -> str:
    """SQL that makes rows of `table` for each series of `several` from :start until :end.

    Both databases are told to go series by series, along the primary key.
    """
    columns, source, condition = made_from
    # The columns stand in f-strings because they differ; nothing of it comes from outside.
    if dialect == "sqlite":
        which = (
            f"SELECT s.id, {columns} FROM {several} CROSS JOIN {source}"  # noqa: S608 - as above
            f" WHERE {source}.series = s.id AND time >= :start AND time < :end AND {condition}"
            " GROUP BY 1, 2"
        )
    else:
        which = (
            f"SELECT s.id, x.* FROM {several} CROSS JOIN LATERAL (SELECT {columns}"  # noqa: S608 - as above
            f" FROM {source} WHERE series = s.id AND time >= :start AND time < :end"
            f" AND {condition} GROUP BY 1) x WHERE true"
        )
    return (
        f"INSERT INTO {table} (series, time, low, mean, high, count) {which}"
        + _KEEP_LARGER.format(table=table)
    )


_RANGE: Final = "(SELECT id FROM series WHERE id > :after AND id <= :last) s"
_ONE: Final = "(SELECT CAST(:series AS INTEGER) AS id) s"


class Summaries:
    """Makes and mends minutes and hours."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._marks: tuple[int, int] | None = None
        # While minutes are being made, readings before the coming mark count as late already.
        self._coming = 0
        make = {
            (table, which): text(_making(engine.dialect, table, source, several))
            for table, source in (("minutes", _FROM_READINGS), ("hours", _FROM_MINUTES))
            for which, several in (("range", _RANGE), ("one", _ONE))
        }
        self._make = make

    async def marks(self, connection: AsyncConnection) -> tuple[int, int]:
        """Up to when minutes and hours have been made, in microseconds."""
        value = await connection.scalar(select(FACTS.c.value).where(FACTS.c.name == _FACT))
        minutes, hours = value or (0, 0)
        return int(minutes), int(hours)

    async def mend(
        self, connection: AsyncConnection, stored: Iterable[tuple[int, int, Any, Any]], first: int
    ) -> None:
        """Make again what readings that were just stored (the first at `first`) came too late for.

        `stored` are rows of the readings table.
        """
        if self._marks is None:
            self._marks = await self.marks(connection)
        minutes, hours = self._marks
        late = max(minutes, self._coming)
        if first >= late:
            return
        spans = sorted({(row[0], row[1] - row[1] % MINUTE) for row in stored if row[1] < late})
        await connection.execute(self._make["minutes", "one"], _parameters(spans, MINUTE))
        whole = sorted({(series, time - time % HOUR) for series, time in spans if time < hours})
        if whole:
            await connection.execute(self._make["hours", "one"], _parameters(whole, HOUR))

    async def summarise(self, until: int) -> bool:
        """Make minutes and hours up to `until` (microseconds), in steps; False: there is more.

        Only one process may do that, the one that stores readings. Raises StoreFailed.
        """
        async with self._engine.reading() as connection:
            minutes, hours = await self.marks(connection)
            last = await connection.scalar(select(func.max(SERIES.c.id))) or 0
            first = await self._first(connection, minutes)
        goal = until - until % MINUTE
        end = min(goal, max(minutes, first - first % MINUTE) + _SPAN)
        if end <= minutes:
            self._marks = (minutes, hours)
            return True
        self._coming = end
        await self._over(last, "minutes", minutes, end)
        hour = end - end % HOUR
        if hour > hours:
            await self._over(last, "hours", max(hours, first - first % HOUR), hour)
        async with self._engine.writing() as connection:
            statement = self._engine.insert(FACTS).values(name=_FACT, value=[end, max(hour, hours)])
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[FACTS.c.name], set_={"value": statement.excluded.value}
                )
            )
        self._marks = (end, max(hour, hours))
        return end >= goal

    async def _over(self, last: int, table: str, start: int, end: int) -> None:
        for after in range(0, last, _SERIES_AT_ONCE):
            where = {"after": after, "last": after + _SERIES_AT_ONCE, "start": start, "end": end}
            async with self._engine.writing() as connection:
                await connection.execute(self._make[table, "range"], where)

    async def _first(self, connection: AsyncConnection, after: int) -> int:
        """When the first reading from `after` on was, or the end of time."""
        query = text(
            "SELECT min((SELECT min(time) FROM readings WHERE series = s.id AND time >= :after))"
            " FROM series s"
        )
        found = await connection.scalar(query, {"after": after})
        return _NEVER if found is None else int(found)


_FACT: Final = "summarised"
_NEVER: Final = 1 << 62


def _parameters(spans: Iterable[tuple[int, int]], length: int) -> list[dict[str, int]]:
    return [{"series": series, "start": time, "end": time + length} for series, time in spans]
