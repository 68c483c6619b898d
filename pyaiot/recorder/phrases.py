# SPDX-License-Identifier: BSD-3-Clause
"""What alerts say to people, each in one sentence."""

from typing import Final

from pyaiot.messages.types import MAX_TEXT, Finding
from pyaiot.model.condition import Condition
from pyaiot.recorder.watch import Watch, cut

MAX_VALUE: Final = 64
"""Characters of a value that are told."""
_LOWER: Final = frozenset({Condition.BELOW, Condition.OUTSIDE, Condition.RATE})
_UPPER: Final = frozenset({Condition.ABOVE, Condition.OUTSIDE, Condition.RATE})
"""Conditions that have a lower or an upper bound."""
UNWATCHED: Final = "Nothing watches over this any more"
"""What is said of an alert whose rule is gone, or is about something else."""


def value_of(watch: Watch) -> str:
    """What the node reported, where the alert is about a value."""
    return "" if watch.series is None else cut(watch.series.value, MAX_TEXT)


def finding(watch: Watch) -> Finding:
    """What is wrong, for those who say it in words of their own."""
    rule = watch.ruling.rule
    return Finding(
        rule.condition,
        value_of(watch),
        rule.low if rule.condition in _LOWER else None,
        rule.high if rule.condition in _UPPER else None,
        rule.seconds if rule.condition == Condition.SILENT else 0.0,
        "" if watch.series is None else rule.path,
    )


def wrong(watch: Watch, speed: float | None = None) -> str:
    """What is wrong."""
    rule, title = watch.ruling.rule, watch.node.title
    if rule.condition == Condition.OFFLINE:
        return cut(f"{title} is offline")
    if watch.series is None:
        what = f"no {watch.resource}" if watch.resource else "nothing"
        return cut(f"{title} has reported {what} for {rule.seconds:.10g} s")
    phrase = watch.ruling.bounds.phrase
    if rule.condition == Condition.RATE:
        how = "" if speed is None else f" by {speed:.4g} a second"
        return cut(f"{_subject(watch)} changes{how}, {phrase}")
    value = f"{_subject(watch)} is {cut(watch.series.value, MAX_VALUE)}"
    return cut(f"{value}, {phrase}" if phrase else value)


def right(watch: Watch) -> str:
    """That it is no longer so."""
    title, condition = watch.node.title, watch.ruling.rule.condition
    if condition == Condition.OFFLINE:
        return cut(f"{title} is back")
    if watch.series is None:
        return cut(
            f"{title} reports {watch.resource} again"
            if watch.resource
            else f"{title} reports again"
        )
    if condition == Condition.RATE:
        return cut(f"{_subject(watch)} changes as it should again")
    phrase = watch.ruling.bounds.phrase
    value = f"{_subject(watch)} is {cut(watch.series.value, MAX_VALUE)}"
    return cut(f"{value}, no longer {phrase}" if phrase else value)


def _subject(watch: Watch) -> str:
    name = watch.resource if watch.series is None else watch.series.name
    return f"{cut(name, MAX_VALUE)} of {watch.node.title}"
