# SPDX-License-Identifier: BSD-3-Clause
"""An engine of alerts that travels in time, and keeps what comes out of it."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from pyaiot.model.condition import Condition
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.rule import Rule
from pyaiot.model.samples import Sample
from pyaiot.recorder.alert import Cleared, Effect, OpenAlert, Raised, Told
from pyaiot.recorder.judge import SETTLING
from pyaiot.recorder.rules import Engine

NOON = 1_700_000_000.0

_NUMBERS = count(1)
"""No two alerts of all engines have the same id."""


def reading(
    value: float | str | None,
    time: float,
    *,
    node: str = "n1",
    resource: str = "temperature",
    path: str = "",
    unit: str = "",
) -> Sample:
    number, text = (None, value) if isinstance(value, str) else (value, None)
    return Sample(node, resource, path, round(time * 1e6), number, text, unit)


def rule(condition: str, id_: str = "r1", **members: Any) -> Rule:
    return Rule(id=id_, name=f"Rule {id_}", condition=Condition(condition), **members)


class Sees:
    """Whom nodes are hidden from, and what they are called. Counts how often it was asked."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.hidden: set[tuple[str | None, str]] = set()
        self.asked = 0

    def sees(self, owner: str | None, uid: str) -> bool:
        self.asked += 1
        return (owner, uid) not in self.hidden

    def name(self, uid: str) -> str:
        return self.names.get(uid, "")


class Traveller:
    """An engine, the two clocks, and the store's view of alerts."""

    def __init__(
        self, *rules: Rule, alerts: Iterable[OpenAlert] = (), sight: Sees | None = None
    ) -> None:
        self.sight = sight or Sees()
        self.wall = NOON
        self.steady = 50.0
        self.effects: list[Effect] = []
        self.open: dict[str, OpenAlert] = {alert.id: alert for alert in alerts}
        self.keys: set[tuple[str, str, str]] = {alert.key for alert in self.open.values()}
        self.start()
        self.rules = list(rules)
        if rules or self.open:
            self.begin()

    def start(self) -> None:
        """Begin with an engine that knows nothing."""
        self.engine = Engine(self.sight, lambda: f"a{next(_NUMBERS)}")
        self.engine.listening(Moment(self.wall - SETTLING, self.steady - SETTLING))

    @property
    def now(self) -> Moment:
        return Moment(self.wall, self.steady)

    def begin(
        self, nodes: Iterable[tuple[str, Availability | None]] = (), latest: Iterable[Sample] = ()
    ) -> list[Effect]:
        alerts = list(self.open.values())
        return self.note(self.engine.begin(self.rules, alerts, nodes, latest, self.now))

    def note(self, effects: list[Effect]) -> list[Effect]:
        """Keep effects; each alert is raised once, and cleared once after that."""
        for effect in effects:
            alert = effect.alert
            if isinstance(effect, Raised):
                assert alert.id not in self.open
                assert alert.key not in self.keys, "open already"
                self.open[alert.id] = alert
                self.keys.add(alert.key)
            else:
                assert alert.id in self.open, "not open"
            if isinstance(effect, Cleared):
                assert effect.time >= alert.raised
                del self.open[alert.id]
                self.keys.remove(alert.key)
        self.effects += effects
        return effects

    def wait(self, seconds: float, step: float = 0.5) -> list[Effect]:
        """Let time pass, with a tick every `step` seconds."""
        effects = []
        end = self.steady + seconds
        while self.steady < end:
            passed = min(step, end - self.steady)
            self.steady += passed
            self.wall += passed
            effects += self.note(self.engine.tick(self.now))
        return effects

    def read(self, value: float | str | None, ago: float = 0.0, **where: str) -> list[Effect]:
        """A reading comes that was measured `ago` seconds before, by the present wall clock."""
        return self.take(reading(value, self.wall - ago, **where))

    def take(self, *readings: Sample) -> list[Effect]:
        return self.note(self.engine.read(readings, self.now))

    def available(self, state: str, uid: str = "n1") -> list[Effect]:
        return self.note(self.engine.available(uid, Availability(state), self.now))

    def called(self, title: str, uid: str = "n1") -> None:
        assert self.engine.called(uid, title, self.now) == []

    def gone(self, uid: str = "n1") -> list[Effect]:
        return self.note(self.engine.gone(uid, self.now))

    def change(self, *rules: Rule) -> list[Effect]:
        self.rules = list(rules)
        return self.note(self.engine.rules_are(rules, self.now))

    def alter(self, **members: Any) -> list[Effect]:
        """Change the one rule."""
        return self.change(replace(self.rules[0], **members))

    def access_changed(self, *uids: str) -> list[Effect]:
        return self.note(self.engine.access_changed(uids or None, self.now))


def said(effects: Iterable[Effect]) -> list[str]:
    """What effects say: "+" raised, "-" cleared, "!" told later, with "." where in silence."""
    words = []
    for effect in effects:
        sign = {Raised: "+", Cleared: "-", Told: "!"}[type(effect)]
        quiet = "." if not isinstance(effect, Told) and effect.quiet else ""
        words.append(f"{sign}{quiet}{effect.alert.node}/{effect.alert.resource}")
    return words
