# SPDX-License-Identifier: BSD-3-Clause
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyaiot import __version__
from pyaiot.cli.entry import execute
from pyaiot.cli.options import service_command
from pyaiot.settings import BrokerSettings, MqttGatewaySettings, settings_of

LOUD = "--logging: expected one of debug, info, warning, error, none, not 'loud'"
UNKNOWN = "No such option '--brokerport'. (Did you mean one of: '--broker-host', '--broker-port'?)"


class Recorder:
    """Takes the place of a service."""

    def __init__(self) -> None:
        self.broker: BrokerSettings | None = None
        self.mqtt: MqttGatewaySettings | None = None

    def start_broker(self, settings: BrokerSettings) -> int:
        self.broker = settings
        return 0

    def start_mqtt(self, settings: MqttGatewaySettings) -> int:
        self.mqtt = settings
        return 0


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No log, signals or variables but the test's."""
    monkeypatch.setattr("pyaiot.cli.options.leave_on_signal", lambda: None)
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, logging.getLogger("pyaiot").level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("pyaiot").setLevel(own)


def settings_from(*args: str) -> BrokerSettings:
    recorder = Recorder()
    command = service_command(BrokerSettings, "aiot-broker", "Run.", recorder.start_broker)
    assert execute(command, args) == 0
    assert recorder.broker is not None
    return recorder.broker


def error_from(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    recorder = Recorder()
    command = service_command(BrokerSettings, "aiot-broker", "Run.", recorder.start_broker)
    assert execute(command, args) == 2
    assert recorder.broker is None
    err = capsys.readouterr().err
    assert err.startswith("aiot-broker: ")
    assert err.count("\n") == 1
    return err.removeprefix("aiot-broker: ").rstrip()


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], {}),
        (["--broker-port=8020"], {"broker_port": 8020}),
        (["--broker-port", "8020"], {"broker_port": 8020}),
        (["--broker_port=8020"], {"broker_port": 8020}),
        (["--broker-port=1", "--broker-port=2"], {"broker_port": 2}),
        (["--broker-host="], {"broker_host": ""}),
        (["--debug"], {"debug": True}),
        (["--debug=true"], {"debug": True}),
        (["--debug=True"], {"debug": True}),
        (["--debug=false"], {"debug": False}),
        (["--debug", "--broker-port=8020"], {"debug": True, "broker_port": 8020}),
        (["--accept-unsigned"], {"accept_unsigned": True}),
        (["--logging=warning"], {"logging": "warning"}),
        (["--anonymous=view"], {"anonymous": "view"}),
        (["--allow-origin=https://a", "--allow-origin=https://b,https://c"],
         {"allow_origin": ("https://a", "https://b", "https://c")}),
    ],
)  # fmt: skip
def test_options(args: list[str], expected: dict[str, object]) -> None:
    assert settings_from(*args) == BrokerSettings(**expected)  # type: ignore[arg-type] # as given


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--brokerport=1"], UNKNOWN),
        (["--broker-port"], "Option '--broker-port' requires an argument."),
        (["--broker-port=x"], "--broker-port: expected a whole number from 0 to 65535, not 'x'"),
        (["--debug=x"], "--debug: expected true or false, not 'x'"),
        (["--logging=loud"], LOUD),
        (["broker"], "Got unexpected extra argument (broker)"),
        (["--ssl-cert=x"], "ssl_cert is set, so ssl_key must be set too"),
        (["--config=/nowhere/x.toml"], "cannot read /nowhere/x.toml: No such file or directory"),
    ],
)  # fmt: skip
def test_mistakes(args: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_from(capsys, *args) == reason


def test_file_environment_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pyaiot.toml"
    file.write_text("broker_port = 1\nmax_clients = 1\n[broker]\nmax_nodes = 1\n")
    monkeypatch.setenv("PYAIOT_MAX_CLIENTS", "2")
    monkeypatch.setenv("PYAIOT_MAX_NODES", "2")
    settings = settings_from(f"--config={file}", "--max-nodes=3")
    assert (settings.broker_port, settings.max_clients, settings.max_nodes) == (1, 2, 3)
    assert settings.config == str(file)
    monkeypatch.setenv("PYAIOT_CONFIG", str(file))
    assert settings_from().broker_port == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff", "is not text"),
        (b"#" * 1_048_577, "is too large"),
        (b"broker_prot = 1", "unknown setting broker_prot; did you mean broker_port?"),
        (b"broker_port = ", "Invalid value"),
    ],
)
def test_files_that_cannot_be_used(
    content: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pyaiot.toml"
    file.write_bytes(content)
    error = error_from(capsys, f"--config={file}")
    assert error.startswith(str(file))
    assert reason in error


def test_a_secret_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder()
    command = service_command(MqttGatewaySettings, "aiot-mqtt-gateway", "", recorder.start_mqtt)
    (tmp_path / "password").write_text("geheim\n")
    monkeypatch.setenv("PYAIOT_MQTT_PASSWORD_FILE", str(tmp_path / "password"))
    assert execute(command, ["--mqtt-user=me"]) == 0
    assert recorder.mqtt is not None
    assert recorder.mqtt.mqtt_password == "geheim"
    monkeypatch.setenv("PYAIOT_MQTT_PASSWORD_FILE", str(tmp_path / "missing"))
    assert execute(command, ["--mqtt-user=me"]) == 2
    assert "missing: No such file" in capsys.readouterr().err


def test_a_variable_that_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYAIOT_BROKER_PROT", "1")
    settings_from()
    assert "PYAIOT_BROKER_PROT is no setting" in capsys.readouterr().err


def test_the_log_is_set_up(tmp_path: Path) -> None:
    settings_from("--debug", f"--log-file-prefix={tmp_path / 'log'}")
    assert logging.getLogger("pyaiot").level == logging.DEBUG
    assert (tmp_path / "log").exists()
    logging.getLogger().handlers[-1].close()


def test_help_is_complete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    command = service_command(BrokerSettings, "aiot-broker", "Run.", Recorder().start_broker)
    assert execute(command, ["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for each in settings_of(BrokerSettings).values():
        assert f" {each.option}" in text
        assert each.help[1:] in text
        if each.kind in {int, float}:
            assert f"default {each.default:g}" in text or f"default {each.default}" in text
    assert "--debug[=true|false]" in text
    assert "--anonymous=none|view|control|script" in text
    assert "--flush-window=SECONDS" in text
    assert "[from 0 to 1; default 0.002]" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    command = service_command(BrokerSettings, "aiot-broker", "Run.", Recorder().start_broker)
    assert execute(command, ["--version", "--no-such-option"]) in {0, 2}
    assert execute(command, ["--version"]) == 0
    assert capsys.readouterr().out.endswith(f"aiot-broker {__version__}\n")
