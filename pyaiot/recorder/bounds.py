# SPDX-License-Identifier: BSD-3-Clause
"""Whether one value is within the bounds of a rule."""

import math
from enum import Enum
from typing import Final

from pyaiot.model.condition import Condition
from pyaiot.model.rule import Rule
from pyaiot.model.value import Quantity


class Verdict(Enum):
    """What a rule thinks of a value."""

    WRONG = "wrong"
    """What the rule is there for."""
    NEARLY = "nearly"
    """Not wrong, but not so far back that a raised alert could be cleared: hysteresis."""
    RIGHT = "right"


_NUMBERS: Final = {"true": 1.0, "false": 0.0}
"""What truth is stored as."""


class Bounds:
    """The bounds of a rule about values; of one about rates, the value is the rate."""

    __slots__ = ("_high", "_hysteresis", "_low", "_number", "_text", "phrase")

    def __init__(self, rule: Rule) -> None:
        equals = rule.condition == Condition.EQUALS
        low = None if rule.condition in {Condition.ABOVE, Condition.EQUALS} else rule.low
        high = None if rule.condition in {Condition.BELOW, Condition.EQUALS} else rule.high
        self._low = -math.inf if low is None else low
        self._high = math.inf if high is None else high
        self._hysteresis = rule.hysteresis
        self._text = rule.text.strip() if equals and rule.text is not None else None
        self._number = _wanted(rule) if equals else None
        self.phrase = _phrase(rule)
        """What is wrong with a value that is ("above 30"); empty where the value says it."""

    def judge(self, number: float | None, text: str | None) -> Verdict | None:
        """What to think of a value, which is a number or else a text; None if it says nothing."""
        if self._number is not None or self._text is not None:
            return self._same(number, text)
        if number is None or math.isnan(number):
            return None
        if number < self._low or number > self._high:
            return Verdict.WRONG
        inside = self._low + self._hysteresis <= number <= self._high - self._hysteresis
        return Verdict.RIGHT if inside else Verdict.NEARLY

    def _same(self, number: float | None, text: str | None) -> Verdict | None:
        if number is not None and self._number is not None:
            off = abs(number - self._number)
            if off == 0:
                return Verdict.WRONG
            return Verdict.RIGHT if off > self._hysteresis else Verdict.NEARLY
        if number is None and text is None:
            return None
        same = text is not None and self._text is not None and text.strip() == self._text
        return Verdict.WRONG if same else Verdict.RIGHT


def _wanted(rule: Rule) -> float | None:
    """The number that values are compared with, in a text as well ("21", "true")."""
    if rule.text is None:
        return rule.low if rule.low is not None else rule.high
    if rule.text.strip().lower() in _NUMBERS:
        return _NUMBERS[rule.text.strip().lower()]
    quantity = Quantity.of(rule.text)
    return None if quantity is None else quantity.number


def _phrase(rule: Rule) -> str:
    low, high = (None if each is None else f"{each:.10g}" for each in (rule.low, rule.high))
    rates = {
        (True, False): f"less than {low} a second",
        (False, True): f"more than {high} a second",
        (True, True): f"outside {low} to {high} a second",
    }
    return {
        Condition.ABOVE: f"above {high}",
        Condition.BELOW: f"below {low}",
        Condition.OUTSIDE: f"outside {low} to {high}",
        Condition.RATE: rates.get((low is not None, high is not None), ""),
    }.get(rule.condition, "")
