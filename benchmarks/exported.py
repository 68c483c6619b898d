# SPDX-License-Identifier: BSD-3-Clause
"""All that a store holds as one file, through the REST API: what memory that takes of the server.

``python -m benchmarks.exported FILE ROWS`` makes the store.
"""

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.machine import forget_peak, peak, resident
from benchmarks.measures import Bench, Figures, MeasureFailed
from benchmarks.memory import BUILD, on_all_cores
from benchmarks.peers import Server, free_port
from benchmarks.signed import Keys
from pyaiot.model.samples import Sample
from pyaiot.store.store import Store

SERIES: Final = 1000
AT_ONCE: Final = 20_000
"""Readings that are stored at once."""
BUFFER: Final = 65_536
"""Bytes that the reader's side of the connection takes."""
REST: Final = 0.2
"""Seconds for which the reader rests,"""
EACH: Final = 4_000_000
"""each time that it has read so many bytes."""


class Dashboard(Server):
    """`aiot-dashboard` alone with a store; no broker is there."""

    name = "aiot-dashboard"

    def __init__(self, core: int, store: Path) -> None:
        super().__init__(core)
        self._store = store

    def command(self) -> Sequence[str | Path]:
        """With its defaults."""
        Keys.written(self.folder / "keys")
        return [
            Path(sys.executable).with_name("aiot-dashboard"),
            f"--web-port={self.port}",
            f"--broker-port={free_port()}",
            f"--key-file={self.folder / 'keys'}",
            f"--store={self._store}",
        ]

    def read(self, resource: str = "") -> tuple[int, int]:
        """Read all of it as CSV; bytes and lines. Raises MeasureFailed."""
        query = f"format=csv&resource={resource}" if resource else "format=csv"
        head = f"GET /api/v1/export?{query} HTTP/1.0\r\nHost: localhost:{self.port}\r\n\r\n"
        size = lines = 0
        rest = EACH
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            sock.settimeout(30)
            sock.connect(("127.0.0.1", self.port))
            sock.sendall(head.encode())
            first = sock.recv(BUFFER)
            if b" 200 " not in first[:16]:
                raise MeasureFailed(f"no file came: {first[:200]!r}")
            lines = first.partition(b"\r\n\r\n")[2].count(b"\n")
            while piece := sock.recv(BUFFER):
                size += len(piece)
                lines += piece.count(b"\n")
                if size > rest:
                    rest += EACH
                    time.sleep(REST)
        return size, lines


def exported(bench: Bench, rows: int) -> Figures:
    """Make a store of `rows` readings, and read it."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        store = Path(folder) / "store.db"
        on_all_cores(bench, "benchmarks.exported", str(store), str(rows))
        with Dashboard(bench.cores.server, store) as server:
            # What it loads at its first file is there before it is measured.
            server.read("resource-1")
            before = resident(server.pid)
            forget_peak(server.pid)
            began = time.monotonic()
            size, lines = server.read()
            took = time.monotonic() - began
            highest = peak(server.pid)
    if lines != rows + 1:
        raise MeasureFailed(f"{lines - 1} of {rows} readings came")
    return {
        "growth": highest - before,
        "peak": highest,
        "rows": rows / took,
        "size": size,
    }


async def fill(path: str, rows: int) -> None:
    """A store of a thousand series with a reading each second."""
    store = await Store.open(path, time.time)
    begin = int(time.time()) - rows // SERIES
    made = 0
    while made < rows:
        count = min(AT_ONCE, rows - made)
        await store.history.put(
            [
                Sample(
                    f"node-{number % SERIES // 10}",
                    f"resource-{number % 10}",
                    "",
                    (begin + number // SERIES) * 1_000_000,
                    20 + number % 97 / 10,
                    None,
                    "°C",
                )
                for number in range(made, made + count)
            ]
        )
        made += count
    await store.close()


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2])))
