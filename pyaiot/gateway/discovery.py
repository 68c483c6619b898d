# SPDX-License-Identifier: BSD-3-Clause
"""How far one node is discovered: asked once at a time, and after a failure ever later again."""

from typing import Final

from pyaiot.gateway.adapter import Address
from pyaiot.gateway.effects import Discover

RETRY: Final = 10.0
"""Seconds after which a discovery that failed may be tried again, once the node is heard; twice as
long after each further failure, up to `RETRY_MAX`."""
RETRY_MAX: Final = 600.0

_DOUBLED: Final = 6
"""Failures after which the delay need not be doubled any more: it is beyond the longest."""


class Discovery:
    """The discoveries of one node. Times are in seconds on a steady clock."""

    __slots__ = ("_done", "_failures", "_outdated", "_retry_at", "_under_way")

    def __init__(self) -> None:
        self._under_way: Discover | None = None
        self._done = False
        self._outdated = False
        """The node rebooted while it was being discovered."""
        self._failures = 0
        """Since a discovery succeeded."""
        self._retry_at = 0.0

    def is_due(self, now: float) -> bool:
        """Whether the node should be asked for its resources, if it can be reached."""
        return not self._done and self._under_way is None and now >= self._retry_at

    def begin(self, wanted: Discover) -> Discover:
        """The node is asked; gives what was given."""
        self._under_way = wanted
        return wanted

    def is_under_way(self, serial: int) -> bool:
        """Whether it is the discovery `serial` that has not ended yet."""
        return self._under_way is not None and self._under_way.serial == serial

    def ended(self, address: Address | None, *, failed: bool, now: float) -> bool:
        """What was begun has ended; the node is at `address` now.

        Gives whether that was a failure which counts. One does not where the node rebooted or moved
        meanwhile: it is to be asked again at once.
        """
        moved = self._under_way is not None and self._under_way.address != address
        self._under_way = None
        if self._outdated or (failed and moved):
            self._outdated = False
            return False
        if not failed:
            self._done = True
            self._failures = 0
            return False
        self._retry_at = now + min(RETRY_MAX, RETRY * 2.0**self._failures)
        self._failures = min(self._failures + 1, _DOUBLED)
        return True

    @property
    def failed_before(self) -> bool:
        """Whether more than one discovery has failed since one succeeded."""
        return self._failures > 1

    def away(self, now: float) -> None:
        """The node was away, and is back: its values may be others now."""
        self._done = False
        self._retry_at = now

    def rebooted(self, now: float) -> None:
        """The node starts anew."""
        self.away(now)
        self._outdated = self._under_way is not None
        self._failures = 0
