# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

INDEX = b"<!doctype html><title>A page</title>" + b" " * 500


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the frontend's build leaves it."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    for name, content in (
        ("index.html", INDEX),
        ("index.html.gz", b"(gzip)"),
        ("index.html.br", b"(brotli)"),
        ("assets/page-Dk3.js", b"let a = 1;"),
        ("assets/icon-x1.svg", b"<svg/>"),
        ("robots.unknown", b"?"),
    ):
        (folder / name).write_bytes(content)
    return folder
