# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot` and its subcommands, each imported when it is called."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Final

import click

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import CONTEXT, version_option

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "up": "Run broker, gateways and page in one process.",
    "demo": "The same, with simulated nodes of every protocol.",
    "nodes": "List the nodes.",
    "watch": "Follow what nodes report.",
    "set": "Set a resource of a node, and wait for the result.",
    "history": "Show what is stored of a resource.",
    "export": "Write stored readings as CSV, JSON or SenML.",
    "user": "Make, list, change and remove accounts.",
    "token": "Make, list and revoke tokens of nodes.",
    "simulate": "Be as many nodes as you like, for running gateways.",
}
"""What each module of this package that holds a subcommand is for."""


class _Subcommands(click.Group):
    """A group that knows what its subcommands are for without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        command = import_module(f"pyaiot.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each of those modules holds one
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = get_close_matches(args[0], SUBCOMMANDS, 1)
        if near and near[0] != args[0]:
            ctx.fail(f"No such command '{args[0]}'. (Did you mean '{near[0]}'?)")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


def _help(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


command = _Subcommands(
    "aiot",
    callback=click.pass_context(_help),
    params=[version_option()],
    invoke_without_command=True,
    help="Connect small things to the web, and see and control them from here.",
    context_settings=dict(CONTEXT),
)
main = console_script(command)
