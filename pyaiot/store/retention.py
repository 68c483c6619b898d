# SPDX-License-Identifier: BSD-3-Clause
"""Lets go of what is no longer to be kept, a little at a time, so that nobody waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.model.retention import Policy
from pyaiot.store.engine import Engine
from pyaiot.store.schema import HOURS, MINUTES, READINGS, SERIES
from pyaiot.store.series import drop
from pyaiot.store.summaries import HOUR, MINUTE, Summaries

STEP: Final = 5000
"""Rows that are deleted in one transaction."""

_SERIES_AT_ONCE: Final = 100
_SLICES: Final = 64
"""The part of the whole time that goes at once when the store is too large."""

_END: Final = 2**62
"""After all that is measured."""

_PAGES: Final = 1000
"""Pages that go back to the file system at once."""

# What a row takes on PostgreSQL, with its entry in the index, but without texts; SQLite counts its
# pages.
_ROW_BYTES: Final = {"readings": 96, "minutes": 116, "hours": 116}
_CHUNK: Final = 2048
"""What PostgreSQL cuts long texts into."""
_POSTGRESQL_SIZES: Final = text("""
    SELECT c.relname, s.n_live_tup, coalesce(t.n_live_tup, 0),
           coalesce((
               SELECT (1 - null_frac) * avg_width FROM pg_stats
               WHERE schemaname = s.schemaname AND tablename = c.relname AND attname = 'text'
           ), 0)
    FROM pg_stat_user_tables s
    JOIN pg_class c ON c.oid = s.relid
    LEFT JOIN pg_stat_all_tables t ON t.relid = c.reltoastrelid
    WHERE s.schemaname = current_schema()
""")


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is to go: of this series, in this table, before this time."""

    series: int
    table: Table
    before: int


