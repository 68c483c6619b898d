# SPDX-License-Identifier: BSD-3-Clause
"""A log that strangers cannot fill."""

import logging
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from pyaiot.model.rate import Allowance

_chatter = logging.getLogger("aiocoap")

LINES_PER_SECOND: Final = 1.0
LINES_AT_ONCE: Final = 5.0


class Quiet(logging.LoggerAdapter[logging.Logger]):
    """Passes on a few warnings a second, each as one line without a traceback.

    What is less than a warning is aiocoap's talk with itself, and goes to a log of its own name.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only ever go forward."""
        super().__init__(logger, {})
        self._clock = clock
        self._allowance = Allowance(LINES_PER_SECOND, LINES_AT_ONCE)
        self._swallowed = 0

    def log(self, level: int, msg: object, *args: object, **_details: Any) -> None:
        """Log one line, if one more may be; `exc_info` and the like are left out."""
        if level < logging.WARNING:
            _chatter.log(level, msg, *args)
            return
        if not self._allowance.take(self._clock()):
            self._swallowed += 1
            return
        if self._swallowed:
            self.logger.warning("(%d similar messages left out)", self._swallowed)
            self._swallowed = 0
        self.logger.log(level, msg, *args)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Nothing is added."""
        return msg, kwargs
