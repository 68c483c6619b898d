# SPDX-License-Identifier: BSD-3-Clause
"""Raises and clears: what to think of a reading, of a silence, of the time that passes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

from pyaiot.model.condition import Condition
from pyaiot.model.moment import Moment
from pyaiot.model.rule import Rule
from pyaiot.recorder.alert import Cleared, Effect, OpenAlert, Raised, Told, Why
from pyaiot.recorder.bounds import Verdict
from pyaiot.recorder.phrases import UNWATCHED, finding, right, value_of, wrong
from pyaiot.recorder.watch import Series, Watch

SETTLING: Final = 10.0
"""Seconds after the broker was reached in which readings that waited may still come."""
RETRY: Final = 60.0
"""Seconds after which an alert is tried again for which its rule had no room."""
ROOM: Final = 4096
"""Times at which to look again, beyond twice those of which something may come."""


@dataclass(frozen=True, slots=True)
class Left:
    """An open alert whose watch has ended."""

    alert: OpenAlert
    rule: Rule | None
    """As far as that is known."""
    quiet: bool = False
    """Nobody was told of it."""

    def closed(self, now: Moment, why: Why) -> Cleared:
        """That it is closed, since nothing watches over it."""
        quiet = self.quiet or why is Why.UNSEEN
        time = max(now.wall, self.alert.raised)
        return Cleared(self.alert, self.rule, time, UNWATCHED, why, quiet=quiet)


class Judge:
    """Keeps for all watches what is due when, and what nobody was told yet."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._due: list[tuple[float, int, Watch]] = []
        self._room = ROOM
        self._turns = count()
        self._untold: dict[Watch, OpenAlert] = {}
        self.refused = 0
        """Alerts for which their rule had no room."""

    def tell(self, now: Moment, effects: list[Effect]) -> None:
        """Tell of what was raised under rules that are no longer muted."""
        for watch in [each for each in self._untold if not each.ruling.muted(now.wall)]:
            watch.quiet = False
            effects.append(Told(self._untold.pop(watch), watch.ruling.rule))

    def look_again(self, now: Moment, effects: list[Effect]) -> None:
        """Raise what has been wrong for long enough without a word."""
        while self._due and self._due[0][0] <= now.steady:
            when, _, watch = heappop(self._due)
            if when != watch.scheduled:
                continue
            watch.scheduled = math.inf
            if watch.due is not None and watch.due <= now.steady:
                began = now.wall - (now.steady - watch.due)
                self._raise(watch, began, now, effects)
            self.schedule(watch)

    def value(self, watch: Watch, series: Series, now: Moment, effects: list[Effect]) -> None:
        ruling, speed = watch.ruling, None
        if ruling.condition is Condition.RATE:
            speed = watch.speed(series)
            verdict = ruling.bounds.judge(speed, None)
        else:
            verdict = ruling.bounds.judge(series.number, series.text)
        if watch.alert is not None:
            if verdict is Verdict.RIGHT:
                self._clear(watch, series.time, effects)
        elif verdict is Verdict.WRONG:
            if watch.since is None or watch.since > series.at:
                watch.since = series.at
                if speed is None:
                    watch.due = now.steady + ruling.rule.seconds
            if series.at - watch.since >= ruling.rule.seconds:
                self._raise(watch, series.time, now, effects, speed)
            self.schedule(watch)
        elif verdict is not None and watch.since is not None:
            watch.settle()

    def heard(self, watch: Watch, series: Series, now: Moment, effects: list[Effect]) -> None:
        """End a silence, or begin to wait for the next reading."""
        if series.at <= watch.at:
            return
        seconds = watch.ruling.rule.seconds
        if watch.at == -math.inf:
            # One that seems old may come from a slow clock: see the next ones.
            watch.since = now.steady + min(seconds, SETTLING)
        watch.at = series.at
        due = watch.at + seconds
        if now.steady < due:
            self._clear(watch, series.time, effects)
        if watch.alert is None:
            watch.due = due if watch.since is None else max(due, watch.since)
            self.schedule(watch)

    def wait(self, watch: Watch, now: Moment) -> None:
        """Begin to wait for a first reading, where none is known."""
        if watch.alert is None and watch.due is None:
            watch.due = now.steady + watch.ruling.rule.seconds
            self.schedule(watch)

    def presence(self, watch: Watch, now: Moment, effects: list[Effect]) -> None:
        """Look whether the node is there."""
        if watch.node.there:
            watch.settle()
            if watch.node.availability is not None:
                self._clear(watch, now.wall, effects)
        elif watch.alert is None and watch.since is None:
            watch.since = now.steady
            watch.due = now.steady + watch.ruling.rule.seconds
            if watch.due <= now.steady:
                self._raise(watch, now.wall, now, effects)
            self.schedule(watch)

    def _raise(
        self,
        watch: Watch,
        time: float,
        now: Moment,
        effects: list[Effect],
        speed: float | None = None,
    ) -> None:
        ruling = watch.ruling
        if not ruling.may_raise(now.steady):
            self.refused += 1
            watch.due = now.steady + RETRY if speed is None else None
            return
        watch.settle()
        ruling.open += 1
        watch.alert = OpenAlert(
            id=self._new_id(),
            rule=ruling.rule.id,
            node=watch.node.uid,
            resource=watch.resource,
            severity=ruling.rule.severity,
            text=wrong(watch, speed),
            value=value_of(watch),
            raised=max(time, 0.0),
            finding=finding(watch),
        )
        watch.quiet = ruling.muted(now.wall)
        if watch.quiet:
            self._untold[watch] = watch.alert
        effects.append(Raised(watch.alert, ruling.rule, quiet=watch.quiet))

    def _clear(self, watch: Watch, time: float, effects: list[Effect]) -> None:
        left = self.let_go(watch)
        if left is not None:
            when, text = max(time, left.alert.raised), right(watch)
            effects.append(Cleared(left.alert, left.rule, when, text, Why.RIGHT, quiet=left.quiet))

    def take(self, watch: Watch, left: Left | None) -> None:
        """A new watch, with the alert that is open of what it watches."""
        if left is not None:
            watch.alert, watch.quiet = left.alert, left.quiet
            watch.ruling.open += 1
            if watch.quiet:
                self._untold[watch] = watch.alert

    def let_go(self, watch: Watch) -> Left | None:
        """The watch has no alert any more; the one that it had."""
        alert, watch.alert = watch.alert, None
        watch.settle()
        self._untold.pop(watch, None)
        if alert is None:
            return None
        watch.ruling.open -= 1
        quiet, watch.quiet = watch.quiet, False
        return Left(alert, watch.ruling.rule, quiet)

    def schedule(self, watch: Watch) -> None:
        """Look again when it is due."""
        if watch.due is None or watch.due >= watch.scheduled:
            return
        if len(self._due) >= self._room:
            self._due = [
                each
                for each in self._due
                if each[0] == each[2].scheduled and each[2].due is not None
            ]
            heapify(self._due)
            self._room = 2 * len(self._due) + ROOM
        watch.scheduled = watch.due
        heappush(self._due, (watch.due, next(self._turns), watch))
