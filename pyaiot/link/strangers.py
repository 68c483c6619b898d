# SPDX-License-Identifier: BSD-3-Clause
"""Connections that have yet to say what they want.

Where there is room for no more, whoever has said nothing for longest makes room: somebody who opens
many and says nothing, or little at a time, keeps nobody out.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Strangers(Generic[T]):
    """Those who wait, in the order in which they came."""

    def __init__(self, waits: Callable[[T], bool] = lambda _: True) -> None:
        """`waits`: whether one that is still here has not said what it wants yet."""
        self._waits = waits
        self._here: OrderedDict[T, None] = OrderedDict()

    def came(self, one: T) -> None:
        """`one` waits from now on."""
        self._here[one] = None

    def left(self, one: T) -> None:
        """`one` is gone, or has said what it wants."""
        self._here.pop(one, None)

    def longest(self, besides: T) -> T | None:
        """Who has waited for longest, `besides` not counted; they are no more among these."""
        found: T | None = None
        here = self._here.pop(besides, besides) is None
        while self._here and found is None:
            one, _ = self._here.popitem(last=False)
            found = one if self._waits(one) else None
        if here:
            self._here[besides] = None
        return found
