# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest
from msgspec import Struct

from pyaiot.dashboard import apitypes
from pyaiot.dashboard.api import forms


def test_the_checked_in_file_is_what_the_structures_say() -> None:
    assert apitypes.TYPES.read_text(encoding="utf-8") == apitypes.text(), (
        "stale: run python -m pyaiot.dashboard.apitypes"
    )
    assert apitypes.main(["--check"]) == 0


def test_every_structure_has_its_interface() -> None:
    text = apitypes.text()
    for name, each in vars(forms).items():
        if isinstance(each, type) and issubclass(each, Struct) and each is not Struct:
            generic = "<T>" if name == "Page" else ""
            if each.__module__ != forms.__name__:
                # It travels between a broker and the page as well, and is told of there.
                imports = next(line for line in text.splitlines() if line.startswith("import"))
                assert f" {name}, " in imports, name
                continue
            assert f"export interface {name}{generic} {{" in text, name
    assert "readonly items: readonly T[];" in text
    assert (
        "readonly points: readonly (readonly [number, number, number, number, number])[];" in text
    )
    assert 'readonly format?: "csv" | "json" | "senml";' in text


def test_what_may_be_left_out_depends_on_who_says_it() -> None:
    text = apitypes.text()
    # Sent: a default, a member that is missing, one by another name.
    assert "  readonly role?: Role;" in text
    assert "  readonly location?: Location | null;" in text
    assert "  readonly from?: number | null;" in text
    # Received: everything comes, but for what leaves its defaults out.
    assert "  readonly unchanged: boolean;" in text
    assert "  readonly seen: number | null;" in text
    assert "  readonly detail?: string;" in text


def test_a_stale_file_is_reported_and_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "api" / "types.ts"
    monkeypatch.setattr(apitypes, "TYPES", missing)
    assert apitypes.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "types.ts is stale: run python -m pyaiot.dashboard.apitypes\n"
    )
    assert apitypes.main([]) == 0
    assert apitypes.main(["--check"]) == 0
