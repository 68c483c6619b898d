# SPDX-License-Identifier: BSD-3-Clause
"""What the commands share that work on the store itself."""

import json
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pyaiot.cli.connection import Exit, WordCommand, complain, hint
from pyaiot.cli.options import (
    CONTEXT,
    EPILOG,
    Choice,
    given,
    options_of,
    version_option,
)
from pyaiot.cli.sources import Sources
from pyaiot.cli.terminal import plain, table
from pyaiot.errors import InvalidValue, SettingsInvalid, StartFailed, StoreMissing, UnknownNode
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
    name: str,
    summary: str,
    body: Body,
    params: Sequence[click.Parameter] = (),
    *,
    makes: bool = False,
    signs: bool = False,
) -> click.Command:
    """A command that does something with the store.

    It `makes` one where there is none, or says that there is none; and it `signs`, or has no use
    for the keys.
    """
    own = {param.name or "" for param in params}

    def callback(**values: Any) -> int:
        settings = Sources.given(
            given({each: value for each, value in values.items() if each not in own})
        ).load(AccountSettings)
        if isinstance(sys.stdout, TextIOWrapper):
            # A name may hold what this terminal's encoding does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        return _carry_out(body, settings, {each: values[each] for each in own}, makes=makes)

    return WordCommand(
        name,
        params=[
            *params,
            *options_of(("Options", AccountSettings), without=() if signs else ("key_file",)),
            version_option(),
        ],
        callback=callback,
        help=summary,
        epilog=EPILOG,
        context_settings=dict(CONTEXT),
    )


def _carry_out(
    body: Body, settings: AccountSettings, words: Mapping[str, Any], *, makes: bool
) -> int:
    import asyncio

    async def work() -> None:
        store = await _opened(settings.store or "", makes=makes)
        try:
            await body(store, settings, words)
        finally:
            await store.close()

    try:
        asyncio.run(work())
    except InvalidValue as exc:
        raise click.UsageError(exc.reason) from exc
    except UnknownNode as exc:
        complain(exc.reason)
        return Exit.UNKNOWN_NODE
    return Exit.DONE


async def _opened(url: str, *, makes: bool) -> "Store":
    """The store at `url`. Raises StartFailed, with what to do where there is none."""
    import time

    from pyaiot.store.store import Store

    try:
        return await Store.open(url, time.time, make=False)
    except StoreMissing as exc:
        if not makes:
            raise StartFailed(f"{exc.reason} Services make it when they start.") from exc
        store = await Store.open(url, time.time)
        # Whoever mistyped the name of a store wonders later where things went.
        complain(f"{exc.reason} It has been made.")
        return store


def new_password(file: str | None, check: Callable[[str], None]) -> str:
    """A password from `file` (``-`` for stdin), or asked for twice without showing it.

    It is asked for again until `check` raises no InvalidValue. Raises SettingsInvalid where there
    is none.
    """
    if file is None and sys.stdin.isatty():
        return _prompted(check)
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
    password = text.rstrip("\r\n")
    if not password:
        where = "on stdin" if file in {None, "-"} else f"in {file}"
        raise SettingsInvalid(f"there is no password {where}")
    check(password)
    return password


def _prompted(check: Callable[[str], None]) -> str:
    def checked(password: str) -> str:
        try:
            check(password)
        except InvalidValue as exc:
            raise click.UsageError(exc.reason) from exc
        return password

    # The event loop would have Ctrl-C wait for the answer that it is meant to spare.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        password: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, value_proc=checked
        )
    finally:
        signal.signal(signal.SIGINT, former)
    return password


def password_option() -> click.Option:
    """``--password-file``."""
    return Choice(
        ["--password-file"],
        metavar="FILE",
        help="Read the password from the first line of this file, or of stdin with '-'  [default:"
        " ask for it at a terminal, else stdin]",
    )


def tell(settings: AccountSettings, words: str, **members: object) -> None:
    """Say what was done, in words or as an object."""
    click.echo(json.dumps(members) if settings.json else words)


def tell_rows(
    settings: AccountSettings,
    header: Sequence[str],
    rows: Sequence[Mapping[str, object]],
    otherwise: str,
) -> None:
    """List `rows`, each of which has the members that `header` names in capitals.

    Where there are none, people are told `otherwise`.
    """
    if not rows:
        hint(otherwise, settings)
    elif settings.json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        lines = [[_cell(row[name.lower()]) for name in header] for row in rows]
        for line in table([list(header), *lines], None, ()):
            click.echo(line)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else plain(str(value))
