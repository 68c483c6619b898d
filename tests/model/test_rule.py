# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pyaiot.errors import InvalidValue
from pyaiot.model.condition import Condition
from pyaiot.model.rule import Rule


@pytest.mark.parametrize(
    ("condition", "members"),
    [
        ("above", {"high": 0.0}),
        ("below", {"low": 0.0}),
        ("outside", {"low": 1, "high": 2, "hysteresis": 0.5}),
        ("equals", {"text": ""}),
        ("equals", {"low": 0.0}),
        ("equals", {"high": 0.0}),
        ("rate", {"low": 0.0}),
        ("rate", {"high": 0.0, "hysteresis": 9}),
        ("rate", {"low": -1, "high": 1, "hysteresis": 1}),
        ("silent", {"seconds": 1}),
        ("offline", {}),
    ],
)
def test_holds_what_its_condition_needs(condition: str, members: dict[str, Any]) -> None:
    rule = Rule(id="1", name="x", condition=Condition(condition), **members)
    assert rule.condition == condition


@pytest.mark.parametrize(
    ("condition", "members", "reason"),
    [
        ("above", {"low": 1}, "'high'"),
        ("below", {"high": 1}, "'low'"),
        ("outside", {"low": 1}, "'low', 'high'"),
        ("outside", {"high": 1}, "'low', 'high'"),
        ("outside", {"low": 2, "high": 2}, "'low', 'high'"),
        ("outside", {"low": 1, "high": 2, "hysteresis": 0.6}, "hysteresis"),
        ("equals", {}, "'text'"),
        ("rate", {}, "rate"),
        ("rate", {"low": -1, "high": 1, "hysteresis": 1.1}, "hysteresis"),
        ("silent", {"seconds": 0.9}, "'seconds'"),
        ("above", {"high": float("inf")}, "finite"),
        ("above", {"high": float("nan")}, "finite"),
        ("above", {"high": 1, "seconds": -1}, "below 0"),
        ("above", {"high": 1, "hysteresis": -1}, "below 0"),
        ("above", {"high": 1, "node": ""}, "node"),
        ("above", {"high": 1, "resource": ""}, "resource"),
    ],
)
def test_says_what_is_missing(condition: str, members: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason):
        Rule(id="1", name="x", condition=Condition(condition), **members)
