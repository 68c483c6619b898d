# SPDX-License-Identifier: BSD-3-Clause
"""An alert while it is open, and what is to be done about alerts."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from pyaiot.messages.types import Finding, Severity
from pyaiot.model.rule import Rule


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Something that was found wrong, and is not known to be right again."""

    id: str
    rule: str
    node: str
    resource: str
    """Empty where it is about the node as a whole."""
    severity: Severity
    text: str
    """What is wrong, in one sentence."""
    value: str
    """What the node reported, as text; empty where it is not about a value."""
    raised: float
    """Seconds since the epoch, as measured."""
    finding: Finding | None = None
    """The same as `text`; None for one that a release stored which told it in one way only."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one open alert of at most."""
        return (self.rule, self.node, self.resource)


class Why(Enum):
    """Why an alert is cleared."""

    RIGHT = "right"
    """What was wrong is so no longer."""
    UNWATCHED = "unwatched"
    """The rule is gone, or is no longer about this."""
    UNSEEN = "unseen"
    """The rule's owner may no longer see the node, so nobody is told."""


@dataclass(frozen=True, slots=True)
class Raised:
    """Keep this new alert; and unless it is quiet, tell the rule's owner and channels."""

    alert: OpenAlert
    rule: Rule
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Tell of an alert that was raised while its rule was muted, and is still open."""

    alert: OpenAlert
    rule: Rule


@dataclass(frozen=True, slots=True)
class Cleared:
    """Close this alert; and unless it is quiet, tell those who were told of it."""

    alert: OpenAlert
    rule: Rule | None
    time: float
    """Seconds since the epoch, as measured; never before it was raised."""
    text: str
    why: Why
    quiet: bool = False


Effect: TypeAlias = Raised | Told | Cleared
