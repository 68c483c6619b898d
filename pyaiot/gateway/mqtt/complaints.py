# SPDX-License-Identifier: BSD-3-Clause
"""Which complaints about nodes are worth a line in the log."""

import math
from typing import Final

from pyaiot.model.rate import Allowance

PERIOD: Final = 60.0
"""Seconds between two complaints about the same node."""

MAX_A_PERIOD: Final = 60
"""Complaints in all; whoever sends under ever new names fills no disk."""

MAX_REMEMBERED: Final = 1000


class Complaints:
    """One complaint about each node in a minute, and not too many about all of them."""

    def __init__(self, now: float) -> None:
        """`now`, here and below, is in seconds on a steady clock."""
        self._last: dict[str, float] = {}
        self._all = Allowance(MAX_A_PERIOD / PERIOD, MAX_A_PERIOD, now)

    def due(self, about: str, now: float) -> bool:
        """Whether to complain now; `about` is the node, as far as it is known."""
        if now - self._last.get(about, -math.inf) < PERIOD or not self._all.take(now):
            return False
        self._last.pop(about, None)
        if len(self._last) >= MAX_REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[about] = now
        return True
