# SPDX-License-Identifier: BSD-3-Clause
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import SettingsInvalid
from pyaiot.setting import Setting, SettingValue
from pyaiot.settings import (
    ALL,
    BrokerSettings,
    CoapGatewaySettings,
    DashboardSettings,
    GatewaySettings,
    MqttGatewaySettings,
    ServiceSettings,
    Settings,
    WebsocketGatewaySettings,
    settings_of,
)

BROKER = settings_of(BrokerSettings)

EVERY = [each for cls in ALL for each in settings_of(cls).values()]


@pytest.mark.parametrize("cls", ALL)
def test_everything_has_a_default_that_it_accepts(cls: type[Settings]) -> None:
    settings = cls()
    for each in settings_of(cls).values():
        assert getattr(settings, each.name) == each.default
        each.check(each.default)


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_everything_is_described(each: Setting) -> None:
    assert each.help
    assert not each.help.endswith(".")
    assert each.expected
    assert each.kind in {bool, int, float, str, tuple}


def test_names_of_the_original_and_their_defaults() -> None:
    common: dict[str, SettingValue] = {
        "broker_host": "localhost",
        "broker_port": 8000,
        "debug": False,
        "config": None,
    }
    expected: dict[type[Settings], dict[str, SettingValue]] = {
        BrokerSettings: common,
        CoapGatewaySettings: common | {"coap_port": 5683, "interface": "", "max_time": 120.0},
        MqttGatewaySettings: common
        | {"mqtt_host": "localhost", "mqtt_port": 1886, "max_time": 120.0},
        WebsocketGatewaySettings: common | {"gateway_port": 8001},
        DashboardSettings: common
        | {
            "static_path": None,
            "web_port": 8080,
            "broker_ssl": False,
            "camera_url": None,
            "title": "IoT Dashboard",
            "logo": None,
            "favicon": None,
            "map_api_key": "",
        },
    }
    for cls, values in expected.items():
        settings = cls()
        assert {name: getattr(settings, name) for name in values} == values


def test_names_follow_from_the_field() -> None:
    each = BROKER["broker_port"]
    assert each.option == "--broker-port"
    assert each.variable == "PYAIOT_BROKER_PORT"


