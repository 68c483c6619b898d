# SPDX-License-Identifier: BSD-3-Clause
"""Log lines that strangers can cause: enough to see what goes on, too few to fill a disk."""

import logging
from collections.abc import Callable
from typing import Final

from pyaiot.model.rate import Allowance

RATE: Final = 1.0
"""Lines a second, in the long run."""
BURST: Final = 20.0

_log = logging.getLogger(__name__)


class Complaints:
    """Says what was wrong with somebody, and how often it did not say so."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds on a steady clock."""
        self._clock = clock
        self._allowance = Allowance(RATE, BURST)
        self._unsaid = 0

    def add(self, text: str) -> None:
        """Log `text` as a warning, unless there were too many of late."""
        if not self._allowance.take(self._clock()):
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more were not logged)" if self._unsaid else ""
        self._unsaid = 0
        _log.warning("%s%s", text, more)
