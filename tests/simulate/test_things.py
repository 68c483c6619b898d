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
        ("eco2", "ppm", 400, 1500),
        ("tvoc", "ppb", 0, 400),
        ("tsp", "ug/m3", 10, 70),
        ("tlp", "ug/m3", 3, 30),
        ("illuminance", "lx", 50, 1000),
        ("uvindex", "", 0, 9),
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


def test_a_quantity_may_rise_and_begin_again() -> None:
    one = Thing(["temperature"], Random(1), course="linear")
    values = [float(one.sample("temperature", seconds)[:-2]) for seconds in range(0, 60, 10)]
    assert values == sorted(values)
    assert one.sample("temperature", 60) == one.sample("temperature", 0) == "19.7°C"


def test_quantities_may_be_scattered_over_time() -> None:
    names = ("temperature", "eco2", "uvindex")
    alike = Thing(names, Random(1), course="linear")
    apart = Thing(names, Random(1), course="linear", scatter=60)
    lowest = [alike.sample(name, 0) for name in names]
    assert lowest == ["19.7°C", "410ppm", "0.0"]
    assert all(apart.sample(name, 0) != low for name, low in zip(names, lowest, strict=True))
    assert [apart.sample(name, 0) for name in names] == [apart.sample(name, 60) for name in names]


def test_or_go_anyhow() -> None:
    one = Thing(["uvindex"], Random(1), course="random")
    values = [float(one.sample("uvindex", 0)) for _ in range(200)]
    assert 0 <= min(values) < 1
    assert 7 < max(values) <= 8


def test_begins_with_what_it_is_given() -> None:
    one = Thing(["text", "position"], Random(1), values={"text": "Hello"})
    assert one.values["text"] == "Hello"
    assert json.loads(one.values["position"])["lat"] == 48.714784


def test_gets_a_new_firmware_every_minute() -> None:
    one = thing("suit_state", "dwnld")
    states = [one.sample("suit_state", second) for second in range(120)]
    assert list(dict.fromkeys(states)) == ["0", "1", "2", "4", "6", "9", "11"]
    assert states[:60] == states[60:]
    loaded = [
        int(one.sample("dwnld", second))
        for second in range(60)
        if one.sample("suit_state", second) == "6"
    ]
    assert loaded == sorted(loaded)
    assert (loaded[0], one.sample("dwnld", 52)) == (0, "100")


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
        ("ribot", "a:b:c", "does not take"),
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
