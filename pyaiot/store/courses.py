# SPDX-License-Identifier: BSD-3-Clause
"""How a series went over time, in as many points as a chart can show."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.store.engine import Engine
from pyaiot.store.series import SeriesKey, number_of
from pyaiot.store.summaries import HOUR, MINUTE, Summaries


class Point(Struct, frozen=True, gc=False):
    """What was measured during one step, or one reading."""

    time_us: int
    """The middle of the step, or the time of the reading."""
    low: float
    mean: float
    high: float
    count: int
    """How many readings."""


class Course(Struct, frozen=True):
    """Numbers over time; no extreme is left out."""

    key: SeriesKey
    unit: str
    start_us: int
    end_us: int
    step_us: int
    """What one point stands for; 0 where each is one reading."""
    points: list[Point]


class _Sum(Struct, frozen=True, gc=False):
    low: float
    total: float
    high: float
    count: int


_RAW: Final = text("""
    SELECT (time - :start) / :step AS bucket,
           min(number), sum(number), max(number), count(*)
    FROM readings WHERE series = :series AND time >= :from AND time < :until
    AND number IS NOT NULL GROUP BY 1
""")
# SQLite would sort all readings to group them. So it looks for those of each step, one after the
# other, and says in one text what it found, since each column would be a search of its own;
# quote() writes a number so that the same is read again.
_RAW_SQLITE: Final = text("""
    WITH RECURSIVE steps(bucket) AS (
        SELECT (:from - :start) / :step
        UNION ALL
        SELECT bucket + 1 FROM steps WHERE bucket < (:until - 1 - :start) / :step
    )
    SELECT bucket, (
        SELECT quote(min(number)) || ' ' || quote(sum(number)) || ' ' || quote(max(number))
               || ' ' || count(*)
        FROM readings
        WHERE series = :series AND number IS NOT NULL
        AND time >= max(:from, :start + bucket * :step)
        AND time < min(:until, :start + (bucket + 1) * :step)
    ) FROM steps
""")
_READINGS: Final = text("""
    SELECT time, number FROM readings
    WHERE series = :series AND time >= :start AND time < :end AND number IS NOT NULL
    ORDER BY time LIMIT :limit
""")


def _summed(table: str) -> str:
    return f"""
        SELECT (time - :start) / :step AS bucket,
               min(low), sum(mean * count), max(high), sum(count)
        FROM {table} WHERE series = :series AND time >= :from AND time < :until GROUP BY 1
    """  # noqa: S608 - the names of our tables


_MINUTES: Final = text(_summed("minutes"))
_HOURS: Final = text(_summed("hours"))
_FIRST: Final = text("""
    SELECT (SELECT min(time) FROM readings WHERE series = :series),
           (SELECT min(time) FROM minutes WHERE series = :series)
""")


class Courses:
    """Reads readings, minutes or hours, whatever is fine enough and there."""

    def __init__(self, engine: Engine, summaries: Summaries) -> None:
        self._engine = engine
        self._summaries = summaries

    async def course(self, key: SeriesKey, start: int, end: int, points: int) -> Course:
        """The course of a series from `start` until before `end` (microseconds).

        Empty for a series that is not there. Raises StoreFailed.
        """
        step = max(1, -(-(end - start) // points))
        async with self._engine.reading() as connection:
            found = await number_of(connection, key)
            if found is None or end <= start:
                return Course(key, found[1] if found else "", start, end, 0, [])
            number, unit = found
            spans = await self._spans(connection, number, start, end, step)
            if len(spans) == 1 and spans[0][0] is _RAW:
                few = await _readings(connection, number, start, end, points)
                if few is not None:
                    return Course(key, unit, start, end, 0, few)
            sums: dict[int, _Sum] = {}
            for query, since, until in spans:
                where = {
                    "series": number, "start": start, "step": step, "from": since, "until": until,
                }  # fmt: skip
                if query is _RAW and self._engine.dialect == "sqlite":
                    _gather(sums, _told(await connection.execute(_RAW_SQLITE, where)))
                else:
                    _gather(sums, await connection.execute(query, where))
        return Course(key, unit, start, end, step, _points(sums, start, end, step))

    async def _spans(
        self, connection: AsyncConnection, series: int, start: int, end: int, step: int
    ) -> list[tuple[TextClause, int, int]]:
        """Which table says what of which time, the coarsest first."""
        first_raw, first_minute = (await connection.execute(_FIRST, {"series": series})).one()
        minute_mark, hour_mark = await self._summaries.marks(connection)
        # Before the first that is still kept, there is only what is coarser.
        raw = end if first_raw is None else first_raw - first_raw % MINUTE
        minutes = end if first_minute is None else first_minute - first_minute % HOUR
        if step >= MINUTE:
            raw = max(raw, minute_mark)
        if step >= HOUR:
            minutes = max(minutes, hour_mark)
        raw = min(max(raw, start), end)
        if first_raw is None:
            raw = end
        minutes = min(max(minutes, start), raw)
        spans = [(_HOURS, start, minutes), (_MINUTES, minutes, raw), (_RAW, raw, end)]
        # The summary that `start` lies in belongs to it as well: better too much than a gap.
        floors = {_HOURS: HOUR, _MINUTES: MINUTE, _RAW: 1}
        return [
            (query, since - (since % floors[query] if since == start else 0), until)
            for query, since, until in spans
            if until > since
        ]


async def _readings(
    connection: AsyncConnection, series: int, start: int, end: int, points: int
) -> list[Point] | None:
    """The readings themselves, unless there are more than `points`."""
    where = {"series": series, "start": start, "end": end, "limit": points + 1}
    rows = (await connection.execute(_READINGS, where)).all()
    if len(rows) > points:
        return None
    return [Point(time, number, number, number, 1) for time, number in rows]


def _told(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, float, float, float, int]]:
    """What SQLite found of each step, as other queries say it."""
    for bucket, found in rows:
        low, total, high, count = found.split(" ")
        if count != "0":
            yield bucket, float(low), float(total), float(high), int(count)


def _gather(sums: dict[int, _Sum], rows: Iterable[Any]) -> None:
    for bucket, low, total, high, count in rows:
        # What began before the start counts as its first step.
        at = max(0, int(bucket))
        before = sums.get(at)
        if before is not None:
            low, high = min(low, before.low), max(high, before.high)  # noqa: PLW2901 - the sum
            total, count = total + before.total, count + before.count  # noqa: PLW2901 - the sum
        sums[at] = _Sum(low, total, high, int(count))


def _points(sums: dict[int, _Sum], start: int, end: int, step: int) -> list[Point]:
    return [
        Point(
            (start + bucket * step + min(start + (bucket + 1) * step, end)) // 2,
            each.low,
            each.total / each.count,
            each.high,
            each.count,
        )
        for bucket, each in sorted(sums.items())
    ]
