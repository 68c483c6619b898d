# SPDX-License-Identifier: BSD-3-Clause
"""How every command begins and ends: one line for an error, and a status that says which kind."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

import click

from pyaiot.errors import PyaiotError, SettingsInvalid


def console_script(command: click.Command) -> Callable[[], None]:
    """The function that a console script calls to run `command`."""

    def main() -> None:
        sys.exit(execute(command, sys.argv[1:]))

    return main


def execute(command: click.Command, args: Sequence[str]) -> int:
    """Run a command and return its exit status.

    0 is success and 2 a mistake in options or files; the command itself returns any other, and 1
    stands for everything that went wrong later. Errors are one line on stderr.
    """
    program = command.name or ""
    try:
        status = command.main(args=list(args), prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except click.ClickException as exc:
        return _failed(program, " ".join(exc.format_message().split()), 2)
    except PyaiotError as exc:
        return _failed(program, exc.reason, 2 if isinstance(exc, SettingsInvalid) else 1)
    except BrokenPipeError:
        # Whoever read this program's output has enough, as `head` does; the interpreter would
        # complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


def leave_on_signal() -> None:
    """End cleanly on SIGTERM and SIGINT while a service is still being imported."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _failed(program: str, reason: str, status: int) -> int:
    sys.stderr.write(f"{program}: {reason}\n")
    return status
