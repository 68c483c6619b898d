# SPDX-License-Identifier: BSD-3-Clause
import json
from random import Random

import pytest

from pyaiot.errors import InvalidValue
from pyaiot.model.node import checked_endpoint
from pyaiot.model.value import Quantity
from pyaiot.simulate.things import RESOURCES, Thing


def thing(*names: str, period: float | None = None, name: str = "") -> Thing:
    return Thing(names, Random(1), period=period, name=name)


def test_has_what_was_asked_for_in_that_order() -> None:
    assert list(thing("os", "led", "name").values) == ["os", "led", "name"]
    assert thing("led").values == {"led": "0"}
    assert thing("name", name="Desk").values == {"name": "Desk"}
    assert thing("name").values == {"name": "Test node"}


def test_has_nothing_else() -> None:
    with pytest.raises(InvalidValue, match="no resource 'teapot'"):
        thing("led", "teapot")


@pytest.mark.parametrize("name", RESOURCES)
def test_every_resource_can_be_had_alone(name: str) -> None:
    one = thing(name)
    assert checked_endpoint(name) == name
    assert one.sample(name, 12.5) == one.values[name]
    assert list(one.periodic) in ([], [name])


def test_reports_at_the_usual_periods_or_at_one_for_all() -> None:
    names = ("name", "led", "temperature", "imu")
    assert thing(*names).periodic == {"temperature": 5.0, "imu": 0.2}
    assert thing(*names, period=1.5).periodic == {"temperature": 1.5, "imu": 1.5}


@pytest.mark.parametrize(
    ("name", "unit", "low", "high"),
    [
        ("temperature", "°C", 15, 30),
        ("pressure", "hPa", 990, 1030),
        ("humidity", "%", 30, 60),
    ],
)
def test_measures_what_is_plausible(name: str, unit: str, low: float, high: float) -> None:
    one = thing(name)
    values = [Quantity.of(one.sample(name, seconds)) for seconds in range(120)]
    assert len({value.number for value in values if value is not None}) > 10
    for value in values:
        assert value is not None
        assert value.unit == unit
        assert low < value.number < high


def test_imu_has_three_sensors_of_three_axes() -> None:
    sensors = json.loads(thing("imu").sample("imu", 3.0))
    assert [sensor["type"] for sensor in sensors] == ["acc", "mag", "gyro"]
    assert all(len(sensor["values"]) == 3 for sensor in sensors)


def test_version_changes_with_time() -> None:
    one = thing("version")
    assert one.sample("version", 0) == "1.0.0"
    assert one.sample("version", 66) == "1.1.1"


@pytest.mark.parametrize(
    ("name", "payload"),
    [("led", "1"), ("robot", "u"), ("ribot", "-255:0:-255\n"), ("js", "x"), ("text", "°" * 256)],
)
def test_takes_a_value(name: str, payload: str) -> None:
    one = thing(name)
    one.put(name, payload)
    assert one.values == {name: payload}


@pytest.mark.parametrize(
    ("name", "payload", "reason"),
    [
        ("led", "2", "does not take"),
        ("led", "", "does not take"),
        ("robot", "x", "does not take"),
        ("ribot", "1:2", "does not take"),
        ("js", "", "does not take"),
        ("text", "x" * 257, "does not take"),
        ("name", "x", "read-only"),
        ("temperature", "1", "read-only"),
        ("teapot", "1", "No resource"),
    ],
)
def test_refuses_a_value(name: str, payload: str, reason: str) -> None:
    one = Thing([each for each in ("name", "temperature", name) if each in RESOURCES], Random(1))
    before = dict(one.values)
    with pytest.raises(InvalidValue, match=reason):
        one.put(name, payload)
    assert one.values == before
