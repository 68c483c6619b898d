# SPDX-License-Identifier: BSD-3-Clause
"""Whether all is well: with a real recorder and a real broker, and without them."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado import web
from tornado.httpserver import HTTPServer

from pyaiot import __version__
from pyaiot.dashboard.api import health as module
from pyaiot.errors import StoreFailed
from pyaiot.link.keyfile import write_keys
from pyaiot.link.listen import open_sockets
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.model.access import Role
from pyaiot.recorder.service import serve as record
from pyaiot.settings import RecorderSettings
from pyaiot.store.store import Store
from tests.broker.running import running_broker
from tests.contracts.store import Clock
from tests.dashboard.api.asking import ask
from tests.dashboard.api.people import Browser, at_home
from tests.dashboard.running import running_dashboard
from tests.mosquitto import free_port

PATH = "/api/v1/health"


def parts(report: Any) -> dict[str, Any]:
    return {each["name"]: each for each in report["parts"]}


async def once_well(url: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            report = (await ask(url, PATH)).json
            if report["well"]:
                return report
            await asyncio.sleep(0.05)


async def test_all_services_together(built: Path, tmp_path: Path) -> None:
    ring = KeyRing((KeyPair.generate(os.urandom),))
    keys = str(write_keys(tmp_path / "keys", ring))
    async with running_broker(ring=ring) as broker:
        link: dict[str, Any] = {
            "broker_host": "127.0.0.1",
            "broker_port": broker.port,
            "key_file": keys,
        }
        store, port = str(tmp_path / "store.db"), free_port()
        recorder = RecorderSettings(
            **link,
            health_host="127.0.0.1",
            health_port=port,
            store=store,
        )
        health = f"http://127.0.0.1:{port}/health"
        page = running_dashboard(
            static_path=str(built), store=store, recorder_health=health, **link
        )
        words: list[str] = []
        recording = asyncio.create_task(record(recorder, words.append))
        try:
            async with page as url:
                report = await once_well(url)
                found = parts(report)
                assert found.keys() == {"store", "broker", "recorder"}
                assert report["version"] == __version__
                assert abs(report["time"] - time.time()) < 60
                # To strangers it is said that all is well, and no more.
                assert not any(each["facts"] or each["reason"] for each in found.values())
                recording.cancel()
                await asyncio.wait({recording})
                report = (await ask(url, PATH)).json
                assert report["well"] is False
                assert {name: each["well"] for name, each in parts(report).items()} == {
                    "store": True, "broker": True, "recorder": False,
                }  # fmt: skip
        finally:
            recording.cancel()
            await asyncio.wait({recording})


class _Said(web.RequestHandler):
    def initialize(self, saying: tuple[int, bytes]) -> None:
        self.saying = saying

    async def get(self) -> None:
        status, body = self.saying
        if not status:
            await asyncio.sleep(0.6)
        self.set_status(status)
        self.write(body)


@asynccontextmanager
async def saying(status: int, body: bytes) -> AsyncIterator[str]:
    """A recorder that says something of itself; with no status, nothing at all."""
    server = HTTPServer(
        web.Application(
            [("/health", _Said, {"saying": (status, body)})], log_function=lambda _: None
        )
    )
    sockets = await open_sockets("127.0.0.1", 0)
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}/health"
    finally:
        server.stop()
        await server.close_all_connections()


async def test_administrators_learn_why(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    failing = json.dumps({"status": "failing", "reason": "The disk is full."}).encode()
    alone = json.dumps({"status": "failing", "broker": "not connected"}).encode()
    people = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR}
    async with at_home(fast_store, clock, people) as (home, url, _):
        ann, olaf = Browser(url), Browser(url)
        await ann.log_in("Ann")
        await olaf.log_in("Olaf")
        assert parts((await ann.get("/health")).json).keys() == {"store", "broker"}
        for status, body, well, reason in (
            (200, b'{"status": "ok", "stored": 7}', True, ""),
            (503, failing, False, "The disk is full."),
            (503, alone, False, "broker not connected"),
            (200, b"[]", False, "its answer is no report"),
            (200, b"<html>", False, "Expecting value"),
            (404, b"", False, "404"),
            (200, b"x" * 70_000, False, ""),
            (0, b"", False, "Timeout"),
        ):
            async with saying(status, body) as place:
                home.services.recorder_health = place
                recorder = parts((await ann.get("/health")).json)["recorder"]
                assert recorder["well"] is well, body[:20]
                assert reason in recorder["reason"], body[:20]
                assert bool(recorder["reason"]) is not well
                told = parts((await olaf.get("/health")).json)["recorder"]
                assert told == {"name": "recorder", "well": well, "reason": "", "facts": {}}
        broker = parts((await ann.get("/health")).json)["broker"]
        assert broker["reason"] == "not connected yet"
        assert broker["facts"] == {"nodes": 0, "directory": False, "readers": 0}


async def test_a_store_that_is_gone(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_subject: str) -> int:
        raise StoreFailed("The disk is full.")

    async def hangs(_subject: str) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    async with at_home(fast_store, clock, {"Ann": Role.ADMIN}) as (home, url, _):
        ann = Browser(url)
        await ann.log_in("Ann")
        assert parts((await ann.get("/health")).json)["store"]["well"] is True
        monkeypatch.setattr(module, "PATIENCE", 0.05)
        for get, reason in ((fails, "The disk is full."), (hangs, "no answer in time")):
            monkeypatch.setattr(home.store.versions, "get", get)
            report = (await ann.get("/health")).json
            store = parts(report)["store"]
            assert (report["well"], store["well"], store["reason"]) == (False, False, reason)
