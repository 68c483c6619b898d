# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest
from msgspec import Raw, Struct

from pyaiot.dashboard import typescript, wiretypes
from pyaiot.messages import types


def test_the_checked_in_file_is_what_the_structures_say() -> None:
    assert wiretypes.MESSAGES.read_text(encoding="utf-8") == wiretypes.messages(), (
        "stale: run python -m pyaiot.dashboard.wiretypes"
    )
    assert wiretypes.main(["--check"]) == 0


def test_every_message_to_and_from_the_page_has_its_interface() -> None:
    text = wiretypes.messages()
    for struct in (*types.ToClient.__args__, *types.FromClient.__args__):
        assert f"export interface {struct.__name__} {{" in text
    assert 'readonly type: "availability";' in text
    assert "readonly time?: number;" in text
    assert "readonly resources: { readonly [name: string]: readonly [Json, number] };" in text


def test_a_stale_file_is_reported_and_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "messages.ts"
    stale.write_text("// of last year\n")
    monkeypatch.setattr(wiretypes, "MESSAGES", stale)
    assert wiretypes.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "messages.ts is stale: run python -m pyaiot.dashboard.wiretypes\n"
    )
    assert wiretypes.main([]) == 0
    assert wiretypes.main(["--check"]) == 0


def test_a_structure_that_typescript_cannot_express_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Odd(Struct, tag="odd"):
        raw: Raw

    monkeypatch.setattr(types, "ToClient", types.Out | Odd)
    with pytest.raises(typescript.Unwritable, match="RawType"):
        wiretypes.messages()
