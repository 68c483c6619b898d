# SPDX-License-Identifier: BSD-3-Clause
"""What all commands have in common."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest

from pyaiot import __version__
from pyaiot.cli.aiot import SUBCOMMANDS
from pyaiot.cli.aiot import command as aiot
from pyaiot.cli.entry import execute

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

SCRIPTS: dict[str, str] = PROJECT["scripts"]

COMMAND_LINES = [*SCRIPTS, *(f"aiot {name}" for name in SUBCOMMANDS)]

SLOW = {
    "aiocoap",
    "amqtt",
    "asyncio",
    "cryptography",
    "gmqtt",
    "prometheus_client",
    "ssl",
    "tornado",
    "websockets",
}
"""What takes long to import; on a Raspberry Pi Zero, asyncio alone takes half a second."""

PROBE = """
import runpy, sys
from importlib import import_module
module, args = sys.argv[1], sys.argv[2:]
sys.argv[1:] = args
try:
    import_module(module).main()
except SystemExit as exc:
    print("status", exc.code)
print("modules", *sys.modules)
"""


def run_probe(script: str, *args: str) -> tuple[str, set[str]]:
    module = SCRIPTS[script].partition(":")[0]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module, *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not done.stderr
    text, _, modules = done.stdout.rpartition("modules ")
    return text, set(modules.split())


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_help_imports_nothing_slow(line: str) -> None:
    script, *words = line.split()
    text, modules = run_probe(script, *words, "--help")
    assert text.startswith(f"Usage: {line} ")
    assert text.endswith("status 0\n")
    assert not modules & SLOW


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_version(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    script, *words = line.split()
    command = import_module(SCRIPTS[script].partition(":")[0]).command
    assert execute(command, [*words, "--version"]) == 0
    assert capsys.readouterr().out == f"{script} {__version__}\n"


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_an_unknown_option(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    script, *words = line.split()
    command = import_module(SCRIPTS[script].partition(":")[0]).command
    assert execute(command, [*words, "--no-such-option"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{script}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_named_as_they_call_themselves(script: str) -> None:
    assert import_module(SCRIPTS[script].partition(":")[0]).command.name == script


def test_aiot_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(aiot, []) == 0
    text = capsys.readouterr().out
    for name, summary in SUBCOMMANDS.items():
        assert f"  {name} " in text
        assert summary in text


def test_an_unknown_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(aiot, ["upp"]) == 2
    assert "No such command 'upp'. (Did you mean 'up'?)" in capsys.readouterr().err


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_subcommands_are_listed_as_they_call_themselves(name: str) -> None:
    command = aiot.get_command(click.Context(aiot), name)
    assert command is not None
    assert command.name == name