class Retention:
    """Deletes by age, and by size."""

    def __init__(self, engine: Engine, summaries: Summaries) -> None:
        self._engine = engine
        self._summaries = summaries
        self._after = 0
        self._measured = 0
        self._size = 0
        self._freed = 0.0
        self._of_row = dict[str, float](_ROW_BYTES)
        self.dropped = 0
        """Series that were let go of because nothing was left of them."""

    async def expire(self, policy: Policy, budget: int = STEP) -> tuple[int, bool]:
        """Delete at most about `budget` rows that are too old for `policy`.

        Returns how many rows went, and whether all series have been looked at since the last time
        that they had been. Raises StoreFailed.
        """
        now = self._engine.now()
        async with self._engine.reading() as connection:
            query = select(SERIES).where(SERIES.c.id > self._after).order_by(SERIES.c.id)
            rows = (await connection.execute(query.limit(_SERIES_AT_ONCE))).all()
            marks = await self._summaries.marks(connection)
        gone = 0
        for row in rows:
            keep = policy.keep(row.node, row.resource)
            limits = (
                (READINGS, now - keep.raw * 1e6, marks[0], HOUR),
                (MINUTES, now - keep.minutes * 1e6, marks[1], HOUR),
                (HOURS, now - keep.hours * 1e6, now, HOUR),
            )
            for table, old, mark, grain in limits:
                # Whole hours go, and nothing that has not been summed up yet.
                cut = int(max(0.0, min(old, mark)))
                gone += await self._cut(_Cut(row.id, table, cut - cut % grain), budget - gone)
                if gone >= budget:
                    return gone, False
            self._after = row.id
        if len(rows) < _SERIES_AT_ONCE:
            self._after = 0
            await self._drop_empty()
            return gone, True
        return gone, False

    async def shrink(self, largest: int, budget: int = STEP) -> int:
        """Delete at most about `budget` of the oldest rows if the store takes more than `largest`.

        Readings go first, those of the last hour too if it must be, then minutes, then hours: a
        node that says too much costs nobody what is known of the past. What has not been summed up
        stays. Returns how many rows went; 0 when it is small enough, or there is no more to be had.
        """
        if await self._reckoned() <= largest:
            return 0
        now = self._engine.now()
        async with self._engine.reading() as connection:
            mark, _ = await self._summaries.marks(connection)
            for table, last in ((READINGS, min(mark, now)), (MINUTES, now), (HOURS, now)):
                oldest = await self._oldest(connection, table)
                if oldest is not None and oldest < last:
                    break
            else:
                return 0
            # In slices of time: each series loses what is as old.
            cut = min(last, oldest + max(MINUTE, (now - oldest) // _SLICES))
            which = await self._older(connection, table, cut)
        gone = 0
        for series in which:
            gone += await self._cut(_Cut(series, table, cut), budget - gone)
            if gone >= budget:
                break
        self._freed += gone * self._of_row[table.name]
        return gone

    async def _reckoned(self) -> float:
        """The size; PostgreSQL counts what was deleted some time later, so that is kept in mind."""
        if self._engine.dialect == "sqlite":
            return await self.size()
        now = self._engine.now()
        if now - self._measured > MINUTE:
            self._measured, self._size, self._freed = now, await self.size(), 0
        return self._size - self._freed

    async def size(self) -> int:
        """The bytes that what is stored takes; what was deleted is used again."""
        async with self._engine.reading() as connection:
            if self._engine.dialect == "sqlite":
                names = ("page_count", "freelist_count", "page_size")
                pages, free, page = [
                    await connection.scalar(text(f"PRAGMA {name}")) or 0 for name in names
                ]
                return int((pages - free) * page)
            total = 0.0
            for name, rows, chunks, width in await connection.execute(_POSTGRESQL_SIZES):
                taken = rows * (_ROW_BYTES.get(name, 256) + float(width)) + chunks * _CHUNK
                total += taken
                if rows:
                    self._of_row[name] = taken / rows
            return round(total)

    async def vacuum(self) -> None:
        """Give some room of what was deleted back to the file system, where that is quick."""
        if self._engine.dialect == "sqlite":
            async with self._engine.writing() as connection:
                # It does one page a row that is fetched.
                found = await connection.execute(text(f"PRAGMA incremental_vacuum({_PAGES})"))
                if found.returns_rows:
                    found.all()

    async def drop(self, series: int) -> None:
        """Delete a series and all that is kept of it. Raises StoreFailed."""
        for table in (READINGS, MINUTES, HOURS):
            while await self._cut(_Cut(series, table, _END), STEP):
                pass
        async with self._engine.writing() as connection:
            await drop(self._engine, connection, series)

    async def _cut(self, cut: _Cut, budget: int) -> int:
        columns = cut.table.c
        mine = columns.series == cut.series
        async with self._engine.reading() as connection:
            first = await connection.scalar(select(func.min(columns.time)).where(mine))
            if first is None or first >= cut.before:
                # As nearly always: whoever stores readings need not wait for it.
                return 0
            nth = select(columns.time).where(mine, columns.time < cut.before)
            last = await connection.scalar(nth.order_by(columns.time).offset(budget).limit(1))
        before = cut.before if last is None else last
        statement = delete(cut.table).where(mine, columns.time < before)
        async with self._engine.writing() as connection:
            return (await connection.execute(statement)).rowcount

    async def _oldest(self, connection: AsyncConnection, table: Table) -> int | None:
        first = _first_of(table)
        found: int | None = await connection.scalar(select(func.min(first)).select_from(SERIES))
        return found

    async def _older(self, connection: AsyncConnection, table: Table, cut: int) -> Sequence[int]:
        query = select(SERIES.c.id).where(_first_of(table) < cut)
        return (await connection.scalars(query)).all()

    async def _drop_empty(self) -> None:
        """Forget series of which nothing is known any more, a few at a time."""
        # Of the last one SQLite would give the number to another, which is not to be mistaken for
        # it by whoever knows it still.
        last = select(func.max(SERIES.c.id)).scalar_subquery()
        empty = [SERIES.c.id < last] + [
            ~select(table.c.series).where(table.c.series == SERIES.c.id).exists()
            for table in (READINGS, MINUTES, HOURS)
        ]
        async with self._engine.reading() as connection:
            query = select(SERIES.c.id).where(*empty).limit(STEP)
            numbers = (await connection.scalars(query)).all()
        for start in range(0, len(numbers), _SERIES_AT_ONCE):
            some = numbers[start : start + _SERIES_AT_ONCE]
            async with self._engine.writing() as connection:
                await connection.execute(delete(SERIES).where(SERIES.c.id.in_(some), *empty))
        self.dropped += len(numbers)


def _first_of(table: Table) -> Any:
    return select(func.min(table.c.time)).where(table.c.series == SERIES.c.id).scalar_subquery()
