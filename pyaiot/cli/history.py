# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot history`."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from pyaiot.cli.connection import Word, hint
from pyaiot.cli.office import office_command
from pyaiot.cli.options import Choice
from pyaiot.cli.past import moment_of, node_named
from pyaiot.cli.terminal import plain, table
from pyaiot.errors import NotFound
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.courses import Course
    from pyaiot.store.history import Reading, Series
    from pyaiot.store.series import SeriesKey
    from pyaiot.store.store import Store

_LIMIT: Final = 10_000

_SHOWN: Final = 20
"""Resources that an error names."""


async def _run(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.series import SeriesKey

    now = time.time()
    start, end = moment_of(words["from"], now), moment_of(words["to"], now)
    uid = await node_named(store, words["node"])
    found = await _series(store, uid, words["resource"], words["path"])
    for each in found:
        key, label = each.key, _label(each.key)
        if not settings.json and len(found) > 1:
            click.echo(f"{plain(label)}:")
        if words["points"]:
            course = await store.history.course(key, start, end, words["points"])
            header, rows = _of_course(course, each.unit)
        else:
            readings = await store.history.rows(
                SeriesKey(*key), start, end, limit=words["limit"], newest_first=True
            )
            header, rows = _of_rows(readings[::-1], each.unit)
        if rows:
            _tell(settings, key, header, rows)
        else:
            hint(_why_nothing(each, start, end), settings)


def _label(key: "SeriesKey") -> str:
    return ".".join(part for part in (key.resource, key.path) if part)


def _why_nothing(series: "Series", start: int, end: int) -> str:
    """What to say of a series of which there is nothing to show of that time."""
    from pyaiot.store.formats import iso

    label, last = plain(_label(series.key)), series.last_us
    if last is not None and start <= last < end:
        return f"What is stored of {label} is no number: leave out --points"
    newest = "" if last is None else f"; the newest is of {iso(last)}"
    return f"Nothing is stored of {label} in that time{newest}"


async def _series(store: "Store", uid: str, resource: str, path: str | None) -> "list[Series]":
    """The series of a resource, or the one of them at `path`. Raises NotFound."""
    known = await store.history.series(uid)
    found = [
        each for each in known if each.key.resource == resource and path in {None, each.key.path}
    ]
    if not found:
        of = {each.key.resource: None for each in known}
        within = [each.key.path for each in known if each.key.resource == resource]
        what = f"'{path}' in {resource}" if within else f"'{resource}'"
        some = ", ".join(list(filter(None, within) if within else of)[:_SHOWN])
        raise NotFound(
            f"Nothing is stored of {what} of node {uid}{f'; there is {some}' if some else ''}."
        )
    return found


def _of_rows(rows: "Sequence[Reading]", unit: str) -> tuple[list[str], list[dict[str, Any]]]:
    return ["TIME", "VALUE"], [
        {
            "time": row.time_us / 1e6,
            "value": row.text if row.number is None else row.number,
            "unit": unit if row.number is not None else "",
        }
        for row in rows
    ]


def _of_course(course: "Course", unit: str) -> tuple[list[str], list[dict[str, Any]]]:
    return ["TIME", "LOW", "MEAN", "HIGH", "COUNT"], [
        {
            "time": point.time_us / 1e6, "low": point.low, "mean": point.mean,
            "high": point.high, "count": point.count, "unit": unit,
        }
        for point in course.points
    ]  # fmt: skip


def _tell(
    settings: AccountSettings, key: "SeriesKey", header: list[str], rows: list[dict[str, Any]]
) -> None:
    if settings.json:
        for row in rows:
            click.echo(
                json.dumps({"node": key.node, "resource": key.resource, "path": key.path, **row})
            )
        return
    lines = [[_cell(name, row) for name in header] for row in rows]
    for line in table([header, *lines], None, ()):
        click.echo(line)


def _cell(name: str, row: Mapping[str, Any]) -> str:
    from pyaiot.store.formats import iso

    value = row[name.lower()]
    if name == "TIME":
        return iso(round(value * 1e6))
    if isinstance(value, float):
        return plain(f"{value:.6g}{row['unit']}")
    return "" if value is None else plain(str(value))


command = office_command(
    "history",
    "Show what is stored of RESOURCE of NODE (its uid, the beginning of it, or its name): the last"
    " readings, or with --points how it went. It reads the store itself.",
    _run,
    [
        Word(["node"]),
        Word(["resource"]),
        Choice(
            ["--from"], default="1d", show_default=True, metavar="TIME",
            help="Since when: a date and time in UTC, seconds since the epoch, or how long ago",
        ),
        Choice(["--to"], default="0s", metavar="TIME", help="Until when  [default: now]"),
        Choice(["--path"], metavar="TEXT", help="Only this place in a structured value"),
        Choice(
            ["--limit"], type=click.IntRange(1, _LIMIT), default=100, show_default=True,
            metavar="NUMBER", help="Readings at most, the newest",
        ),
        Choice(
            ["--points"], type=click.IntRange(1, 5000), metavar="NUMBER",
            help="Lowest, mean and highest of so many equal times in place of readings",
        ),
    ],
)  # fmt: skip
