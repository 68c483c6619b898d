# SPDX-License-Identifier: BSD-3-Clause
"""What nodes reported in the past."""

from typing import Any, Final

from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.described import seen
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.forms import Course, CourseWanted, Page, Row, RowsWanted, Series
from pyaiot.errors import InvalidValue
from pyaiot.model.samples import microseconds
from pyaiot.store.history import Reading
from pyaiot.store.series import SeriesKey

HOUR: Final = 3600.0


async def series(call: Call[NoQuery, None]) -> Page[Series]:
    uid = await seen(call, call.params["uid"])
    return Page(
        tuple(
            Series(uid, each.key.resource, each.key.path, each.unit,
                   _seconds(each.first_us), _seconds(each.last_us))
            for each in await call.services.store.history.series(uid)
        )
    )  # fmt: skip


async def course(call: Call[CourseWanted, None]) -> Course:
    key = await _key(call, call.query.path)
    start, end = span(call.query.start, call.query.end, call.now.wall)
    found = await call.services.store.history.course(key, start, end, call.query.points)
    return Course(
        Series(key.node, key.resource, key.path, found.unit),
        found.start_us / 1e6,
        found.end_us / 1e6,
        found.step_us / 1e6,
        tuple(
            (each.time_us / 1e6, each.low, each.mean, each.high, each.count)
            for each in found.points
        ),
    )


async def rows(call: Call[RowsWanted, None]) -> Page[Row]:
    key = await _key(call, call.query.path)
    start, end = span(call.query.start, call.query.end, call.now.wall)
    found, more = await call.services.store.history.page(
        key, start, end, call.query.limit, place_of(call.query.cursor, int)
    )
    return Page(tuple(map(_row, found)), cursor_of(found[-1].time_us) if more else None)


def span(start: float | None, end: float | None, now: float) -> tuple[int, int]:
    """A span in whole microseconds; an hour until now by default. Raises InvalidValue."""
    last = now if end is None else end
    first = max(0.0, last - HOUR) if start is None else start
    if first > last:
        raise InvalidValue("In the query: `from` is after `to`.")
    return microseconds(first), microseconds(last)


async def _key(call: Call[Any, None], path: str) -> SeriesKey:
    uid = await seen(call, call.params["uid"])
    return SeriesKey(uid, call.params["endpoint"], path)


def _row(reading: Reading) -> Row:
    value = reading.text if reading.number is None else reading.number
    return Row(reading.time_us / 1e6, value)


def _seconds(micro: int | None) -> float | None:
    return None if micro is None else micro / 1e6


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/nodes/{uid}/series", Who.VISITOR, series,
        "Of what a node has a history", answer=Page[Series], problems=(404,),
    ),
    Endpoint(
        "GET", "/nodes/{uid}/resources/{endpoint}/history", Who.VISITOR, course,
        "How a resource went, in as many points as a chart can show; extremes are kept",
        query=CourseWanted, answer=Course, problems=(404,), refuses="`from` after `to`",
    ),
    Endpoint(
        "GET", "/nodes/{uid}/resources/{endpoint}/rows", Who.VISITOR, rows,
        "All that was stored of a resource, in the order of time",
        query=RowsWanted, answer=Page[Row], problems=(404,), refuses="`from` after `to`",
    ),
)  # fmt: skip
