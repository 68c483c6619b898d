# SPDX-License-Identifier: BSD-3-Clause
"""How much of something one peer may do: a token bucket, told the time by its user."""


class Allowance:
    """So many at once, and so many a second in the long run."""

    __slots__ = ("_burst", "_left", "_rate", "_since")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Allow `rate` a second, and `burst` at once; `now` is in seconds on a steady clock."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._since = now

    def take(self, now: float) -> bool:
        """Whether one more is allowed at `now`; what is refused costs nothing."""
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