def test_secrets_are_not_shown() -> None:
    settings = MqttGatewaySettings(mqtt_user="me", mqtt_password="geheim")
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("broker_port", "8020", 8020),
        ("broker_port", " 8020 ", 8020),
        ("broker_port", "", 0),
        ("broker_host", "", ""),
        ("debug", "True", True),
        ("debug", "on", True),
        ("debug", "0", False),
        ("debug", "False", False),
        ("clock_skew", "1.5", 1.5),
        ("clock_skew", "30", 30.0),
        ("anonymous", "view", "view"),
        ("anonymous", "", None),
        ("ssl_cert", "", None),
        (
            "allow_origin",
            "https://a.example, http://b.example:81 ,",
            ("https://a.example", "http://b.example:81"),
        ),
        ("allow_origin", "", ()),
    ],
)
def test_texts(name: str, text: str, value: SettingValue) -> None:
    assert BROKER[name].parse(text) == value
    assert BROKER[name].accept(text) == value


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("broker_port", "http", "expected a whole number from 0 to 65535, not 'http'"),
        ("broker_port", 65536, "expected a whole number from 0 to 65535, not 65536"),
        ("broker_port", -1, "expected a whole number from 0 to 65535, not -1"),
        ("broker_port", 80.0, "expected a whole number from 0 to 65535, not 80.0"),
        ("broker_port", True, "expected a whole number from 0 to 65535, not True"),
        ("broker_port", None, "expected a whole number from 0 to 65535"),
        ("broker_port", [80], "expected a whole number from 0 to 65535, not a list"),
        ("broker_host", 1, "expected a text, not 1"),
        ("max_clients", "", "expected a whole number of 1 or more, not ''"),
        ("max_clients", 0, "expected a whole number of 1 or more, not 0"),
        ("debug", "maybe", "expected true or false, not 'maybe'"),
        ("debug", 1, "expected true or false, not 1"),
        ("clock_skew", "-1", "expected a number of 0 or more, not -1.0"),
        ("clock_skew", "nan", "expected a number of 0 or more, not nan"),
        ("clock_skew", "inf", "expected a number of 0 or more, not inf"),
        ("flush_window", 2, "expected a number from 0 to 1, not 2.0"),
        ("anonymous", "all", "expected one of none, view, control, script, not 'all'"),
        ("allow_origin", 1, "expected a list of texts, not 1"),
        ("allow_origin", [1], "expected a list of texts, not a list"),
        ("ssl_cert", 1, "expected a text, not 1"),
    ],
)
def test_values_that_are_refused(name: str, value: object, reason: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        BROKER[name].accept(value)
    assert caught.value.reason == reason


def test_values_of_other_types() -> None:
    assert BROKER["clock_skew"].accept(3) == 3.0
    assert BROKER["allow_origin"].accept(["https://a.example"]) == ("https://a.example",)
    assert BROKER["debug"].accept(True) is True
    assert BROKER["ssl_cert"].accept(None) is None


def test_bounds_in_words() -> None:
    assert BROKER["flush_window"].range == "from 0 to 1"
    assert BROKER["max_clients"].range == "of 1 or more"
    assert BROKER["broker_host"].range == ""
    unbounded = Setting("x", float, 0.0, "", False, (), -math.inf, math.inf, "", False, True)
    assert unbounded.expected == "a number"


def test_no_settings_class_holds_an_invalid_value() -> None:
    with pytest.raises(SettingsInvalid, match=r"^broker_port: expected a whole number"):
        BrokerSettings(broker_port=70_000)
    with pytest.raises(SettingsInvalid, match=r"^max_time: expected a number of 0.1 or more"):
        CoapGatewaySettings(max_time=0)


def test_what_belongs_together() -> None:
    BrokerSettings(ssl_cert="a", ssl_key="b")
    with pytest.raises(SettingsInvalid, match=r"^ssl_cert is set, so ssl_key must be set too$"):
        BrokerSettings(ssl_cert="a")
    with pytest.raises(SettingsInvalid, match=r"^ssl_key is set, so ssl_cert must be set too$"):
        BrokerSettings(ssl_key="a")
    with pytest.raises(SettingsInvalid, match="mqtt_user must be set too"):
        MqttGatewaySettings(mqtt_password="a")
    MqttGatewaySettings(mqtt_user="without a password")


def test_addresses_that_are_none() -> None:
    for name in ("public_url", "recorder_health"):
        good: Any = {name: "https://iot.example/iot/"}
        DashboardSettings(**good)
        with pytest.raises(SettingsInvalid, match=f"^{name}: expected an address that begins"):
            DashboardSettings(**(good | {name: "iot.example"}))
    with pytest.raises(SettingsInvalid, match=r"^public_url: .* neither \? nor #$"):
        DashboardSettings(public_url="https://iot.example/#/setup")


@pytest.mark.parametrize("cls", [GatewaySettings, DashboardSettings])
def test_an_empty_port_is_that_of_the_scheme(
    cls: type[GatewaySettings | DashboardSettings],
) -> None:
    assert cls(broker_port=0).broker_port == 80
    assert cls(broker_port=0, broker_ssl=True).broker_port == 443
    assert BrokerSettings(broker_port=0).broker_port == 0


def test_every_service_has_the_common_settings() -> None:
    names = {each.name for each in fields(ServiceSettings)}
    assert names <= set(settings_of(DashboardSettings))


@given(st.sampled_from(EVERY), st.text())
def test_any_text_is_a_value_or_a_clear_error(each: Setting, text: str) -> None:
    try:
        value = each.parse(text)
    except SettingsInvalid as exc:
        reason = exc.reason
    else:
        assert each.accept(value) == value
        reason = "expected "
    assert reason.startswith("expected ")
    assert "\n" not in reason
