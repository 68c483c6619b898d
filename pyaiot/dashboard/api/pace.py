# SPDX-License-Identifier: BSD-3-Clause
"""How often one asker may ask. Pure."""

from typing import Final

from pyaiot.errors import RateExceeded
from pyaiot.model.rate import Allowances

RATE: Final = 50.0
"""Requests a second that one asker may make in the long run."""
BURST: Final = 200.0
"""And at once."""
ASKERS: Final = 4096
"""How many are remembered; who did not ask for longest is forgotten first."""


class Pace:
    """Remembers who asked how often, within bounds."""

    def __init__(self, rate: float = RATE, burst: float = BURST, askers: int = ASKERS) -> None:
        self._allowances = Allowances(rate, burst, askers)
        self._wait = 1 / rate

    def take(self, asker: str, now: float) -> None:
        """One more request; `now` is on a steady clock. Raises RateExceeded."""
        if not self._allowances.take(asker, now):
            raise RateExceeded("Too many requests; wait a moment.", retry_after=self._wait)
