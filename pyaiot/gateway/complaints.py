# SPDX-License-Identifier: BSD-3-Clause
"""Which complaints about nodes are worth a line in the log."""

import math
from collections.abc import Hashable
from typing import Final

from pyaiot.model.rate import Allowance

MAX_A_MINUTE: Final = 60
"""Complaints in all; whoever sends under ever new names, or from ever new addresses, fills no
disk."""

MAX_REMEMBERED: Final = 1000


class Complaints:
    """One complaint about each matter in a while, and not too many about all of them."""

    def __init__(self, period: float = math.inf) -> None:
        """`period`: seconds between two complaints about the same matter; by default one is all."""
        self._period = period
        self._last: dict[Hashable, float] = {}
        self._all = Allowance(MAX_A_MINUTE / 60, MAX_A_MINUTE)

    def due(self, about: Hashable, now: float) -> bool:
        """Whether to complain `about` something now, in seconds on a steady clock."""
        if now - self._last.get(about, -math.inf) < self._period or not self._all.take(now):
            return False
        self._last.pop(about, None)
        if len(self._last) >= MAX_REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[about] = now
        return True
