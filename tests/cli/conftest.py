# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.stage import Stage, stage


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
async def scene(home: Path) -> AsyncIterator[Stage]:
    """A broker with two nodes."""
    del home  # set up by now
    async with stage() as scene:
        yield scene
