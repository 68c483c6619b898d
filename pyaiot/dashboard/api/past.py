# SPDX-License-Identifier: BSD-3-Clause
"""What is stored that a rule would have looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import structs

from pyaiot.dashboard.api.call import Call
from pyaiot.model.condition import Condition
from pyaiot.model.rule import Rule
from pyaiot.model.samples import Sample, microseconds
from pyaiot.recorder.preview import MAX_READINGS, Fact, Presence
from pyaiot.recorder.rulebook import matches
from pyaiot.recorder.watch import brief, pattern
from pyaiot.store.export import Selection

MAX_NODES: Final = 200
"""Nodes that are looked at."""
MAX_CHANGES: Final = 1000
"""Times that each of them came or went."""

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Past:
    """What happened, in the order of time."""

    facts: list[Fact]
    names: Mapping[str, str]
    """All nodes that there are, each with what people call it."""
    complete: bool


async def past_of(call: Call[Any, Any], rule: Rule, start: float, end: float) -> Past:
    """What a rule would have looked at, from `start` to `end` in seconds since the epoch.

    Only of nodes that the asker may see. Raises StoreFailed.
    """
    names, complete = await _nodes(call, rule)
    first, last = microseconds(start), microseconds(end)
    facts: list[Fact] = []
    for uid in names:
        changes = await _changes(call, uid, first, last)
        complete = complete and len(changes) < MAX_CHANGES
        facts += changes
    if names:
        facts += await _samples(call, rule, list(names), first, last)
    facts.sort(key=lambda fact: fact.time_us)
    return Past(facts, names, complete)


async def _nodes(call: Call[Any, Any], rule: Rule) -> tuple[dict[str, str], bool]:
    """The nodes that the rule is about, and whether those are all."""
    names: dict[str, str] = {}
    after = ""
    while True:
        records = await call.services.store.nodes.records(_PAGE, after)
        for each in records:
            if matches(rule.node, each.uid, each.name) and call.sees(each.uid):
                if len(names) >= MAX_NODES:
                    return names, False
                names[each.uid] = each.name
        if len(records) < _PAGE:
            return names, True
        after = records[-1].uid


async def _changes(call: Call[Any, Any], uid: str, first: int, last: int) -> list[Presence]:
    """When the node came and went; of what was before, how it was in the end."""
    found = []
    for change in await call.services.store.nodes.changes(uid, MAX_CHANGES, last):
        found.append(Presence(uid, change.availability, max(change.time_us, first)))
        if change.time_us <= first:
            break
    return found


async def _samples(
    call: Call[Any, Any], rule: Rule, nodes: list[str], first: int, last: int
) -> list[Sample]:
    """The readings, and one more than are looked at where there are more."""
    if rule.condition is Condition.OFFLINE:
        return []
    wanted = pattern(rule.resource)
    selection = Selection(
        nodes=nodes,
        resource=rule.resource if wanted is None else None,
        path=None if rule.condition is Condition.SILENT else rule.path,
        start_us=first,
        end_us=last,
    )
    found: list[Sample] = []
    async for page in call.services.store.history.export(selection):
        found += (_brief(each) for each in page if wanted is None or wanted.match(each.resource))
        if len(found) > MAX_READINGS:
            return found[: MAX_READINGS + 1]
    return found


def _brief(sample: Sample) -> Sample:
    """The same without the end of a long text."""
    text = brief(sample.text)
    return sample if text is sample.text else structs.replace(sample, text=text)
