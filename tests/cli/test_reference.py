# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pyaiot.cli import reference
from pyaiot.configuration import ConfigFile, load
from pyaiot.settings import ALL, Settings, settings_of


@pytest.mark.parametrize("name", reference.FILES)
def test_what_is_generated_is_not_stale(name: str) -> None:
    file = reference.ROOT / name
    hint = "run python -m pyaiot.cli.reference"
    assert file.read_text(encoding="utf-8") == reference.FILES[name](), hint


def test_the_example_file_holds_every_setting() -> None:
    text = reference.example_file()
    for cls in ALL:
        for name, each in settings_of(cls).items():
            assert (f"\n#{name} = " in text) is each.in_file


@pytest.mark.parametrize("cls", ALL)
def test_the_example_file_says_the_defaults(cls: type[Settings]) -> None:
    lines = reference.example_file().splitlines()
    set_all = [line[1:] if line[:1] == "#" and line[1:2].isalpha() else line for line in lines]
    file = ConfigFile.parse("\n".join(set_all), "config-example.toml")
    assert load(cls, file=file) == cls()


def test_the_example_file_changes_nothing() -> None:
    file = ConfigFile.parse(reference.example_file(), "config-example.toml")
    assert all(load(cls, file=file) == cls() for cls in ALL)


def test_every_setting_and_command_has_its_place() -> None:
    page = reference.settings_page()
    for cls in ALL:
        for name in settings_of(cls):
            assert f"| `{name}` |" in page
    page = reference.command_page()
    for name in ("aiot up", "aiot set", "aiot-broker", "aiot-generate-keys"):
        assert f"## {name}\n" in page


def test_writing_and_checking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    assert reference.main(["--check"]) == 1
    assert "settings.md is stale" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / "docs/reference/settings.md").write_text("old")
    assert reference.main(["--check"]) == 1
