# SPDX-License-Identifier: BSD-3-Clause
"""The scripts that set a machine up, with stand-ins for what would change this one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

NEEDED = ("sh", "env", "dirname", "rm", "true")
"""The programs of this machine that the scripts may find."""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs; what is called with which words is written to ``calls`` in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        path = shutil.which(name)
        assert path is not None
        (folder / name).symlink_to(path)
    return folder


def add(machine: Path, name: str, body: str = "exit 0") -> None:
    program = machine / name
    program.write_text(f'#!/bin/sh\necho "{name} $*" >> {machine}/calls\n{body}\n')
    program.chmod(0o755)


def call(machine: Path, script: str, *words: str) -> tuple[int, str, list[str]]:
    done = subprocess.run(
        [str(SCRIPTS / script), *words],
        env={**os.environ, "PATH": str(machine)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    calls = machine / "calls"
    return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []


def packages(machine: Path) -> tuple[int, str, list[str]]:
    return call(machine, "packages", "pyaiot-no-such:first", "sh:second", "pyaiot-nor-this:third")


def test_nothing_is_done_where_nothing_is_missing(machine: Path) -> None:
    assert call(machine, "packages", "sh:dash") == (0, "", [])


def test_root_installs_what_is_missing(machine: Path) -> None:
    add(machine, "apt-get")
    add(machine, "id", "echo 0")
    status, _, calls = packages(machine)
    assert status == 0
    assert calls == [
        "id -u",
        "apt-get update",
        "apt-get install --yes --no-install-recommends first third",
    ]


def test_others_use_sudo(machine: Path) -> None:
    add(machine, "apt-get")
    add(machine, "id", "echo 1000")
    add(machine, "sudo", 'exec "$@"')
    status, _, calls = packages(machine)
    assert status == 0
    assert calls[1].startswith("sudo env ")
    assert "apt-get install --yes --no-install-recommends first third" in calls


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, "this is no Debian system"),
        ({"apt-get": "exit 0", "id": "echo 1000"}, "that needs root or sudo"),
        ({"apt-get": "exit 1", "id": "echo 0"}, "apt-get failed"),
        ({"apt-get": "exit 0", "id": "echo 1000", "sudo": "exit 1"}, "sudo or apt-get failed"),
    ],
)
def test_where_it_cannot_it_says_what_to_install(
    programs: dict[str, str], reason: str, machine: Path
) -> None:
    for name, body in programs.items():
        add(machine, name, body)
    status, error, _ = packages(machine)
    assert status == 1
    assert error.splitlines()[-1] == (
        f"Could not install packages ({reason}). Please install: first third"
    )


PYTHON = """
case "$*" in
    *version_info\\ \\<*) exit {old} ;;
    *import\\ ensurepip*) [ -e {folder}/ensurepip ] ;;
    *print*) echo 3.11 ;;
esac
"""


@pytest.mark.parametrize("complete", [True, False])
def test_a_virtual_environment_with_what_debian_leaves_out(complete: bool, machine: Path) -> None:
    add(machine, "python3", PYTHON.format(old=0, folder=machine))
    add(machine, "id", "echo 0")
    add(machine, "apt-get")
    if complete:
        (machine / "ensurepip").touch()
    status, _, calls = call(machine, "venv", "python3", str(machine / "venv"))
    assert status == 0
    assert calls[-1] == f"python3 -m venv {machine}/venv"
    install = "apt-get install --yes --no-install-recommends python3.11-venv"
    assert (install in calls) is not complete


def test_a_python_that_is_too_old(machine: Path) -> None:
    add(machine, "python3", PYTHON.format(old=1, folder=machine))
    status, error, calls = call(machine, "venv", "python3", str(machine / "venv"))
    assert status == 1
    assert "make PYTHON=" in error
    assert len(calls) == 1
