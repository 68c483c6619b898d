# SPDX-License-Identifier: BSD-3-Clause
"""What the commands of the terminal client share: options, the way to a broker, exit statuses."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from enum import IntEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.entry import leave_on_signal
from pyaiot.cli.options import (
    CONTEXT,
    EPILOG,
    SettingsCommand,
    given,
    options_of,
    version_option,
)
from pyaiot.cli.sources import Sources
from pyaiot.errors import InvalidValue, LinkFailed, PermissionDenied, UnknownNode
from pyaiot.settings import KEY_FILE, AccountSettings, ClientSettings, settings_of

if TYPE_CHECKING:
    import ssl

    from pyaiot.link.subscriber import Subscriber
    from pyaiot.messages.keys import KeyPair

_OPTIONS: Final = settings_of(ClientSettings)


class Exit(IntEnum):
    """How a command ended, beside 2 for a mistake in its options or arguments."""

    DONE = 0
    UNREACHABLE = 1
    """The broker cannot be reached."""
    FAILED = 3
    TIMEOUT = 4
    DENIED = 5
    UNKNOWN_NODE = 6


Body = Callable[["Subscriber", ClientSettings, Sequence[str]], Awaitable[int]]
"""What a command does: with the way to the broker, its settings and its arguments."""


class WordCommand(SettingsCommand):
    """Flags take a value only after ``=``, for what follows them may be an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        options = [f"{each}=true" if _is_flag(each) else each for each in args[:end]]
        return super().parse_args(ctx, options + args[end:])


def _is_flag(word: str) -> bool:
    name = word.removeprefix("--").replace("-", "_")
    return word.startswith("--") and name in _OPTIONS and _OPTIONS[name].kind is bool


class Word(click.Argument):
    """An argument; the command's own words say what it is."""

    def get_help_record(self, ctx: click.Context) -> None:  # type: ignore[override]
        # As click had it before it listed arguments.
        del ctx


def client_command(
    name: str,
    summary: str,
    body: Body,
    *words: str,
    required: bool = True,
    endless: bool = False,
) -> click.Command:
    """A command with `words` as arguments that `body` carries out; it returns the exit status.

    A signal is the ordinary end of what is `endless`.
    """

    def callback(**values: str | None) -> int:
        if endless:
            leave_on_signal()
        given_words = [word for each in words if (word := values.pop(each)) is not None]
        settings = Sources.given(given(values)).load(ClientSettings)
        if isinstance(sys.stdout, TextIOWrapper):
            # A node's name may hold what this terminal's encoding does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        return _carry_out(body, settings, given_words)

    return WordCommand(
        name,
        params=[
            *(Word([word], required=required) for word in words),
            *options_of(("Options", ClientSettings)),
            version_option(),
        ],
        callback=callback,
        help=summary,
        epilog=EPILOG,
        # Words may begin with a minus where all are needed: what is one too many is an error.
        context_settings={**CONTEXT, "ignore_unknown_options": bool(words) and required},
    )


def _carry_out(body: Body, settings: ClientSettings, words: Sequence[str]) -> int:
    import asyncio

    async def work() -> int:
        return await body(subscriber_for(settings), settings, words)

    try:
        return asyncio.run(work())
    except InvalidValue as exc:
        raise click.UsageError(exc.reason) from exc
    except LinkFailed as exc:
        where = f"{settings.broker_host}:{settings.broker_port}"
        complain(f"no connection to the broker at {where}: {exc}")
        return Exit.UNREACHABLE
    except UnknownNode as exc:
        complain(exc.reason)
        return Exit.UNKNOWN_NODE
    except PermissionDenied as exc:
        shown = any(proofs_for(settings.key_file))
        keys = f"not let in with the keys of {settings.key_file}: " if shown else ""
        complain(f"{keys}{exc.reason}")
        return Exit.DENIED


def subscriber_for(settings: ClientSettings) -> "Subscriber":
    """The way to the broker that `settings` name. Raises SettingsInvalid."""
    import time

    from pyaiot.link.subscriber import Subscriber, client_url

    return Subscriber(
        client_url(
            settings.broker_host or "localhost", settings.broker_port, tls=settings.broker_ssl
        ),
        proofs_for(settings.key_file),
        time.time,
        tls=_tls(settings.broker_ca) if settings.broker_ssl else None,
        patience=settings.timeout,
    )


def proofs_for(key_file: str) -> "list[KeyPair | None]":
    """What to prove oneself with, in the order in which to try.

    A key file that is named must be there, and its keys must do. What lies at the usual place may
    be for another broker, which perhaps asks for no proof. Raises KeyFileInvalid.
    """
    from pathlib import Path

    from pyaiot.link.keyfile import read_keys

    usual = key_file == KEY_FILE
    if usual and not Path(key_file).expanduser().exists():
        return [None]
    pairs: list[KeyPair | None] = list(read_keys(key_file).pairs)
    return [*pairs, None] if usual else pairs


def complain(reason: str) -> None:
    """Say what is wrong, on a line of its own."""
    program = click.get_current_context().find_root().info_name
    click.echo(f"{program}: {' '.join(reason.split())}", err=True)


def hint(words: str, settings: ClientSettings | AccountSettings) -> None:
    """Say to people, but not to programs, what they may wonder about."""
    if not settings.json:
        click.echo(words, err=True)


def _tls(ca_file: str | None) -> "ssl.SSLContext":
    import ssl

    from pyaiot.errors import SettingsInvalid

    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsInvalid(f"broker_ca: cannot use '{ca_file}': {exc}") from exc
