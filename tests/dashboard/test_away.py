# SPDX-License-Identifier: BSD-3-Clause
"""What the dashboard says while its store is not there, at the start and later."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from pyaiot.dashboard.service import serve
from pyaiot.errors import StoreFailed
from pyaiot.settings import DashboardSettings
from pyaiot.store.versions import Versions
from tests.commands import free_ports
from tests.dashboard.api.asking import Answer, ask
from tests.dashboard.running import running_dashboard


async def answer(url: str, path: str, status: int) -> Answer:
    """The first answer with that status."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError, IndexError):
                found = await ask(url, path)
                if found.status == status:
                    return found
            await asyncio.sleep(0.02)


async def test_who_comes_before_the_store_is_asked_to_come_back(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pyaiot.store.engine.PATIENCE", 0.1)
    monkeypatch.setattr("pyaiot.dashboard.service.RETRY", 0.05)
    store, (port,) = tmp_path / "store.db", free_ports(1)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    settings = DashboardSettings(
        web_host="127.0.0.1", web_port=port, store=str(store), static_path=str(built)
    )
    ready: list[str] = []
    url = f"http://127.0.0.1:{port}"
    service = asyncio.create_task(serve(settings, ready.append))
    try:
        page = await answer(url, "/", 503)
        assert b"looks again by itself" in page.body
        assert (page.headers["refresh"], page.headers["retry-after"]) == ("5", "5")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for method in ("GET", "POST"):
            api = await ask(url, "/api/v1/session", method=method, body={"name": "x"})
            assert (api.status, api.code) == (503, "store_failed")
            assert b"store.db" not in api.body
        health = await ask(url, "/health")
        assert (health.status, health.json["status"]) == (503, "failing")
        assert not ready
        other.close()
        assert (await answer(url, "/api/v1/session", 200)).json["user"] is None
        assert (await ask(url, "/health")).json["status"] == "ok"
        assert ready == [f"listening on {url}"]
        assert caplog.text.count("Trying again until it is there.") == 1
    finally:
        service.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await service


async def test_health_says_that_the_store_is_gone(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyaiot.dashboard.directory.RETRY", 0.05)

    async def away(*_: object) -> int:
        raise StoreFailed("Cannot connect to db.inside.")

    async with running_dashboard(static_path=str(built)) as url:
        assert (await ask(url, "/health")).status == 200
        with monkeypatch.context() as patch:
            patch.setattr(Versions, "get", away)
            gone = await answer(url, "/health", 503)
            assert gone.json["status"] == "failing"
            # Whoever asks is perhaps a stranger.
            assert b"db.inside" not in gone.body
        assert (await answer(url, "/health", 200)).json["status"] == "ok"
