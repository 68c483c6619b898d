# SPDX-License-Identifier: BSD-3-Clause
"""What the commands share that work on the store itself."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pyaiot.cli.connection import WordCommand
from pyaiot.cli.options import (
    CONTEXT,
    EPILOG,
    given,
    options_of,
    version_option,
)
from pyaiot.cli.sources import Sources
from pyaiot.cli.terminal import plain, table
from pyaiot.errors import InvalidValue, SettingsInvalid
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.store import Store

Body = Callable[["Store", AccountSettings, Mapping[str, Any]], Awaitable[None]]
"""What a command does: with the store, its settings and its arguments and options by name."""

MAX_LINE: Final = 4096
"""Characters of what may stand in a file with a password."""


def office_group(name: str, summary: str, commands: Sequence[click.Command]) -> click.Group:
    """A command that has subcommands, and says which where it is given none."""

    def callback() -> None:
        ctx = click.get_current_context()
        if ctx.invoked_subcommand is None:
            click.echo(ctx.get_help())

    return click.Group(
        name,
        commands={each.name or "": each for each in commands},
        callback=callback,
        params=[version_option()],
        invoke_without_command=True,
        help=summary,
        context_settings=dict(CONTEXT),
    )


def office_command(
    name: str, summary: str, body: Body, params: Sequence[click.Parameter] = ()
) -> click.Command:
    """A command that does something with the store."""
    own = {param.name or "" for param in params}

    def callback(**values: Any) -> None:
        settings = Sources.given(
            given({each: value for each, value in values.items() if each not in own})
        ).load(AccountSettings)
        if isinstance(sys.stdout, TextIOWrapper):
            # A name may hold what this terminal's encoding does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        _carry_out(body, settings, {each: values[each] for each in own})

    return WordCommand(
        name,
        params=[*params, *options_of(("Options", AccountSettings)), version_option()],
        callback=callback,
        help=summary,
        epilog=EPILOG,
        context_settings=dict(CONTEXT),
    )


def _carry_out(body: Body, settings: AccountSettings, words: Mapping[str, Any]) -> None:
    import asyncio
    import time

    from pyaiot.store.store import Store

    async def work() -> None:
        store = await Store.open(settings.store or "", time.time)
        try:
            await body(store, settings, words)
        finally:
            await store.close()

    try:
        asyncio.run(work())
    except InvalidValue as exc:
        raise click.UsageError(exc.reason) from exc


def new_password(file: str | None) -> str:
    """A password from `file` (``-`` for stdin), or asked for twice without showing it.

    Raises SettingsInvalid where there is none.
    """
    if file is None and sys.stdin.isatty():
        prompted: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return prompted
    try:
        if file in {None, "-"}:
            text = sys.stdin.readline(MAX_LINE)
        else:
            with Path(str(file)).expanduser().open(encoding="utf-8") as stream:
                text = stream.readline(MAX_LINE)
    except OSError as exc:
        raise SettingsInvalid(f"cannot read {file}: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise SettingsInvalid("the password is no text") from None
    return text.rstrip("\r\n")


def password_option() -> click.Option:
    """``--password-file``."""
    return click.Option(
        ["--password-file"],
        metavar="FILE",
        help="Read the password from the first line of this file, or of stdin with '-'.  [default:"
        " ask for it]",
    )


def tell(settings: AccountSettings, words: str, **members: object) -> None:
    """Say what was done, in words or as an object."""
    click.echo(json.dumps(members) if settings.json else words)


def tell_rows(
    settings: AccountSettings, header: Sequence[str], rows: Sequence[Mapping[str, object]]
) -> None:
    """List `rows`, each of which has the members that `header` names in capitals."""
    if settings.json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    lines = [[_cell(row[name.lower()]) for name in header] for row in rows]
    for line in table([list(header), *lines], None, ()):
        click.echo(line)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else plain(str(value))
