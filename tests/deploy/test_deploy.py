# SPDX-License-Identifier: BSD-3-Clause
"""What stands in deploy/ names commands, options and variables that exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pyaiot.cli.aiot import SUBCOMMANDS
from pyaiot.configuration import load, unknown_variables
from pyaiot.settings import ALL, SERVICES, Settings, settings_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def settings_of_command(words: Sequence[str]) -> type[Settings]:
    """The settings class of a command line, all of whose words have been found valid."""
    script, *args = words
    command = import_module(SCRIPTS[script].partition(":")[0]).command
    section = script.removeprefix("aiot-")
    if script == "aiot":
        section = args.pop(0)
        assert section in SUBCOMMANDS
        command = command.get_command(click.Context(command), section)
    assert isinstance(command, click.Command)
    context = command.make_context(script, list(args))
    (cls,) = (each for each in ALL if each.section == section)
    given = {name: value for name, value in context.params.items() if value is not None}
    load(cls, options={name: given[name] for name in given if name in settings_of(cls)})
    return cls


def check_environment(environment: Mapping[str, str], cls: type[Settings]) -> None:
    assert not list(unknown_variables(environment))
    load(cls, environ=environment)
    for name in environment:
        if name.startswith("PYAIOT_"):
            assert name.removeprefix("PYAIOT_").lower() in settings_of(cls)


def directives(unit: Path) -> Iterator[tuple[str, str]]:
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            yield name, value


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.startswith("aiot-")])
def test_every_service_has_a_unit(script: str) -> None:
    if script != "aiot-generate-keys":
        assert DEPLOY / "systemd" / f"{script}.service" in UNITS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units(unit: Path) -> None:
    given = dict(directives(unit))
    variables = [value for name, value in directives(unit) if name == "Environment"]
    command = shlex.split(given["ExecStart"])
    assert Path(command[0]).name == unit.stem
    cls = settings_of_command([unit.stem, *command[1:]])
    environment = {name: value for name, _, value in (each.partition("=") for each in variables)}
    check_environment(environment, cls)
    # No service is one without the keys.
    assert environment["PYAIOT_KEY_FILE"] == "%d/keys"
    assert given["LoadCredential"] == "keys:/etc/pyaiot/keys"
    assert given["Type"] == "notify"
    assert given["RestartPreventExitStatus"] == "2"
    assert f"-/etc/pyaiot/{unit.stem}.environment" == given["EnvironmentFile"]
    assert given["DynamicUser"] == given["NoNewPrivileges"] == "yes"


def compose_environment(service: Mapping[str, Any]) -> dict[str, str]:
    """The environment where nothing is set outside: defaults of ``${NAME:-default}``."""
    return {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value)
        for name, value in service.get("environment", {}).items()
    }


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_services(name: str) -> None:
    service = COMPOSE["services"][name]
    cls = settings_of_command(service["command"])
    assert cls.section == name
    environment = compose_environment(service)
    check_environment(environment, cls)
    assert service["secrets"] == ["keys"]
    assert environment["PYAIOT_KEY_FILE"] == "/run/secrets/keys"
    for each in service.get("depends_on", []):
        assert each in COMPOSE["services"]


def test_containers_find_each_other() -> None:
    services = COMPOSE["services"]
    page = compose_environment(services["dashboard"])
    assert page["PYAIOT_BROKER_LINK"] == "broker:8000"
    assert page["PYAIOT_RECORDER_HEALTH"] == "http://recorder:8003/health"
    # What strangers may do, and where everything is kept, is said to all alike.
    assert page["PYAIOT_ANONYMOUS"] == compose_environment(services["broker"])["PYAIOT_ANONYMOUS"]
    assert page["PYAIOT_STORE"] == compose_environment(services["recorder"])["PYAIOT_STORE"]
    for name in ("broker", "mqtt-gateway", "ws-gateway", "recorder"):
        assert services[name]["command"][-1].endswith(("=", "0.0.0.0")) or (
            compose_environment(services[name])["PYAIOT_BROKER_HOST"] == ""
        )


def test_compose_publishes_to_this_machine_and_the_ports_that_are_listened_on() -> None:
    published = {
        name: port
        for name, service in COMPOSE["services"].items()
        for port in service.get("ports", [])
    }
    assert published == {
        "broker": "${PUBLISH:-127.0.0.1}:8000:8000",
        "mqtt-gateway": "${PUBLISH:-127.0.0.1}:1886:1886",
        "ws-gateway": "${PUBLISH:-127.0.0.1}:8001:8001",
        "dashboard": "${PUBLISH:-127.0.0.1}:8080:8080",
    }
    defaults = {
        each.default
        for cls in SERVICES
        for name, each in settings_of(cls).items()
        if "port" in name
    }
    assert {8000, 1886, 8001, 8080, 5683, 8003} == defaults


def test_the_image() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    settings_of_command(yaml.safe_load(command))
    (exposed,) = re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE)
    assert sorted(exposed.split()) == ["1886", "5683/udp", "8000", "8001", "8080"]


def test_what_the_image_is_built_from_is_not_ignored() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    for name in ("pyaiot", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        assert f"!{name}" in lines
        assert (ROOT / name).exists()
