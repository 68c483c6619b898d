# SPDX-License-Identifier: BSD-3-Clause
"""How often one asker may ask. Pure."""

from collections import OrderedDict
from typing import Final

from pyaiot.errors import RateExceeded
from pyaiot.model.rate import Allowance

RATE: Final = 50.0
"""Requests a second that one asker may make in the long run."""
BURST: Final = 200.0
"""And at once."""
ASKERS: Final = 4096
"""How many are remembered; who did not ask for longest is forgotten first."""


class Pace:
    """Remembers who asked how often, within bounds."""

    def __init__(self, rate: float = RATE, burst: float = BURST, askers: int = ASKERS) -> None:
        self._rate = rate
        self._burst = burst
        self._askers = askers
        self._known: OrderedDict[str, Allowance] = OrderedDict()

    def take(self, asker: str, now: float) -> None:
        """One more request; `now` is on a steady clock. Raises RateExceeded."""
        allowance = self._known.get(asker)
        if allowance is None:
            allowance = self._known[asker] = Allowance(self._rate, self._burst, now)
            if len(self._known) > self._askers:
                self._known.popitem(last=False)
        self._known.move_to_end(asker)
        if not allowance.take(now):
            raise RateExceeded("Too many requests; wait a moment.")
