# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pyaiot.cli.demo import nodes_for
from pyaiot.cli.sources import Sources
from pyaiot.cli.up import Suite, keys_for, lasting_keys_for
from pyaiot.errors import SettingsInvalid
from pyaiot.link.keyfile import read_keys
from pyaiot.settings import KEY_FILE


def suite(options: dict[str, object] | None = None, **environ: str) -> Suite:
    return Suite.load(Sources.read(options or {}, environ))


def from_file(folder: Path, text: str) -> Suite:
    file = folder / "pyaiot.toml"
    file.write_text(text)
    return suite({"config": str(file)})


def test_by_default_everything_stays_on_this_machine() -> None:
    it = suite()
    assert it.broker.broker_host == "localhost"
    assert it.coap.coap_host == "localhost"
    assert it.mqtt.mqtt_host == "embedded"
    assert it.websocket.gateway_host == "localhost"
    assert it.dashboard.web_host == "localhost"
    assert it.page == "http://localhost:8080"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_on_all_interfaces_services_find_each_other_here(host: str) -> None:
    it = suite({"host": host})
    assert it.broker.broker_host == host
    assert it.coap.coap_host == host
    assert it.mqtt.mqtt_host == f"embedded:{host}"
    assert it.websocket.gateway_host == host
    assert it.dashboard.web_host == host
    for gateway in (it.coap, it.mqtt, it.websocket):
        assert gateway.broker_host == "localhost"
    assert it.page == "http://localhost:8080"


def test_on_one_address() -> None:
    it = suite({"host": "fd00::1", "web_port": "8081"})
    assert it.coap.broker_host == "fd00::1"
    assert it.dashboard.broker_host == "fd00::1"
    assert it.page == "http://[fd00::1]:8081"


def test_the_page_knows_how_the_recorder_is() -> None:
    assert suite().dashboard.recorder_health == "http://localhost:8003/health"
    it = suite({"health_host": "::1", "health_port": "9"})
    assert it.dashboard.recorder_health == "http://[::1]:9/health"
    assert suite({"health_port": "0"}).dashboard.recorder_health is None
    given = "http://recorder.example/health"
    assert suite({"recorder_health": given}).dashboard.recorder_health == given


def test_what_is_given_wins() -> None:
    it = suite({"coap_host": "", "mqtt_host": "mqtt.example"}, PYAIOT_HOST="fd00::1")
    assert it.coap.coap_host == ""
    assert it.mqtt.mqtt_host == "mqtt.example"
    assert it.websocket.gateway_host == "fd00::1"


def test_a_shared_file_may_name_another_port(tmp_path: Path) -> None:
    it = from_file(tmp_path, "broker_port = 8020\nbroker_ssl = true\n[up]\nhost = '::'\n")
    assert it.broker.broker_port == 8020
    assert it.coap.broker_port == 8020
    assert not it.coap.broker_ssl
    assert it.dashboard.broker_ssl


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("broker_port = 0", "--broker-port: 'aiot up' needs a port"),
        ("[broker]\nssl_cert = 'a'\nssl_key = 'b'", "ssl_cert: 'aiot up' serves no TLS"),
    ],
)
def test_what_cannot_be(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=reason):
        from_file(tmp_path, text)


def test_keys_of_this_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with keys_for(suite()) as it:
        path = it.broker.key_file
        assert {each.key_file for each in (it.coap, it.mqtt, it.websocket)} == {path}
        assert len(read_keys(path).pairs) == 1
        assert Path(path).stat().st_mode & 0o777 == 0o600
    assert not Path(path).exists()


def test_keys_that_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for _ in range(2):
        with lasting_keys_for(suite()) as it:
            assert it.broker.key_file == KEY_FILE
    assert (tmp_path / ".pyaiot" / "keys").stat().st_mode & 0o777 == 0o600
    (ring,) = read_keys(KEY_FILE).pairs
    with lasting_keys_for(suite()):
        assert read_keys(KEY_FILE).pairs == (ring,)


def test_keys_that_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pyaiot").touch()
    with lasting_keys_for(suite()) as it:
        assert len(read_keys(it.broker.key_file).pairs) == 1
    assert "tokens of devices end with this run" in caplog.text


def test_keys_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pyaiot").mkdir()
    (tmp_path / ".pyaiot" / "keys").touch()
    with keys_for(suite()) as it:
        assert it.broker.key_file == KEY_FILE
    with keys_for(suite({"key_file": "other"})) as it:
        assert it.broker.key_file == "other"


def test_all_services_in_two_stages() -> None:
    first, second = suite().stages()
    assert [each.name for each in first] == ["broker"]
    assert [each.name for each in second] == [
        "coap-gateway",
        "mqtt-gateway",
        "ws-gateway",
        "dashboard",
        "recorder",
    ]


@pytest.mark.parametrize("opened", [True, False])
def test_the_page_is_announced(
    opened: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    suite({"open": str(opened)}).announce()
    assert capsys.readouterr().out == "The page is at http://localhost:8080\n"
    assert shown == (["http://localhost:8080"] if opened else [])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_nothing_is_to_be_allowed_on_this_machine(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    suite({"host": host}).announce()
    assert "--anonymous" not in capsys.readouterr().out


def test_beyond_it_something_is(capsys: pytest.CaptureFixture[str]) -> None:
    suite({"host": "0.0.0.0"}).announce()
    assert "--anonymous=view" in capsys.readouterr().out
    suite({"host": "0.0.0.0", "anonymous": "none"}).announce()
    assert "--anonymous" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [{}, {"host": "0.0.0.0"}, {"mqtt_host": "mqtt.example", "mqtt_ssl": "true"}],
)
def test_nodes_of_the_demo(options: dict[str, object]) -> None:
    assert len(nodes_for(suite(options))) == 8


@pytest.mark.parametrize("option", ["coap_port", "mqtt_port", "gateway_port"])
def test_nodes_of_the_demo_must_know_the_ports(option: str) -> None:
    name = option.replace("_", "-")
    with pytest.raises(SettingsInvalid, match=f"--{name}: simulated nodes need a port"):
        nodes_for(suite({option: "0"}))
