# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot history`."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from pyaiot.cli.connection import Word
from pyaiot.cli.office import office_command
from pyaiot.cli.past import moment_of, node_named
from pyaiot.cli.terminal import plain, table
from pyaiot.errors import NotFound
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.courses import Course
    from pyaiot.store.history import Reading
    from pyaiot.store.series import SeriesKey
    from pyaiot.store.store import Store

_LIMIT: Final = 10_000


async def _run(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.series import SeriesKey

    now = time.time()
    start, end = moment_of(words["from"], now), moment_of(words["to"], now)
    uid = await node_named(store, words["node"])
    found = await _series(store, uid, words["resource"], words["path"])
    for key, unit in found:
        label = ".".join(part for part in (key.resource, key.path) if part)
        if not settings.json and len(found) > 1:
            click.echo(f"{plain(label)}:")
        if words["points"]:
            course = await store.history.course(key, start, end, words["points"])
            _tell(settings, key, *_of_course(course, unit))
        else:
            rows = await store.history.rows(
                SeriesKey(*key), start, end, limit=words["limit"], newest_first=True
            )
            _tell(settings, key, *_of_rows(rows[::-1], unit))


async def _series(
    store: "Store", uid: str, resource: str, path: str | None
) -> "list[tuple[SeriesKey, str]]":
    """The series of a resource, or the one of them at `path`. Raises NotFound."""
    found = [
        (each.key, each.unit)
        for each in await store.history.series(uid)
        if each.key.resource == resource and path in {None, each.key.path}
    ]
    if not found:
        raise NotFound(f"Nothing is stored of {resource} of node {uid}.")
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
        click.Option(
            ["--from"], default="1d", show_default=True, metavar="TIME",
            help="Since when: a date and time in UTC, seconds since the epoch, or how long ago.",
        ),
        click.Option(["--to"], default="0s", metavar="TIME", help="Until when.  [default: now]"),
        click.Option(["--path"], metavar="TEXT", help="Only this place in a structured value."),
        click.Option(
            ["--limit"], type=click.IntRange(1, _LIMIT), default=100, show_default=True,
            metavar="NUMBER", help="Readings at most, the newest.",
        ),
        click.Option(
            ["--points"], type=click.IntRange(1, 5000), metavar="NUMBER",
            help="Lowest, mean and highest of so many equal times in place of readings.",
        ),
    ],
)  # fmt: skip
