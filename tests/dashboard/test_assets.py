# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pyaiot.dashboard import assets
from pyaiot.dashboard.assets import Asset, Assets
from pyaiot.errors import StartFailed


def _found(of: Assets, path: str) -> Asset:
    asset = of.get(path)
    assert asset is not None
    return asset


def test_the_files_of_a_page(built: Path) -> None:
    page = Assets.load(built)
    assert _found(page, "") is _found(page, "index.html")
    assert _found(page, "").is_page
    assert not _found(page, "").hashed
    script = _found(page, "assets/page-Dk3.js")
    assert (script.content_type, script.hashed) == ("text/javascript; charset=utf-8", True)
    assert not script.is_page
    assert _found(page, "robots.unknown").content_type == "application/octet-stream"
    assert script.digest != _found(page, "assets/icon-x1.svg").digest


@pytest.mark.parametrize(
    "path",
    ["nothing", "index.html.gz", "assets", "assets/", "../secret", "/index.html", "assets/../x"],
)
def test_nothing_else_is_there(built: Path, path: str) -> None:
    (built.parent / "secret").write_text("secret")
    assert Assets.load(built).get(path) is None


@pytest.mark.parametrize(
    ("accepted", "best"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("br; q=0.000, gzip;q=0.", "identity"),
        ("deflate", "identity"),
        ("*", "identity"),
        ("", "identity"),
    ],
)
def test_the_best_encoding_that_the_asker_takes(built: Path, accepted: str, best: str) -> None:
    page = _found(Assets.load(built), "")
    assert page.best(accepted) == best
    assert best in page.encodings


def test_a_folder_without_a_page_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="npm ci && npm run build"):
        Assets.load(tmp_path)


def test_a_folder_that_is_more_than_a_page_is_refused(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "MAX_TOTAL", 100)
    with pytest.raises(StartFailed, match="more than a page"):
        Assets.load(built)


def test_a_file_that_cannot_be_read_is_one_clear_error(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StartFailed, match=r"cannot read the page: .*Permission denied"):
        Assets.load(built)
