# SPDX-License-Identifier: BSD-3-Clause
"""A rule: when somebody wants to be told that something is wrong."""

import math
from dataclasses import dataclass
from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.messages.types import Severity
from pyaiot.model.condition import Condition

MIN_SILENCE: Final = 1.0
"""Seconds; what is silent for less is only between two readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When to raise an alert, and whom it is for.

    Numbers that the condition has no use for are left out of account. Raises InvalidValue where
    one that it needs is missing, or the hysteresis leaves no room between the bounds.
    """

    id: str
    name: str
    condition: Condition
    owner: str | None = None
    """The account that it belongs to; a rule of nobody sees every node, and everybody its alerts
    who sees the node."""
    node: str = "*"
    """A uid, or what people call the node, or a pattern with * and ? for either."""
    resource: str = "*"
    path: str = ""
    low: float | None = None
    high: float | None = None
    text: str | None = None
    seconds: float = 0.0
    hysteresis: float = 0.0
    severity: Severity = Severity.WARNING
    channels: tuple[str, ...] = ()
    muted_until: float | None = None
    """Seconds since the epoch; until then nobody is told."""

    def __post_init__(self) -> None:
        numbers = (self.low, self.high, self.seconds, self.hysteresis)
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise InvalidValue("The numbers of a rule must be finite.")
        if self.seconds < 0 or self.hysteresis < 0:
            raise InvalidValue("Neither the duration nor the hysteresis of a rule is below 0.")
        if not self.node or not self.resource:
            raise InvalidValue("A rule needs a node and a resource, or * for any.")
        missing = self._missing()
        if missing:
            raise InvalidValue(f"A rule with the condition '{self.condition}' needs {missing}.")

    def _missing(self) -> str:
        low, high = self.low, self.high
        needs = ""
        match self.condition:
            case Condition.ABOVE if high is None:
                needs = "a number that is too high ('high')"
            case Condition.BELOW if low is None:
                needs = "a number that is too low ('low')"
            case Condition.OUTSIDE if low is None or high is None or low >= high:
                needs = "a lower and a higher bound ('low', 'high')"
            case Condition.EQUALS if low is None and high is None and self.text is None:
                needs = "a number ('low') or a text ('text')"
            case Condition.RATE if low is None and high is None:
                needs = "a lowest or a highest rate ('low', 'high')"
            case Condition.SILENT if self.seconds < MIN_SILENCE:
                needs = "a duration of a second at least ('seconds')"
            case Condition.OUTSIDE | Condition.RATE if not self._room():
                needs = "bounds that are further apart than twice its hysteresis"
        return needs

    def _room(self) -> bool:
        """Whether a value can be far enough inside both bounds."""
        if self.low is None or self.high is None:
            return True
        return self.low + self.hysteresis <= self.high - self.hysteresis
