# SPDX-License-Identifier: BSD-3-Clause
"""How much the broker takes from one peer, and from all of them together."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pyaiot.model.rate import Allowance

MAX_READING: Final = 262_144
"""Bytes of one encoded reading: the longest payload of a command, however it is escaped."""

AHEAD: Final = 2.0
"""Seconds by which a reading may be ahead of the broker's clock before it is taken back to it."""

COMMAND_TIME: Final = 10.0
"""Seconds until a command fails, where the asker says nothing else."""

GROSS: Final = 10.0
"""Seconds' worth of messages beyond its rate after which a client is sent away."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of what the core keeps."""

    max_nodes: int = 100_000
    commands_per_client: int = 64
    """Commands of one client whose result is not there yet."""
    commands: int = 10_000
    """The same, of all clients."""
    greetings: int = 3
    """Full resends that a client may ask for at once."""
    greeting_period: float = 10.0
    """Seconds until it may ask for one more."""
    record_queue: int = 67_108_864
    """Bytes kept for a recorder that is away."""
    store_readings: bool = False
    """Whether there is to be a recorder."""
    await_directory: bool = False
    """Whether there is to be a directory; without one nobody but services sees anything."""


class Verdict(Enum):
    """What is to become of a message that has just come in."""

    TAKE = auto()
    REFUSE = auto()
    CLOSE = auto()


class ClientRate:
    """How often one client may send something.

    Refused is what comes too fast; the connection ends only when it never stops.
    """

    __slots__ = ("_beyond", "_within")

    def __init__(self, rate: float) -> None:
        """Allow `rate` messages a second, and twice as many at once."""
        self._within = Allowance(rate, max(2 * rate, 10.0))
        self._beyond = Allowance(rate, max(GROSS * rate, 10.0))

    def judge(self, now: float) -> Verdict:
        """The verdict on one more message at `now`, in seconds on a steady clock."""
        if self._within.take(now):
            return Verdict.TAKE
        return Verdict.REFUSE if self._beyond.take(now) else Verdict.CLOSE
