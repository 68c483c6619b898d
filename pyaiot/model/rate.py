# SPDX-License-Identifier: BSD-3-Clause
"""How much of something one peer may do: a token bucket, told the time by its user."""

import math
from collections import OrderedDict


class Allowance:
    """So many at once, and so many a second in the long run; at first as many as at once."""

    __slots__ = ("_burst", "_left", "_rate", "_since")

    def __init__(self, rate: float, burst: float) -> None:
        """Allow `rate` a second, and `burst` at once."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._since = -math.inf

    def take(self, now: float) -> bool:
        """Whether one more is allowed at `now`, in seconds on a steady clock.

        What is refused costs nothing.
        """
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Allowances:
    """One allowance for each of many peers; who did nothing for longest is forgotten first."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        """Allow each `rate` a second, and `burst` at once; remember `most` of them."""
        self._rate = rate
        self._burst = burst
        self._most = most
        self._known: OrderedDict[str, Allowance] = OrderedDict()

    def take(self, peer: str, now: float) -> bool:
        """Whether `peer` may do one more at `now`, in seconds on a steady clock."""
        allowance = self._known.get(peer)
        if allowance is None:
            allowance = self._known[peer] = Allowance(self._rate, self._burst)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(peer)
        return allowance.take(now)
