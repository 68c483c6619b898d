# SPDX-License-Identifier: BSD-3-Clause
"""When a rule would have raised alerts: the same engine, led through what is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.rule import Rule
from pyaiot.model.samples import Sample
from pyaiot.recorder.alert import Cleared, Effect, OpenAlert
from pyaiot.recorder.judge import SETTLING
from pyaiot.recorder.rules import Engine

MAX_READINGS: Final = 200_000
"""Facts that are looked at."""
MAX_FIRED: Final = 500
"""Alerts that are told."""


class Presence(NamedTuple):
    """A node came to be there, or silent."""

    node: str
    availability: Availability
    time_us: int


Fact: TypeAlias = Sample | Presence


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that there would have been."""

    alert: OpenAlert
    cleared: float | None = None


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a rule would have done."""

    fired: tuple[Firing, ...]
    readings: int
    """How many facts were looked at."""
    complete: bool
    """Whether that was all of them, and all alerts are told."""


class _Names:
    """Everybody sees everything: whoever asks has left out what may not be seen."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def sees(self, owner: str | None, uid: str) -> bool:
        del owner, uid
        return True

    def name(self, uid: str) -> str:
        return self._names.get(uid, "")


def preview(
    rule: Rule, facts: Iterable[Fact], names: Mapping[str, str], start: float, end: float
) -> Previewed:
    """What `rule` would have done from `start` to `end` (seconds since the epoch).

    `facts` come in the order of their times. `names` has all nodes that there are, each with what
    people call it.
    """
    numbers = count(1)
    engine = Engine(_Names(names), lambda: str(next(numbers)))
    engine.listening(Moment(start - SETTLING, start - SETTLING))
    bare = replace(rule, muted_until=None, owner=None)
    known = [(uid, None) for uid in names]
    fired: dict[str, Firing] = {}
    _note(fired, engine.begin([bare], [], known, [], Moment(start, start)))
    readings, complete = 0, True
    for fact in facts:
        if readings == MAX_READINGS or len(fired) >= MAX_FIRED:
            complete = False
            break
        readings += 1
        time = fact.time_us / 1e6
        now = Moment(time, time)
        _note(fired, engine.tick(now))
        if isinstance(fact, Presence):
            _note(fired, engine.available(fact.node, fact.availability, now))
        else:
            _note(fired, engine.read((fact,), now))
    if complete:
        _note(fired, engine.tick(Moment(end, end)))
    in_order = sorted(fired.values(), key=lambda firing: firing.alert.raised)
    return Previewed(tuple(in_order)[:MAX_FIRED], readings, complete)


def _note(fired: dict[str, Firing], effects: Iterable[Effect]) -> None:
    for effect in effects:
        cleared = effect.time if isinstance(effect, Cleared) else None
        fired[effect.alert.id] = Firing(effect.alert, cleared)
