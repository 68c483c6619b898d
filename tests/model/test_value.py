# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pyaiot.model.value import Quantity, Value, says


@pytest.mark.parametrize(
    ("value", "number", "unit"),
    [
        ("23.4°C", 23.4, "°C"),
        ("1013.5hPa", 1013.5, "hPa"),
        ("45.10%", 45.1, "%"),
        ("400ppm", 400.0, "ppm"),
        (" 22.5 °C", 22.5, "°C"),
        (" 12ug/m3", 12.0, "ug/m3"),
        ("-3", -3.0, ""),
        ("+.5 V", 0.5, "V"),
        ("1,5 m", 1.5, "m"),
        ("7.", 7.0, ""),
        ("6e-3 A", 0.006, "A"),
        (1, 1.0, ""),
        (2.5, 2.5, ""),
    ],
)
def test_number_and_unit(value: Value, number: float, unit: str) -> None:
    assert Quantity.of(value) == Quantity(number, unit)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "on",
        "°C",
        "1.2.3",
        "2026-11-21",
        "12:30",
        "10.0.0.1",
        "fe80::1",
        "1 2",
        "5 m 3",
        "1" * 65,
        True,
        False,
        None,
        [1],
        {"lat": 48.7},
    ],
)
def test_what_holds_no_number(value: Any) -> None:
    assert Quantity.of(value) is None


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        ("1", "1"),
        (1, "1"),
        (True, "1"),
        (False, "0"),
        (True, "true"),
        (False, " OFF"),
        (" 0:0:0 ", "0:0:0\n"),
        ("21.0°C", "21"),
        ("21 °C", "21.0°C"),
        (2.5, "2.50"),
        ({"a": [1]}, '{"a": [1]}'),
        ([], "[]"),
        ("", ""),
    ],
)
def test_a_node_that_says_what_was_asked_for(value: Value, payload: str) -> None:
    assert says(value, payload)


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        ("0", "1"),
        (True, "0"),
        (True, "false"),
        (True, ""),
        (None, "1"),
        ("21°C", "22"),
        ("21°C", "21°F"),
        ("21", "21°C"),
        ("on", "off"),
        ({"a": 1}, "{"),
        ({"a": 1}, "\ud800"),
        ([1], "[" * 100_000),
        ([1], "[2]"),
    ],
)
def test_a_node_that_says_something_else(value: Value, payload: str) -> None:
    assert not says(value, payload)
