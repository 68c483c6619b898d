# SPDX-License-Identifier: BSD-3-Clause
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyaiot.model.node import Availability
from pyaiot.model.samples import Sample
from pyaiot.recorder.preview import Fact, Presence, preview
from pyaiot.store.rules import RuleRecord
from tests.recorder.travelling import NOON, reading, rule

HOT = rule("above", high=30, seconds=60, hysteresis=1, owner="ann", muted_until=NOON + 1e9)


def day(node: str = "n1") -> Iterator[Sample]:
    """A reading a minute for a day; too hot in the first twenty minutes of each sixth hour."""
    for minute in range(24 * 60):
        hot = minute % 360 < 20
        yield reading(31.0 if hot else 20.0, NOON + 60 * minute, node=node)


def test_tells_when_a_rule_would_have_fired() -> None:
    found = preview(HOT, day(), {"n1": "Kitchen"}, NOON, NOON + 86400)
    assert (found.readings, found.complete) == (1440, True)
    assert [
        (firing.alert.raised - NOON, firing.cleared and firing.cleared - NOON)
        for firing in found.fired
    ] == [(start + 60, start + 1200) for start in (0, 21600, 43200, 64800)]
    assert found.fired[0].alert.text == "temperature of Kitchen is 31, above 30"


def test_what_is_open_in_the_end_is_not_cleared() -> None:
    (firing,) = preview(HOT, [reading(31.0, NOON)], {}, NOON, NOON + 3600).fired
    assert (firing.alert.raised, firing.cleared) == (NOON + 60, None)


def test_silences_and_availability() -> None:
    facts: list[Fact] = [
        reading(1.0, NOON + 10),
        Presence("n1", Availability.OFFLINE, round((NOON + 130) * 1e6)),
        Presence("n1", Availability.ONLINE, round((NOON + 500) * 1e6)),
        reading(1.0, NOON + 500),
    ]
    silent = preview(rule("silent", seconds=100), facts, {"n1": "", "n2": ""}, NOON, NOON + 550)
    assert [
        (each.alert.node, each.alert.raised - NOON, each.cleared and each.cleared - NOON)
        for each in silent.fired
    ] == [("n2", 100, None), ("n1", 110, 500)]
    (offline,) = preview(rule("offline"), facts, {}, NOON, NOON + 550).fired
    assert (offline.alert.raised, offline.cleared) == (NOON + 130, NOON + 500)


def test_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.recorder.preview.MAX_READINGS", 100)
    found = preview(HOT, day(), {}, NOON, NOON + 86400)
    assert (found.readings, found.complete, len(found.fired)) == (100, False, 1)
    monkeypatch.setattr("pyaiot.recorder.preview.MAX_FIRED", 3)
    flicker = [reading(31.0 if number % 2 else 20.0, NOON + number) for number in range(50)]
    found = preview(replace(HOT, seconds=0), flicker, {}, NOON, NOON + 60)
    assert (len(found.fired), found.complete) == (3, False)


def test_the_example_of_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "howto" / "alerts.md").read_text("utf-8")
    found = re.search(r"```json\n(.+?)```", guide, re.DOTALL)
    assert found is not None
    rule = RuleRecord("r", None, "Boiler", True, json.loads(found[1]), None, 0, 0).as_rule()
    facts: list[Fact] = []
    said: dict[str, float] = {}
    for hour, minute, second, value, words in re.findall(
        r"^\| (\d\d):(\d\d):(\d\d) \| (\d+) °C \| (.*)\|$", guide, re.MULTILINE
    ):
        time = int(hour) * 3600 + int(minute) * 60 + int(second)
        facts.append(Sample("b", "temperature", "", time * 1_000_000, float(value), None, "°C"))
        said |= {word: time for word in ("raised", "cleared") if f"**{word}**" in words}
    assert len(facts) == 7
    end = facts[-1].time_us / 1e6 + 60
    previewed = preview(rule, facts, {"b": "Boiler"}, facts[0].time_us / 1e6, end)
    (fired,) = previewed.fired
    assert (fired.alert.raised, fired.cleared) == (said["raised"], said["cleared"])
