# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pyaiot.cli.entry import execute
from pyaiot.cli.generate_keys import command
from pyaiot.link.keyfile import read_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "keys"


def test_keys_are_written_for_their_owner_alone(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(command, [f"--key-file={path}"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    ring = read_keys(path)
    out = capsys.readouterr().out
    assert str(path) in out
    assert ring.current.secret not in out
    assert ring.current.private not in out


def test_keys_are_shown_on_demand(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command, [f"--key-file={path}", "--show"]) == 0
    current, out = read_keys(path).current, capsys.readouterr().out
    assert f"Secret key: {current.secret}" in out
    assert f"Private key: {current.private}" in out


def test_keys_are_not_overwritten(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command, [f"--key_file={path}"]) == 0
    before = path.read_bytes()
    assert execute(command, [f"--key-file={path}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--force" in error
    assert path.read_bytes() == before
    assert execute(command, [f"--key-file={path}", "--force"]) == 0
    assert path.read_bytes() != before


def test_rotation(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    execute(command, [f"--key-file={path}"])
    old = read_keys(path).current
    assert execute(command, [f"--key-file={path}", "--rotate"]) == 0
    ring = read_keys(path)
    assert ring.pairs[1:] == (old,)
    assert ring.current != old
    assert "broker" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    assert execute(command, [f"--key-file={path}", "--retire"]) == 0
    assert read_keys(path).pairs == (ring.current,)


@pytest.mark.parametrize("option", ["--rotate", "--retire"])
def test_nothing_to_rotate(option: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command, [f"--key-file={path}", option]) == 2
    assert "aiot-generate-keys" in capsys.readouterr().err


def test_one_thing_at_a_time(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command, [f"--key-file={path}", "--rotate", "--force"]) == 2
    assert "choose one of" in capsys.readouterr().err
    assert not path.exists()


def test_the_key_file_of_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYAIOT_KEY_FILE", str(path))
    assert execute(command, []) == 0
    assert path.exists()
