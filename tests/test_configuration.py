# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.configuration import (
    ConfigFile,
    load,
    secret_files,
    suggestion,
    unknown_variables,
)
from pyaiot.errors import SettingsInvalid
from pyaiot.settings import (
    BrokerSettings,
    CoapGatewaySettings,
    DashboardSettings,
    MqttGatewaySettings,
    UpSettings,
)

TOML = """
broker_host = "broker.example"
broker_port = 8020
max-time = 60

[broker]
broker_host = ""
allow_origin = ["https://a.example", "https://b.example"]
max_nodes = 7

[coap-gateway]
coap_port = "5684"
"""

ORIGINAL = """
# Example configuration file
import os

debug = True
broker_host = other = 'broker.example'
broker_port = 8020
coap_port: int = 5684
camera_url = None
broker_ssl=False
unknown_name = os.environ
print("this does not run")
"""


def refused(text: str, name: str = "c.toml") -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load(BrokerSettings, file=ConfigFile.parse(text, name))
    assert "\n" not in caught.value.reason
    return caught.value.reason


def test_toml_for_all_services() -> None:
    file = ConfigFile.parse(TOML, "pyaiot.toml")
    broker = load(BrokerSettings, file=file)
    assert broker.broker_host == ""
    assert broker.broker_port == 8020
    assert broker.allow_origin == ("https://a.example", "https://b.example")
    coap = load(CoapGatewaySettings, file=file)
    assert (coap.broker_host, coap.broker_port) == ("broker.example", 8020)
    assert (coap.coap_port, coap.max_time, coap.max_nodes) == (5684, 60.0, 10_000)
    assert load(UpSettings, file=file).host == "localhost"


def test_toml_by_its_content() -> None:
    assert ConfigFile.parse(TOML, "/etc/pyaiot.conf").tables["coap-gateway"]
    flat = ConfigFile.parse("broker_port = 8020\nunknown = 1\n", "/etc/pyaiot.conf")
    assert load(BrokerSettings, file=flat).broker_port == 8020


def test_python_of_the_original_is_read_but_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    file = ConfigFile.parse(ORIGINAL, "config.py")
    assert load(CoapGatewaySettings, file=file) == CoapGatewaySettings(
        debug=True, broker_host="broker.example", broker_port=8020, coap_port=5684
    )
    dashboard = load(DashboardSettings, file=file)
    assert dashboard.camera_url is None
    assert dashboard.broker_ssl is False
    assert not capsys.readouterr().out


def test_an_empty_port_in_a_file_of_the_original() -> None:
    file = ConfigFile.parse("broker_port = ''\nbroker_ssl = True\n", "config.py")
    assert load(DashboardSettings, file=file).broker_port == 443


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("broker_port = int('80')", "c.py line 1: broker_port must be set by a plain value"),
        ("\nif True:\n  debug = True", "c.py line 2: debug must be set by a plain value"),
        ("a, debug = 1, 2", "c.py line 1: debug must be set by a plain value"),
        ("debug: bool", "c.py line 1: debug must be set by a plain value"),
        ("title = {[]: 1}", "c.py line 1: title must be set by a plain value"),
        (
            "broker_port = 'http'",
            "c.py: broker_port: expected a whole number from 0 to 65535, not 'http'",
        ),
        ("broker_host = None", "c.py: broker_host: expected a text"),
        ("x = (", "c.py line 1: neither TOML nor Python assignments"),
        ("x = '\0'", "c.py: neither TOML nor Python assignments"),
        ("title = " + "-" * 10_000 + "1", "c.py: neither TOML nor Python assignments"),
    ],
)
def test_python_that_cannot_be_read(text: str, reason: str) -> None:
    assert refused(text, "c.py") == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("broker_prot = 1", "c.toml: unknown setting broker_prot; did you mean broker_port?"),
        ("config = 'x'", "c.toml: config cannot stand in a file"),
        ("zzz = 1", "c.toml: unknown setting zzz"),
        ("[brokers]", "c.toml: unknown table [brokers]; did you mean broker?"),
        (
            "[broker]\ncoap_port = 1",
            "c.toml [broker]: unknown setting coap_port; it belongs to [coap-gateway]",
        ),
        (
            "[broker]\nclock_skev = 1",
            "c.toml [broker]: unknown setting clock_skev; did you mean clock_skew?",
        ),
        (
            "[broker]\nmax_nodes = 0",
            "c.toml [broker]: max_nodes: expected a whole number of 1 or more, not 0",
        ),
        ("debug = yes", "c.toml: Invalid value (at line 1, column 9)"),
        (
            "broker_port = 1979-05-27",
            (
                "c.toml: broker_port: expected a whole number"
                " from 0 to 65535, not datetime.date(1979, 5, 27)"
            ),
        ),
    ],
)
def test_toml_that_cannot_be_used(text: str, reason: str) -> None:
    assert refused(text) == reason


