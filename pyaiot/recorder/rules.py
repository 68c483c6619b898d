# SPDX-License-Identifier: BSD-3-Clause
"""The engine of alerts: what happens goes in, what is to be raised and cleared comes out.

There is one open alert at most of each rule, node and resource. An alert is raised once what is
wrong has been so for the rule's duration by the times of the readings; where no reading comes, a
value holds until the next as long as its node is there. It is cleared once a reading says so.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from pyaiot.model.condition import Condition
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.rule import Rule
from pyaiot.model.samples import Sample
from pyaiot.recorder.alert import Effect, OpenAlert, Why
from pyaiot.recorder.judge import SETTLING, Judge, Left
from pyaiot.recorder.rulebook import Rulebook, matches
from pyaiot.recorder.watch import NODE_WIDE, Node, Ruling, Series, Watch, brief, pattern

MAX_NODES: Final = 100_000
MAX_SERIES: Final = 1024
"""Of one node."""


class Sight(Protocol):
    """Who may see which nodes, and what people call them."""

    def sees(self, owner: str | None, uid: str) -> bool:
        """Whether this account may see the node; rules of nobody see what is everybody's."""

    def name(self, uid: str) -> str:
        """What people call the node; empty where they call it nothing."""


class Engine:
    """All rules and all that they know. Facts are told in the order in which they became known."""

    def __init__(self, sight: Sight, new_id: Callable[[], str]) -> None:
        """`new_id` names alerts; no two the same."""
        self._sight = sight
        self._judge = Judge(new_id)
        self._book = Rulebook()
        self._nodes: dict[str, Node] = {}
        self._named: dict[str, dict[str, Node]] = {}
        """By what people call them, and by uid; those that they call nothing as well."""
        self._gone: dict[str, Node] = {}
        self._left: dict[tuple[str, str, str], Left] = {}
        self._settled: float | None = None
        self.overlooked = 0
        """Readings of nodes and resources beyond what can be watched."""

    @property
    def refused(self) -> int:
        """Alerts for which their rule had no room."""
        return self._judge.refused

    # Facts

    def begin(
        self,
        rules: Iterable[Rule],
        alerts: Iterable[OpenAlert],
        nodes: Iterable[tuple[str, Availability | None]],
        latest: Iterable[Sample],
        now: Moment,
    ) -> list[Effect]:
        """What was known before: rules, open alerts, nodes and their last readings."""
        effects: list[Effect] = []
        for uid, availability in nodes:
            node = self._node(uid, now, effects)
            if node is not None:
                node.availability = availability
        self.read(latest, now)
        ruled = {rule.id: rule for rule in rules}
        for alert in alerts:
            self._left[alert.key] = Left(alert, ruled.get(alert.rule))
            node = self._node(alert.node, now, effects)
            if node is not None and alert.resource and alert.rule in ruled:
                self._series(node, alert.resource, ruled[alert.rule].path, now, effects)
        effects += self.rules_are(ruled.values(), now)
        return effects

    def rules_are(self, rules: Iterable[Rule], now: Moment) -> list[Effect]:
        """These are all rules in force from now on."""
        effects: list[Effect] = []
        wanted = {rule.id: rule for rule in rules}
        for ruling in list(self._book.rulings.values()):
            rule = wanted.get(ruling.rule.id)
            if rule is not None and ruling.watches_as(rule):
                ruling.rule = rule
                del wanted[rule.id]
            else:
                self._drop(ruling)
        for rule in wanted.values():
            self._enforce(Ruling(rule), now, effects)
        # What no rule has taken up again.
        effects.extend(left.closed(now, Why.UNWATCHED) for left in self._left.values())
        self._left.clear()
        return effects

    def read(self, samples: Iterable[Sample], now: Moment) -> list[Effect]:
        """Readings came; `now` is when."""
        effects: list[Effect] = []
        nodes, steady = self._nodes, now.steady
        offset = steady - now.wall
        for sample in samples:
            node = nodes.get(sample.node) or self._node(sample.node, now, effects)
            if node is None:
                self.overlooked += 1
                continue
            series = node.series.get((sample.resource, sample.path)) or self._series(
                node, sample.resource, sample.path, now, effects
            )
            if series is None:
                self.overlooked += 1
                continue
            time = sample.time_us / 1e6
            at = time + offset
            if at > steady:
                # One from the future comes from a clock that is wrong.
                at, time = steady, now.wall
            placed = series.place(at, steady)
            if placed is None:
                continue
            series.at, series.time = placed, time
            series.number, series.unit = sample.number, sample.unit
            series.text = brief(sample.text)
            for watch in series.watches:
                self._judge.value(watch, series, now, effects)
            for watch in series.silences:
                self._judge.heard(watch, series, now, effects)
        return effects

    def available(self, uid: str, availability: Availability, now: Moment) -> list[Effect]:
        """A node is there, or silent."""
        effects: list[Effect] = []
        node = self._node(uid, now, effects)
        if node is not None:
            node.availability, node.gone = availability, False
            self._gone.pop(uid, None)
            self._judge_presence(node, now, effects)
        return effects

    def called(self, uid: str, title: str, now: Moment) -> list[Effect]:
        """A node says what it calls itself."""
        effects: list[Effect] = []
        node = self._node(uid, now, effects)
        if node is not None:
            node.said = title
        return effects

    def gone(self, uid: str, now: Moment) -> list[Effect]:
        """A node is gone for its gateway; its alerts stay open, for nobody knows better."""
        effects: list[Effect] = []
        node = self._nodes.get(uid)
        if node is not None:
            node.gone = True
            self._gone[uid] = node
            self._judge_presence(node, now, effects)
        return effects

    def forget(self, uid: str, now: Moment) -> list[Effect]:
        """A node was forgotten, and what was found wrong with it."""
        node = self._nodes.get(uid)
        if node is None:
            return []
        return [left.closed(now, Why.UNSEEN) for left in self._remove(node)]

    def reset(self, uid: str) -> None:
        """A node rebooted: its values hold no longer."""
        node = self._nodes.get(uid)
        if node is not None:
            for series in node.series.values():
                series.number = series.text = None
            _settle_values(node)

    def access_changed(self, uids: Iterable[str] | None, now: Moment) -> list[Effect]:
        """Others may see these nodes, or they are called something else; None: perhaps all."""
        effects: list[Effect] = []
        for uid in list(self._nodes) if uids is None else uids:
            node = self._nodes.get(uid)
            if node is not None:
                self._call(node)
                self._review(node, now, effects)
        return effects

    def deaf(self) -> None:
        """The broker is out of reach: that nothing comes means nothing."""
        self._settled = None

    def listening(self, now: Moment) -> None:
        """The broker is in reach again."""
        self._settled = now.steady + SETTLING

    def tick(self, now: Moment) -> list[Effect]:
        """Time has passed. To be told a few times a second."""
        effects: list[Effect] = []
        self._judge.tell(now, effects)
        if self._settled is not None and now.steady >= self._settled:
            self._judge.look_again(now, effects)
        return effects

    # Who watches what

    def _judge_presence(self, node: Node, now: Moment, effects: list[Effect]) -> None:
        if not node.there:
            _settle_values(node)
        for ruling in node.rulings.values():
            if ruling.condition is Condition.OFFLINE:
                self._judge.presence(node.watches[ruling.rule.id][NODE_WIDE], now, effects)

    def _node(self, uid: str, now: Moment, effects: list[Effect]) -> Node | None:
        node = self._nodes.get(uid)
        if node is not None:
            return node
        if len(self._nodes) >= MAX_NODES and not self._forget_one():
            return None
        node = self._nodes[uid] = Node(uid, self._sight.name(uid))
        self._named.setdefault(node.name, {})[uid] = node
        self._review(node, now, effects)
        return node

    def _forget_one(self) -> bool:
        """Make room for a node where one is gone that nothing is open of."""
        for node in self._gone.values():
            if all(watch.alert is None for watch in node.all_watches()):
                break
        else:
            return False
        self._remove(node)
        return True

    def _remove(self, node: Node) -> list[Left]:
        """Know a node no more; the alerts that were open of it."""
        lefts = [left for each in list(node.rulings.values()) for left in self._leave(each, node)]
        self._unname(node)
        self._gone.pop(node.uid, None)
        del self._nodes[node.uid]
        return lefts

    def _call(self, node: Node) -> None:
        """Know the node by the name that it has now."""
        name = self._sight.name(node.uid)
        if name != node.name:
            self._unname(node)
            node.name = name
            self._named.setdefault(name, {})[node.uid] = node

    def _unname(self, node: Node) -> None:
        namesakes = self._named[node.name]
        del namesakes[node.uid]
        if not namesakes:
            del self._named[node.name]

    def _series(
        self, node: Node, resource: str, path: str, now: Moment, effects: list[Effect]
    ) -> Series | None:
        series = node.series.get((resource, path))
        if series is None and len(node.series) < MAX_SERIES:
            series = node.series[resource, path] = Series(resource, path)
            for ruling in node.rulings.values():
                self._cover(ruling, node, series, now, effects)
        return series

    def _review(self, node: Node, now: Moment, effects: list[Effect]) -> None:
        """Find the rules about a node anew."""
        sees = self._sight.sees
        wanted = {
            ruling.rule.id: ruling
            for ruling in self._book.about(node.uid, node.name)
            if sees(ruling.rule.owner, node.uid)
        }
        for key, ruling in list(node.rulings.items()):
            if key not in wanted:
                seen = sees(ruling.rule.owner, node.uid)
                why = Why.UNWATCHED if seen else Why.UNSEEN
                effects.extend(left.closed(now, why) for left in self._leave(ruling, node))
        for key, ruling in wanted.items():
            if key not in node.rulings:
                self._attach(ruling, node, now, effects)

    def _enforce(self, ruling: Ruling, now: Moment, effects: list[Effect]) -> None:
        """A new rule."""
        rule = ruling.rule
        self._book.add(ruling)
        nodes: Iterable[Node] = self._nodes.values()
        if pattern(rule.node) is None:
            named = self._named.get(rule.node, {})
            own = self._nodes.get(rule.node)
            nodes = named.values() if own is None else {**named, own.uid: own}.values()
        for node in list(nodes):
            if matches(rule.node, node.uid, node.name) and self._sight.sees(rule.owner, node.uid):
                self._attach(ruling, node, now, effects)

    def _drop(self, ruling: Ruling) -> None:
        """A rule is gone, or no longer the same; its alerts wait for one that takes them up."""
        for node in list(ruling.nodes.values()):
            for left in self._leave(ruling, node):
                self._left[left.alert.key] = left
        self._book.remove(ruling)

    def _attach(self, ruling: Ruling, node: Node, now: Moment, effects: list[Effect]) -> None:
        """A rule is about a node from now on."""
        node.rulings[ruling.rule.id] = ruling
        node.watches[ruling.rule.id] = {}
        ruling.nodes[node.uid] = node
        awaited = None
        if ruling.node_wide or ruling.certain:
            resource = NODE_WIDE if ruling.node_wide else ruling.rule.resource
            awaited = self._watch(ruling, node, resource, None)
        for series in node.series.values():
            self._cover(ruling, node, series, now, effects)
        if ruling.condition is Condition.OFFLINE:
            self._judge_presence(node, now, effects)
        elif awaited is not None:
            self._judge.wait(awaited, now)

    def _cover(
        self, ruling: Ruling, node: Node, series: Series, now: Moment, effects: list[Effect]
    ) -> None:
        """Let a rule about a node watch one of its series, if that is one of those it means."""
        if ruling.condition is Condition.OFFLINE or not ruling.about(series.resource):
            return
        if ruling.of_values:
            if series.path == ruling.rule.path:
                watch = self._watch(ruling, node, series.resource, series)
                series.watches.append(watch)
                if node.there:
                    self._judge.value(watch, series, now, effects)
            return
        resource = NODE_WIDE if ruling.node_wide else series.resource
        watch = self._watch(ruling, node, resource, None)
        series.silences.append(watch)
        self._judge.heard(watch, series, now, effects)

    def _watch(self, ruling: Ruling, node: Node, resource: str, series: Series | None) -> Watch:
        """The watch of a rule on a resource, made if there is none."""
        watches = node.watches[ruling.rule.id]
        watch = watches.get(resource)
        if watch is None:
            watch = watches[resource] = Watch(ruling, node, resource, series)
            self._judge.take(watch, self._left.pop((ruling.rule.id, node.uid, resource), None))
        return watch

    def _leave(self, ruling: Ruling, node: Node) -> list[Left]:
        """A rule is no longer about a node; the alerts that were open of it there."""
        del node.rulings[ruling.rule.id], ruling.nodes[node.uid]
        watches = node.watches.pop(ruling.rule.id)
        for series in node.series.values():
            for watching in (series.watches, series.silences):
                watching[:] = [each for each in watching if each.ruling is not ruling]
        lefts = (self._judge.let_go(watch) for watch in watches.values())
        return [left for left in lefts if left is not None]


def _settle_values(node: Node) -> None:
    """Nothing is known of how long the node's values hold."""
    for watch in node.all_watches():
        if watch.series is not None and watch.alert is None:
            watch.settle()
