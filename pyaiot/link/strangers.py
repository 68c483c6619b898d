# SPDX-License-Identifier: BSD-3-Clause
"""Connections that have yet to say what they want.

Where there is room for no more, whoever has said nothing for longest makes room: somebody who opens
many and says nothing, or little at a time, keeps nobody out.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Strangers(Generic[T]):
    """Those who wait, in the order in which they came."""

    def __init__(self, waits: Callable[[T], bool] = lambda _: True) -> None:
        """`waits`: whether one that is still here has not said what it wants yet."""
        self._waits = waits
        self._here: dict[T, None] = {}

    def came(self, one: T) -> None:
        """`one` waits from now on."""
        self._here[one] = None

    def left(self, one: T) -> None:
        """`one` is gone, or has said what it wants."""
        self._here.pop(one, None)

    def longest(self, besides: T | None = None) -> T | None:
        """Who has waited for longest, `besides` not counted; they are no more among these."""
        found: T | None = None
        passed = []
        for one in self._here:
            if one == besides:
                continue
            passed.append(one)
            if self._waits(one):
                found = one
                break
        for one in passed:
            del self._here[one]
        return found

    def make_room(self, end: Callable[[T], object], besides: T | None = None) -> bool:
        """`end` who has waited for longest, `besides` not counted; False if there is nobody."""
        longest = self.longest(besides)
        if longest is None:
            return False
        end(longest)
        return True
