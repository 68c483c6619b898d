# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot export`."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pyaiot.cli.connection import hint
from pyaiot.cli.office import office_command
from pyaiot.cli.options import Choice
from pyaiot.cli.past import moment_of, node_named
from pyaiot.errors import SettingsInvalid
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.store import Store


async def _run(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.export import Selection
    from pyaiot.store.formats import FORMATS, Format

    now = time.time()
    selection = Selection(
        nodes=[await node_named(store, each) for each in words["node"]] or None,
        resource=words["resource"],
        path=words["path"],
        start_us=None if words["from"] is None else moment_of(words["from"], now),
        end_us=None if words["to"] is None else moment_of(words["to"], now),
    )
    form: Format = FORMATS["json" if settings.json else words["format"]]()
    written = 0
    with _target(words["output"]) as out:
        out.write(form.begin())
        async for page in store.history.export(selection):
            out.write(form.page(page))
            written += len(page)
        out.write(form.end())
        out.flush()
    if not written:
        hint("Nothing that is stored fits.", settings)


@contextmanager
def _target(name: str | None) -> Iterator[TextIO]:
    """Where to write. Raises SettingsInvalid."""
    if name in {None, "-"}:
        yield sys.stdout
        return
    try:
        # Lines end as the format says.
        out = Path(str(name)).expanduser().open("w", encoding="utf-8", newline="")
    except OSError as exc:
        raise SettingsInvalid(f"cannot write {name}: {exc.strerror}") from exc
    try:
        with out:
            yield out
    except OSError as exc:
        # The file system tells what is the matter, but not with which file.
        exc.filename = name
        raise


command = office_command(
    "export",
    "Write all readings that are stored, in the order of time, or those of some nodes. It reads the"
    " store itself, a little at a time, however many there are.",
    _run,
    [
        Choice(
            ["--format"], type=click.Choice(["csv", "json", "senml"]), default="csv",
            show_default=True, help="What to write; SenML is RFC 8428",
        ),
        Choice(
            ["--node"], multiple=True, metavar="TEXT",
            help="Only this node: its uid, the beginning of it, or its name; may be repeated",
        ),
        Choice(["--resource"], metavar="TEXT", help="Only this resource"),
        Choice(["--path"], metavar="TEXT", help="Only this place in a structured value"),
        Choice(
            ["--from"], metavar="TIME",
            help="Since when: a date and time in UTC, seconds since the epoch, or how long ago",
        ),
        Choice(["--to"], metavar="TIME", help="Before when"),
        Choice(["--output"], metavar="FILE", help="Write to this file  [default: stdout]"),
    ],
)  # fmt: skip
