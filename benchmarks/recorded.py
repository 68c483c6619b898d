# SPDX-License-Identifier: BSD-3-Clause
"""A broker that has a recorder, or none: what live readings notice of it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from benchmarks.generator import Publisher
from benchmarks.peers import Broker, Server, free_port
from benchmarks.readings import TIME, Reading


class Untimed(Broker):
    """`aiot-broker` whose gateways do not say when something was measured: each time is another."""

    name = "nobody records"

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A gateway that signs, and tells no times."""
        made = super().publisher(readings, gather)
        time = b',"time":%r' % TIME
        return Publisher(
            made.socket,
            [reading.wire.replace(time, b"") for reading in readings],
            gather=gather,
            wrap=made.wrap,
            seal=made.seal,
        )


class Recorded(Untimed):
    """The same with `aiot-recorder`, which stores everything in SQLite."""

    name = "a recorder stores all"

    def __enter__(self) -> Self:
        """Started, with the recorder."""
        super().__enter__()
        self._stack.enter_context(_Recorder(self, self._core))
        return self


class _Recorder(Server):
    name = "aiot-recorder"

    def __init__(self, broker: Broker, core: int) -> None:
        super().__init__(core)
        self._broker = broker

    def command(self) -> Sequence[str | Path]:
        """With its defaults, at the broker."""
        return [
            Path(sys.executable).with_name("aiot-recorder"),
            f"--broker-port={self._broker.port}",
            f"--key-file={self._broker.folder / 'keys'}",
            f"--store={self.folder / 'store.db'}",
            f"--health-port={free_port()}",
        ]

    def wait(self) -> None:
        """Until it records. It runs where there is room, as on any small machine."""
        os.sched_setaffinity(self.pid, {self._core, *os.sched_getaffinity(0)})
        self.until(lambda: "Linked" in self.log, "does not reach the broker")
