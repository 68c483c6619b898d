# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.model.samples import MAX_PATH, MAX_SAMPLES, Sample, microseconds, samples_of
from pyaiot.model.value import Value

IMU: list[Value] = [
    {"type": "acc", "values": [1, -2, 3.5]},
    {"type": "gyro", "values": [4, 5, 6]},
]


def kept(value: Value) -> dict[str, tuple[float | None, str | None, str]]:
    samples = samples_of("node", "thing", value, 12.000_000_5)
    assert all(
        (each.node, each.resource, each.time_us) == ("node", "thing", 12_000_000)
        for each in samples
    )
    return {each.path: (each.number, each.text, each.unit) for each in samples}


@pytest.mark.parametrize(
    ("value", "number", "text", "unit"),
    [
        ("23.4°C", 23.4, None, "°C"),
        (" -2 hPa", -2.0, None, "hPa"),
        (21, 21.0, None, ""),
        (2.5, 2.5, None, ""),
        (True, 1.0, None, ""),
        (False, 0.0, None, ""),
        (None, None, None, ""),
        ("", None, "", ""),
        ("on", None, "on", ""),
        ("1.2.3", None, "1.2.3", ""),
        ("1e999", None, "1e999", ""),
        ("1e100", 1e100, None, ""),
        ("-1e101", None, "-1e101", ""),
        (float("nan"), None, "null", ""),
        (10**400, None, str(10**400), ""),
        (float("inf"), None, "null", ""),
        ("a\0b", None, "a�b", ""),
        ("5 \0", 5.0, None, "�"),
        ("half \ud800", None, "half ?", ""),
        ([], None, "[]", ""),
        ({}, None, "{}", ""),
        ("[1, 2", None, "[1, 2", ""),
        ("{broken}", None, "{broken}", ""),
    ],
)
def test_single_values(value: Value, number: float | None, text: str | None, unit: str) -> None:
    assert kept(value) == {"": (number, text, unit)}


@pytest.mark.parametrize("as_text", [False, True])
def test_structures(as_text: bool) -> None:
    value: Value = {"t": "21°C", "deep": {"on": True, "list": [1, "two", None]}, "none": {}}
    assert kept(json.dumps(value) if as_text else value) == {
        "t": (21.0, None, "°C"),
        "deep.on": (1.0, None, ""),
        "deep.list.0": (1.0, None, ""),
        "deep.list.1": (None, "two", ""),
        "deep.list.2": (None, None, ""),
        "none": (None, "{}", ""),
    }


@pytest.mark.parametrize("as_text", [False, True])
def test_imu(as_text: bool) -> None:
    found = kept(json.dumps(IMU) if as_text else IMU)
    assert {path: number for path, (number, _, _) in found.items()} == {
        "acc.x": 1, "acc.y": -2, "acc.z": 3.5, "gyro.x": 4, "gyro.y": 5, "gyro.z": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ([{"type": "acc", "values": [1, 2, 3, 4]}], ["acc.0", "acc.1", "acc.2", "acc.3"]),
        ([{"type": "acc", "values": []}], ["acc"]),
        ([{"type": 1, "values": [1]}], ["0.type", "0.values.0"]),
        ([{"type": "", "values": [1]}], ["0.type", "0.values.0"]),
        ([{"type": "acc", "values": [1], "more": 1}], ["0.type", "0.values.0", "0.more"]),
        ({"a\nb": 1}, ["a�b"]),
        ({"": 1, "b": 2}, ["b"]),
        ({"x" * 257: 1, "b": 2}, ["b"]),
    ],
)
def test_paths(value: Value, paths: list[str]) -> None:
    assert list(kept(value)) == paths


def test_bounds() -> None:
    assert len(kept(list(range(1000)))) == MAX_SAMPLES
    deep: Value = 1
    for _ in range(1000):
        deep = [deep]
    assert kept(deep) == {}
    assert len(kept("[" * 100_000)) == 1


def test_time_is_whole_microseconds() -> None:
    assert microseconds(1_790_000_000.123_456_4) == 1_790_000_000_123_456
    (sample,) = samples_of("n", "r", 1, 1_790_000_000.123_456_4)
    assert sample == Sample("n", "r", "", 1_790_000_000_123_456, 1.0, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.text())
def test_any_value_gives_what_any_database_takes(value: Value) -> None:
    for sample in samples_of("n", "r", value, 1.0):
        assert sample.number is None or sample.text is None
        assert len(sample.path) <= MAX_PATH
        assert sample.path.isprintable()
        assert "\0" not in (sample.text or "").encode().decode()
        assert len(sample.unit) <= 16
        assert "\0" not in sample.unit


def test_names_are_plain() -> None:
    (sample,) = samples_of("n\0", "r\ud800", 1, 1.0)
    assert (sample.node, sample.resource) == ("n�", "r�")
