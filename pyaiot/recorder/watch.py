# SPDX-License-Identifier: BSD-3-Clause
"""One rule in force, and what is known of each thing that it watches.

`at` is always the time of a measurement on the steady clock of the recorder: when a reading
arrived, less its age. So clocks that are put right make nothing late or early.
"""

import fnmatch
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from pyaiot.messages.types import MAX_TEXT
from pyaiot.model.condition import Condition
from pyaiot.model.node import Availability
from pyaiot.model.rate import Allowance
from pyaiot.model.rule import Rule
from pyaiot.recorder.alert import OpenAlert
from pyaiot.recorder.bounds import Bounds

MAX_OPEN: Final = 1000
"""Alerts of one rule that may be open at once."""
RAISES_PER_SECOND: Final = 1.0
"""Alerts of one rule in the long run; `MAX_OPEN` of them at once."""
SHORTEST_SPAN: Final = 0.1
"""Seconds between two readings that a rate is reckoned from; noise is all there is in less."""

TOLERANCE: Final = 5.0
"""Seconds by which a clock may be slow, or a reading on its way, without a thought."""
SLOW: Final = 3
"""Readings in a row, old by the same time, after which a clock is taken to be slow."""
PACE: Final = 1.0
"""Seconds between two of them at least, and what the times may differ by; spools come faster."""

MAX_SAID: Final = 48
"""Characters of what a node calls itself; of its uid beside that, `MAX_UID`."""
MAX_UID: Final = 64

LONGEST: Final = 512
"""Characters of a text; no rule knows longer ones, and nobody is told so many."""

NODE_WIDE: Final = ""
"""The resource of an alert that is about a node as a whole."""


class Series:
    """The last reading of one resource, or of one path in it, and who watches it."""

    __slots__ = (
        "_delay",
        "_delayed",
        "_delays",
        "at",
        "number",
        "path",
        "resource",
        "silences",
        "text",
        "time",
        "unit",
        "watches",
    )

    def __init__(self, resource: str, path: str) -> None:
        self.resource = resource
        self.path = path
        self.number: float | None = None
        self.text: str | None = None
        self.unit = ""
        self.time = 0.0
        """When the last reading was measured, in seconds since the epoch."""
        self.at = -math.inf
        self.watches: list[Watch] = []
        """What looks at its values."""
        self.silences: list[Watch] = []
        """What waits for any reading of it."""
        self._delay = 0.0
        self._delayed = -math.inf
        self._delays = 0

    def place(self, at: float, steady: float) -> float | None:
        """When a reading of `at`, which came at `steady`, was measured; None if it comes too late.

        One that was measured before the last one says nothing about the present. Spools send old
        readings; but where those that come one after another are all old by the same time, the
        clock that gave them their times is slow, or was put back.
        """
        if steady - at <= TOLERANCE:
            self._delays = 0
        else:
            at = self._corrected(at, steady)
        return at if at >= self.at else None

    def _corrected(self, at: float, steady: float) -> float:
        off = abs(steady - at - self._delay)
        if steady - self._delayed >= PACE:
            self._delays = self._delays + 1 if off < PACE else 1
            self._delay, self._delayed, off = steady - at, steady, 0.0
        return steady if self._delays >= SLOW and off < PACE else at

    @property
    def name(self) -> str:
        return f"{self.resource}.{self.path}" if self.path else self.resource

    @property
    def value(self) -> str:
        """The last value as text."""
        if self.number is None:
            return self.text or ""
        return f"{self.number:.10g}{self.unit}"


class Node:
    """One node, its series and the rules about it."""

    __slots__ = ("availability", "gone", "name", "rulings", "said", "series", "uid", "watches")

    def __init__(self, uid: str, name: str) -> None:
        self.uid = uid
        self.name = name
        """What people call it; may be empty."""
        self.said = ""
        """What it calls itself; may be empty, and the same as others do."""
        self.availability: Availability | None = None
        self.gone = False
        self.series: dict[tuple[str, str], Series] = {}
        self.rulings: dict[str, Ruling] = {}
        """The rules about it whose owners may see it."""
        self.watches: dict[str, dict[str, Watch]] = {}
        """By rule, and by resource."""

    @property
    def title(self) -> str:
        """What to call it: where people do not, its own word, marked as that, and its uid."""
        said = "".join(char for char in self.said if char.isprintable())
        if self.name or not said or said == self.uid:
            return self.name or self.uid
        # Whoever reads it is to see where a stranger's words begin and end.
        said = cut(said, MAX_SAID).replace('"', "'")
        return f'"{said}" ({cut(self.uid, MAX_UID)})'

    def all_watches(self) -> Iterator["Watch"]:
        """Everything that is watched of it."""
        return chain.from_iterable(each.values() for each in self.watches.values())

    @property
    def there(self) -> bool:
        """Whether its last values can be taken to hold."""
        return not self.gone and self.availability != Availability.OFFLINE