def test_precedence() -> None:
    file = ConfigFile.parse("broker_port = 1\nbroker_host = 'file'\ndebug = true", "c.toml")
    environ = {"PYAIOT_BROKER_PORT": "2", "PYAIOT_BROKER_HOST": "environment", "HOME": "/"}
    options = {"broker_port": "3"}
    defaults = {"broker_port": 0, "max_nodes": 5}
    settings = load(BrokerSettings, file=file, environ=environ, options=options, defaults=defaults)
    assert settings == BrokerSettings(
        broker_port=3, broker_host="environment", debug=True, max_nodes=5
    )


def test_empty_variables() -> None:
    environ = {"PYAIOT_BROKER_PORT": "", "PYAIOT_DEBUG": "", "PYAIOT_BROKER_HOST": ""}
    assert load(BrokerSettings, environ=environ) == BrokerSettings(broker_host="")


def test_errors_say_where_the_value_stands() -> None:
    with pytest.raises(SettingsInvalid, match=r"^PYAIOT_DEBUG: expected true or false, not 'x'$"):
        load(BrokerSettings, environ={"PYAIOT_DEBUG": "x"})
    with pytest.raises(SettingsInvalid, match=r"^--debug: expected true or false, not 'x'$"):
        load(BrokerSettings, options={"debug": "x"})


def test_secrets_in_files() -> None:
    environ = {"PYAIOT_MQTT_PASSWORD_FILE": "/run/secrets/mqtt", "PYAIOT_TITLE_FILE": "/x"}
    assert secret_files(environ) == {"PYAIOT_MQTT_PASSWORD": "/run/secrets/mqtt"}
    assert secret_files({"PYAIOT_MQTT_PASSWORD_FILE": ""}) == {}
    with pytest.raises(SettingsInvalid, match="are both set"):
        secret_files({**environ, "PYAIOT_MQTT_PASSWORD": "x"})
    resolved = {"PYAIOT_MQTT_PASSWORD": "geheim", "PYAIOT_MQTT_USER": "me"}
    assert load(MqttGatewaySettings, environ=resolved).mqtt_password == "geheim"


def test_variables_that_are_no_setting() -> None:
    environ = {
        "PYAIOT_BROKER_PORT": "1",
        "PYAIOT_CONFIG": "x",
        "PYAIOT_MQTT_PASSWORD_FILE": "x",
        "PATH": "/bin",
        "PYAIOT_BROKER_PROT": "1",
        "PYAIOT_QQ": "",
    }
    assert list(unknown_variables(environ)) == [
        "PYAIOT_BROKER_PROT is no setting; did you mean BROKER_PORT?",
        "PYAIOT_QQ is no setting",
    ]


def test_no_suggestion_for_what_is_far_off() -> None:
    assert suggestion("zzz", ["broker_port"]) == ""


@given(st.text(), st.sampled_from(["c.toml", "c.py", "c"]))
def test_any_text_is_a_file_or_a_clear_error(text: str, name: str) -> None:
    try:
        ConfigFile.parse(text, name)
    except SettingsInvalid as exc:
        reason = exc.reason
    else:
        reason = name
    assert reason.startswith(name)
