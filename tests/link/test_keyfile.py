# SPDX-License-Identifier: BSD-3-Clause
import base64
import stat
from pathlib import Path

import pytest

from pyaiot.errors import KeyFileInvalid
from pyaiot.link.keyfile import exposed, read_keys, write_keys
from pyaiot.messages.keys import KeyPair, KeyRing

RING = KeyRing((KeyPair("s" * 32, base64.urlsafe_b64encode(bytes(32)).decode()),))


def test_what_is_written_is_read_and_only_by_its_owner(tmp_path: Path) -> None:
    path = write_keys(tmp_path / "new" / "keys", RING)

    assert read_keys(path) == RING
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["keys"]
    assert not exposed(path)


def test_a_file_that_others_may_read_is_noticed(tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys", RING)
    path.chmod(0o644)

    assert exposed(path)


def test_the_home_directory_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_keys("~/.pyaiot/keys", RING)

    assert read_keys("~/.pyaiot/keys") == RING
    assert (tmp_path / ".pyaiot" / "keys").exists()


def test_a_file_is_not_overwritten_unless_told_so(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("mine")

    with pytest.raises(KeyFileInvalid, match="exists"):
        write_keys(path, RING)
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]

    write_keys(path, RING, force=True)
    assert read_keys(path) == RING
    assert not exposed(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="aiot-generate-keys"):
        read_keys(tmp_path / "keys")


def test_files_that_cannot_be_used_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    for content, reason in (
        (b"\xff\xfe", "not text"),
        (b"x" * 70_000, "too large"),
        (b"[keys]\n", "Invalid key file"),
    ):
        path.write_bytes(content)
        with pytest.raises(KeyFileInvalid, match=reason):
            read_keys(path)
    with pytest.raises(KeyFileInvalid, match="Cannot read"):
        read_keys(tmp_path)


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(KeyFileInvalid, match="Cannot write"):
        write_keys(tmp_path / "file" / "keys", RING)
