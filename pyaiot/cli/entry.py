# SPDX-License-Identifier: BSD-3-Clause
"""How every command begins and ends: one line for an error, and a status that says which kind."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final

import click

from pyaiot.errors import PyaiotError, SettingsInvalid

_UNWRITTEN: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What may be the matter where output cannot be written."""


def console_script(command: click.Command) -> Callable[[], None]:
    """The function that a console script calls to run `command`."""

    def main() -> None:
        _have_streams()
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
    except OSError as exc:
        if exc.errno not in _UNWRITTEN:
            raise
        if exc.filename is not None:
            return _failed(program, f"cannot write {exc.filename}: {exc.strerror}", 1)
        # The interpreter would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Whoever read this program's output has enough, as `head` does: no more is to be said.
        return (
            1 if exc.errno == errno.EPIPE else _failed(program, f"cannot write: {exc.strerror}", 1)
        )
    return status if isinstance(status, int) else 0


def _have_streams() -> None:
    """See to it that there are stdin, stdout and stderr, where whoever calls has closed some.

    A file that is opened later must not get their numbers, or what is printed would go there.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            # The lowest number that is free, which is this one.
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - for good
            assert stream.fileno() == number  # noqa: S101 - see above
            setattr(sys, name, stream)


def leave_on_signal() -> None:
    """End cleanly on SIGTERM and SIGINT while a service is still being imported."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _failed(program: str, reason: str, status: int) -> int:
    sys.stderr.write(f"{program}: {reason}\n")
    return status