class Ruling:
    """One rule in force: the rule, made ready, and the nodes that it is about."""

    __slots__ = ("_resource", "bounds", "condition", "nodes", "open", "raises", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.condition = rule.condition
        self.bounds = Bounds(rule)
        self.nodes: dict[str, Node] = {}
        """Those that it is about."""
        self.open = 0
        """How many of its alerts are open."""
        self.raises = Allowance(RAISES_PER_SECOND, MAX_OPEN)
        self._resource = pattern(rule.resource)

    @property
    def of_values(self) -> bool:
        """Whether it looks at values."""
        return self.condition not in {Condition.SILENT, Condition.OFFLINE}

    @property
    def node_wide(self) -> bool:
        """Whether it is about nodes as a whole."""
        return self.condition == Condition.OFFLINE or (
            self.condition == Condition.SILENT and self.rule.resource == "*"
        )

    @property
    def certain(self) -> bool:
        """Whether it waits for a resource of which no reading need ever have come."""
        return self.condition == Condition.SILENT and self._resource is None

    def about(self, resource: str) -> bool:
        """Whether it is about this resource."""
        if self._resource is None:
            return self.rule.resource == resource
        return self._resource.match(resource) is not None

    def muted(self, wall: float) -> bool:
        """Whether nobody is to be told at `wall`, in seconds since the epoch."""
        return self.rule.muted_until is not None and wall < self.rule.muted_until

    def may_raise(self, steady: float) -> bool:
        """Whether there is room for one more alert; if so, that is taken."""
        return self.open < MAX_OPEN and self.raises.take(steady)

    def watches_as(self, other: Rule) -> bool:
        """Whether `other` finds wrong exactly what this one does."""
        return _sense(self.rule) == _sense(other)


def _sense(rule: Rule) -> tuple[object, ...]:
    bounds = (rule.low, rule.high, rule.text, rule.seconds, rule.hysteresis)
    return (rule.condition, rule.owner, rule.node, rule.resource, rule.path, *bounds)


class Watch:
    """What one rule knows of one resource of one node, or of the node."""

    __slots__ = (
        "_before",
        "alert",
        "at",
        "due",
        "node",
        "quiet",
        "resource",
        "ruling",
        "scheduled",
        "series",
        "since",
    )

    def __init__(self, ruling: Ruling, node: Node, resource: str, series: Series | None) -> None:
        self.ruling = ruling
        self.node = node
        self.resource = resource
        self.series = series
        """What it looks at; for silences and availability, nothing."""
        self.alert: OpenAlert | None = None
        self.quiet = False
        """The alert was raised while the rule was muted."""
        self.since: float | None = None
        """Since when it is wrong, where that is not long enough yet; of a silence, until when one
        does not know."""
        self.due: float | None = None
        """When to look again though nothing has happened, on the steady clock."""
        self.scheduled = math.inf
        """When it will be looked at without a word; never after it is due."""
        self.at = -math.inf
        """The last reading, for a rule about silence."""
        self._before: tuple[float, float] | None = None

    def speed(self, series: Series) -> float | None:
        """How much the value changes in a second, if that can be told."""
        if series.number is None:
            self._before = None
            return None
        if self._before is None:
            self._before = (series.number, series.at)
            return None
        number, at = self._before
        if 0 <= series.at - at < SHORTEST_SPAN:
            return None
        self._before = (series.number, series.at)
        return (series.number - number) / (series.at - at) if series.at > at else None

    def settle(self) -> None:
        """It is not wrong, as far as one can tell."""
        self.since = None
        self.due = None


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """`text` on one line, and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def brief(text: str | None) -> str | None:
    """As much of a text as matters: there may be very many, and very long ones."""
    return text if text is None or len(text) <= LONGEST else text.strip()[:LONGEST]


@lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str] | None:
    """What `text` matches, with * for any characters and ? for one; None where it has neither."""
    if "*" not in text and "?" not in text:
        return None
    # Brackets are characters like any other. fnmatch makes expressions that never backtrack far.
    return re.compile(fnmatch.translate(text.replace("[", "[[]")))
