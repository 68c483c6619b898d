# SPDX-License-Identifier: BSD-3-Clause
"""pyaiot's commands as processes of their own, as a user starts them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import eventually

STARTING = 30.0
"""Seconds; a bound for a machine that is busy with other tests."""
LAST_WORDS = 4000
"""Characters of a log that are shown with a test that failed."""


def free_ports(number: int) -> list[int]:
    """Ports of loopback that were free a moment ago, for TCP and for UDP."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < number:
            tcp = stack.enter_context(socket.socket())
            udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                found.append(port)
    return found


@dataclass
class Running:
    """A command that runs, or did."""

    process: asyncio.subprocess.Process
    log_file: Path

    @property
    def log(self) -> str:
        """What it has written to stdout and stderr."""
        return self.log_file.read_text(encoding="utf-8")

    async def says(self, text: str) -> None:
        """Wait until it has written `text`."""
        await eventually(lambda: text in self.log or self.process.returncode is not None, STARTING)
        assert text in self.log, self.log

    async def ended(self) -> int:
        """Wait for its end and return the exit status."""
        return await asyncio.wait_for(self.process.wait(), STARTING)

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and return the exit status."""
        self.process.send_signal(number)
        return await self.ended()


@contextlib.asynccontextmanager
async def running(home: Path, *words: str | Path, **environ: str) -> AsyncIterator[Running]:
    """Start a command with `home` as its home directory; kill it in the end if need be.

    The first word is the name of a console script, or the path of a Python script.
    """
    log_file = _log_file(home, Path(words[0]).stem)
    # Each home has a store of its own: who has an account in one is nobody elsewhere.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYAIOT_") and name != "XDG_DATA_HOME"
    }
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *_command(words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            env={**inherited, "HOME": str(home), "PYTHONUNBUFFERED": "1", **environ},
            cwd=home,
        )
    command = Running(process, log_file)
    try:
        yield command
    except BaseException as exc:
        exc.add_note(f"{words[0]} wrote at last:\n{command.log[-LAST_WORDS:]}")
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def run_to_end(home: Path, *words: str | Path, **environ: str) -> tuple[int, str]:
    """Run a command that ends by itself; its exit status, and what it wrote."""
    async with running(home, *words, **environ) as command:
        return await command.ended(), command.log


def _log_file(folder: Path, name: str) -> Path:
    number = len(list(folder.glob("*.log")))
    return folder / f"{number}-{name}.log"


def _command(words: Sequence[str | Path]) -> list[str]:
    first = words[0]
    if isinstance(first, Path):
        return [sys.executable, *map(str, words)]
    return [str(Path(sys.executable).parent / first), *map(str, words[1:])]
