# SPDX-License-Identifier: BSD-3-Clause
"""For how long readings are kept."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from pyaiot.errors import SettingsInvalid

DAY: Final = 86_400.0

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY, "y": 366 * DAY}

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdwy])")

FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Keep:
    """For how long each kind of what is known of a series is kept, in seconds."""

    raw: float
    """Each reading."""
    minutes: float
    """Lowest, mean and highest of each minute."""
    hours: float
    """The same of each hour."""


def duration(text: str) -> float:
    """The seconds in a text such as ``7d`` (s, m, h, d, w or y) or ``forever``.

    Raises SettingsInvalid.
    """
    if text == "forever":
        return FOREVER
    match = _DURATION.fullmatch(text)
    if match is None:
        raise SettingsInvalid(f"'{text}' is no time such as 36h, 7d, 2y or forever")
    return float(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True, slots=True)
class Policy:
    """For how long what is kept: by default, and where a pattern fits."""

    default: Keep
    rules: tuple[tuple[str, Keep], ...] = ()
    """Patterns with ``*`` and ``?`` for ``node/resource``, or the resource alone."""

    def keep(self, node: str, resource: str) -> Keep:
        """What the first rule that fits says, or the default."""
        for pattern, keep in self.rules:
            name = f"{node}/{resource}" if "/" in pattern else resource
            if fnmatchcase(name, pattern):
                return keep
        return self.default

    @classmethod
    def parse(cls, default: Keep, rules: Iterable[str]) -> "Policy":
        """A policy with `rules` such as ``imu=1d`` or ``*/temperature=7d:1y:forever``.

        After the pattern stands for how long readings, minutes and hours are kept; minutes and
        hours that are not told are kept as by default. Raises SettingsInvalid.
        """
        return cls(default, tuple(_rule(text, default) for text in rules))


def _rule(text: str, default: Keep) -> tuple[str, Keep]:
    pattern, equals, times = text.rpartition("=")
    parts = times.split(":")
    if not equals or not pattern or len(parts) > 3:
        raise SettingsInvalid(f"keep: '{text}' is no rule such as imu=1d or imu=1d:7d:1y")
    try:
        given = [duration(part) for part in parts]
    except SettingsInvalid as exc:
        raise SettingsInvalid(f"keep: {exc}") from None
    whole = [*given, *(default.raw, default.minutes, default.hours)[len(given) :]]
    return pattern, Keep(*whole)
