# SPDX-License-Identifier: BSD-3-Clause
"""How long to wait before the next attempt."""

from collections.abc import Callable


class Backoff:
    """Exponential backoff with full jitter.

    Each delay is drawn from 0 to a ceiling that doubles up to `cap`, so that many services that
    lost the same broker at once do not come back at once.
    """

    def __init__(
        self, random: Callable[[], float], *, base: float = 0.5, cap: float = 30.0
    ) -> None:
        """`random` gives numbers from 0 to 1; `base` and `cap` are in seconds."""
        self._random = random
        self._base = base
        self._cap = cap
        self._ceiling = base

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        delay = self._random() * self._ceiling
        self._ceiling = min(self._cap, self._ceiling * 2)
        return delay

    def reset(self) -> None:
        """An attempt succeeded."""
        self._ceiling = self._base
