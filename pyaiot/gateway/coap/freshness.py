# SPDX-License-Identifier: BSD-3-Clause
"""Which notification of an observed resource is newer, and when the next is overdue (RFC 7641)."""

from typing import Final

DEFAULT_MAX_AGE: Final = 60.0
"""Seconds for which a value holds where its Max-Age is not said (RFC 7252 section 5.10.5)."""

_SPAN: Final = 1 << 23
_REORDERED: Final = 128.0
"""Seconds after which no notification can be an old one (RFC 7641 section 3.4)."""


class Sequence:
    """The order of one observation's notifications."""

    __slots__ = ("_at", "_number")

    def __init__(self, number: int, now: float) -> None:
        """`number` is the Observe option of the first response, which came at `now`."""
        self._number = number
        self._at = now

    def admits(self, number: int, now: float) -> bool:
        """Whether a notification is newer than all before (RFC 7641 section 3.4)."""
        if not (
            (self._number < number and number - self._number < _SPAN)
            or (self._number > number and self._number - number > _SPAN)
            or now > self._at + _REORDERED
        ):
            return False
        self._number = number
        self._at = now
        return True


def patience(max_age: int | None, chance: float) -> float:
    """Seconds of silence after which to ask a node again.

    That is Max-Age and 5 to 15 s, by a `chance` of 0 to 1 (RFC 7641 section 3.3.1), within reason:
    a node that says 0 is not asked without pause, one that says a century is asked every day.
    """
    age = DEFAULT_MAX_AGE if max_age is None else float(max_age)
    return min(max(age, 5.0), 86_400.0) + 5.0 + 10.0 * chance
