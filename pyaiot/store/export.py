# SPDX-License-Identifier: BSD-3-Clause
"""Reads all that was stored, in the order of time, a page at a time.

There is no index of times alone, since it would double what is written. So time is walked through
in windows that are as long as gives a page, and within one each series is looked at.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.model.samples import Sample
from pyaiot.store.engine import Engine
from pyaiot.store.schema import READINGS, SERIES
from pyaiot.store.summaries import HOUR, MINUTE

PAGE: Final = 5000
"""Readings that are in memory at once."""

ROOM: Final = 4 << 20
"""Characters of texts above which a page ends with fewer."""

_STEP: Final = 250
"""Readings that are taken from the database at once: so many may be long after short ones."""

_MAX_KNOWN: Final = 20_000
"""Series whose names are kept at hand."""

_MAX_WINDOW: Final = 366 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be read; None means all."""

    nodes: Collection[str] | None = None
    resource: str | None = None
    path: str | None = None
    start_us: int | None = None
    end_us: int | None = None
    """Before that."""


@dataclass(slots=True)
class _Place:
    """How far it is read: up to this time, and of that time up to this series."""

    time: int
    series: int = -1
    window: int = MINUTE

    def jump(self, time: int) -> None:
        """Go on where there is something; nobody knows how much."""
        if time > self.time:
            self.time, self.series, self.window = time, -1, min(self.window, MINUTE)

    def advance(self, rows: list[Row[Any]], page: int, *, whole: bool) -> None:
        """Go past what was read: the `whole` window, or some rows of it."""
        if not whole:
            self.time, self.series = rows[-1].time, rows[-1].series
            self.window = max(1, self.window // 4)
            return
        self.time, self.series = self.time + self.window, -1
        if len(rows) < page // 4:
            self.window = min(self.window * 2, _MAX_WINDOW)


class Export:
    """One reading of a selection, from its beginning to what there was when it began."""

    def __init__(self, engine: Engine, selection: Selection, page: int = PAGE) -> None:
        self._engine = engine
        self._selection = selection
        self._page = page
        self._conditions = list(self._chosen())
        self._series: dict[int, tuple[str, str, str, str]] = {}

    async def pages(self) -> AsyncIterator[list[Sample]]:
        """The readings in the order of time.

        No transaction is open while the reader takes its time. Raises StoreFailed.
        """
        place = _Place(self._selection.start_us or 0)
        async with self._engine.reading() as connection:
            last: int | None = await connection.scalar(self._extreme(func.max))
        if last is None:
            return
        end = last + 1
        if self._selection.end_us is not None:
            end = min(end, self._selection.end_us)
        while place.time < end:
            async with self._engine.reading() as connection:
                if place.series < 0:
                    first = self._extreme(func.min, READINGS.c.time >= place.time)
                    found: int | None = await connection.scalar(first)
                    place.jump(end if found is None else found)
                query = self._window(place, end)
                rows, whole = await read_some(connection, query, self._page)
                await self._know(connection, {row[0] for row in rows})
            place.advance(rows, self._page, whole=whole)
            if rows:
                yield list(self._samples(rows))

    async def _know(self, connection: AsyncConnection, series: set[int]) -> None:
        """Know what these series are called: it is quicker than to be told with each reading."""
        if len(self._series) > _MAX_KNOWN:
            self._series.clear()
        if new := series - self._series.keys():
            query = select(SERIES).where(SERIES.c.id.in_(sorted(new)))
            for number, node, resource, path, unit in await connection.execute(query):
                self._series[number] = (node, resource, path, unit)

    def _samples(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Sample]:
        for series, time, number, text in rows:
            # PostgreSQL may have let go of a series since its readings were found.
            if (names := self._series.get(series)) is not None:
                node, resource, path, unit = names
                yield Sample(node, resource, path, time, number, text, unit)

    def _chosen(self) -> Iterator[ColumnElement[bool]]:
        """What holds for the series of the selection."""
        chosen = self._selection
        if chosen.nodes is not None:
            yield self._engine.one_of(SERIES.c.node, chosen.nodes)
        if chosen.resource is not None:
            yield SERIES.c.resource == chosen.resource
        if chosen.path is not None:
            yield SERIES.c.path == chosen.path

    def _extreme(
        self, which: Callable[[Any], Any], *conditions: ColumnElement[bool]
    ) -> Select[Any]:
        """The first or last time of all series; each is one look into the primary key."""
        of_one = (
            select(which(READINGS.c.time))
            .where(READINGS.c.series == SERIES.c.id, *conditions)
            .correlate(SERIES)
            .scalar_subquery()
        )
        # The table is named, or it would be looked through as a whole where nothing is chosen.
        return select(which(of_one)).select_from(SERIES).where(*self._conditions)

    def _window(self, place: _Place, end: int) -> Select[Any]:
        until = min(place.time + place.window, end)
        return (
            select(READINGS)
            # By this SQLite goes series by series instead of through all readings there are.
            .where(READINGS.c.series.in_(select(SERIES.c.id).where(*self._conditions)))
            .where(READINGS.c.time >= place.time, READINGS.c.time < until)
            .where(tuple_(READINGS.c.time, READINGS.c.series) > (place.time, place.series))
            .order_by(READINGS.c.time, READINGS.c.series)
            .limit(self._page)
        )


async def read_some(
    connection: AsyncConnection, query: Select[Any], most: int
) -> tuple[list[Row[Any]], bool]:
    """At most so many readings that are asked for, and whether those are all.

    There are fewer where their texts are long.
    """
    rows: list[Row[Any]] = []
    taken = 0
    async with connection.stream(query) as result:
        while len(rows) < most and taken < ROOM:
            some = await result.fetchmany(min(_STEP, most - len(rows)))
            if not some:
                return rows, True
            rows += some
            taken += sum(len(row.text) for row in some if row.text is not None)
    return rows, False
