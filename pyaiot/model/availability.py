# SPDX-License-Identifier: BSD-3-Clause
"""When a silent node counts as late, and when as offline. The one place where this is decided."""

from dataclasses import dataclass
from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.model.node import Availability

ALIVE_PERIOD: Final = 30.0
"""Seconds between two announcements of a node (WIRE.md sections 4 and 5)."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """How long a node may be silent, in seconds.

    A node is late once it has missed a whole announcement and half of the next, and offline
    after `max_time` (the original's ``--max-time``).
    """

    max_time: float = 120.0

    def __post_init__(self) -> None:
        if not 0 < self.max_time < float("inf"):
            raise InvalidValue("The time after which a node is offline must be above 0 s.")

    @property
    def late_after(self) -> float:
        """Seconds of silence after which a node is late; never later than half of `max_time`."""
        return min(ALIVE_PERIOD * 1.5, self.max_time / 2)

    def judge(self, silent: float) -> Availability:
        """The availability of a node that has been silent for `silent` seconds."""
        if silent >= self.max_time:
            return Availability.OFFLINE
        if silent >= self.late_after:
            return Availability.LATE
        return Availability.ONLINE
