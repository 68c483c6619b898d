# SPDX-License-Identifier: BSD-3-Clause
"""How many answers that go on may be read at once. Pure."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyaiot.accounts.throttle import neighbourhood
from pyaiot.errors import TooManyConnections

ALL: Final = 256
"""Answers of one kind that are being read."""
OF_ONE: Final = 16
"""Those that one asker reads."""


class Readers:
    """Counts who reads. Strangers together leave half of the room to those with an account."""

    def __init__(self, of_all: int = ALL, of_one: int = OF_ONE) -> None:
        self._of_all = of_all
        self._of_one = of_one
        self._reading: Counter[str] = Counter()
        self._strangers = 0

    def __len__(self) -> int:
        return self._reading.total()

    @contextmanager
    def reading(self, account: str, address: str) -> Iterator[None]:
        """One more meanwhile, for an account or, without one, for whoever is at `address`.

        Raises TooManyConnections.
        """
        asker = account or neighbourhood(address)
        full = len(self) >= self._of_all or self._reading[asker] >= self._of_one
        if full or (not account and self._strangers >= (self._of_all + 1) // 2):
            raise TooManyConnections("As much is under way as may be; let something end first.")
        self._reading[asker] += 1
        self._strangers += not account
        try:
            yield
        finally:
            self._strangers -= not account
            self._reading[asker] -= 1
            if not self._reading[asker]:
                del self._reading[asker]
