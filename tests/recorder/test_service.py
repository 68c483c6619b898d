# SPDX-License-Identifier: BSD-3-Clause
"""A recorder, a broker and a store, by real sockets and files."""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient

from pyaiot.errors import SettingsInvalid, StartFailed
from pyaiot.link.keyfile import write_keys
from pyaiot.model.node import Availability
from pyaiot.model.retention import FOREVER, Keep
from pyaiot.recorder.service import policy_of, serve
from pyaiot.settings import RecorderSettings
from pyaiot.store.series import SeriesKey
from pyaiot.store.store import Store
from tests.broker.peers import OURS, our_gateway
from tests.broker.running import RunningBroker, running_broker
from tests.contracts.store import Clock
from tests.mosquitto import free_port
from tests.waiting import eventually

STORING = f"{OURS}, stored"
BEGAN = int(time.time()) - 1000
"""Readings that are very old would be let go of at once."""


@asynccontextmanager
async def recording(settings: RecorderSettings) -> AsyncIterator[str]:
    """A recorder for as long as the block lasts; what it said when it was ready."""
    words: list[str] = []
    task = asyncio.create_task(serve(settings, words.append))
    await eventually(lambda: words or task.done())
    if task.done():
        await task
    try:
        yield words[0]
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            await task


@pytest.fixture
async def broker() -> AsyncIterator[RunningBroker]:
    async with running_broker(store_readings=True) as broker:
        yield broker


@pytest.fixture
def settings(broker: RunningBroker, tmp_path: Path) -> RecorderSettings:
    keys = write_keys(tmp_path / "keys", broker.ring)
    return RecorderSettings(
        broker_host="127.0.0.1", broker_port=broker.port, key_file=str(keys),
        health_host="127.0.0.1", health_port=free_port(), batch_time=0.01,
    )  # fmt: skip


async def health(settings: RecorderSettings, path: str = "health") -> tuple[int, str]:
    url = f"http://127.0.0.1:{settings.health_port}/{path}"
    answer = await AsyncHTTPClient().fetch(url, raise_error=False)
    return answer.code, answer.body.decode()


async def until_stored(settings: RecorderSettings, count: int, status: str = "") -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            _, text = await health(settings)
            said: dict[str, Any] = json.loads(text)
            done = said["stored"] >= count and not said["waiting"]
            if done and status in {"", said["status"]}:
                return said
            await asyncio.sleep(0.02)


async def numbers(url: str, uid: str = "1") -> list[float | None]:
    store = await Store.open(url, Clock())
    rows = await store.history.rows(SeriesKey(uid, "count"), 0, 1 << 60, limit=10_000)
    await store.close()
    return [row.number for row in rows]


async def test_stores_what_nodes_report(
    settings: RecorderSettings, broker: RunningBroker, store_url: str
) -> None:
    settings = replace(settings, store=store_url)
    # The gateway leaves last: when it does, its nodes are offline.
    async with our_gateway(broker, features=STORING) as gateway, recording(settings) as words:
        assert "storing" in words
        await gateway.node("1", name="Lamp", protocol="CoAP")
        for n in range(50):
            await gateway.send(type="update", uid="1", endpoint="count", data=n, time=BEGAN + n)
        imu = '[{"type":"acc","values":[1,2,3]}]'
        await gateway.send(type="update", uid="1", endpoint="imu", data=imu, time=BEGAN)
        said = await until_stored(settings, 55)
        assert (said["status"], said["broker"], said["lost"]) == ("ok", "connected", 0)
        stored = await gateway.receive()
        while stored.get("through") != 53:
            stored = await gateway.receive()
        code, text = await health(settings, "metrics")
        assert code == 200
        assert "pyaiot_recorder_stored_total 55.0" in text
        assert (await health(settings, "nothing"))[0] == 404
    assert await numbers(store_url) == list(range(50))
    store = await Store.open(store_url, Clock())
    paths = {
        each.key.path for each in await store.history.series("1") if each.key.resource == "imu"
    }
    node = await store.nodes.get("1")
    await store.close()
    assert paths == {"acc.x", "acc.y", "acc.z"}
    assert node is not None
    assert (node.title, node.protocol, node.availability) == ("Lamp", "CoAP", Availability.ONLINE)


async def test_what_was_not_stored_comes_again(
    settings: RecorderSettings, broker: RunningBroker, store_url: str
) -> None:
    settings = replace(settings, store=store_url)
    async with our_gateway(broker, features=STORING) as gateway:
        await gateway.node("1")
        for n in range(0, 30, 10):
            for number in range(n, n + 10):
                await gateway.send(
                    type="update", uid="1", endpoint="count", data=number, time=BEGAN + number
                )
            async with recording(settings):
                await until_stored(settings, 10)
    assert await numbers(store_url) == list(range(30))


async def test_what_waited_when_its_node_was_forgotten_is_not_stored(
    settings: RecorderSettings,
    broker: RunningBroker,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyaiot.store.forgotten.GRACE", 0)
    settings = replace(settings, store=store_url)
    store = await Store.open(store_url, time.time)
    async with our_gateway(broker, features=STORING) as gateway:
        # The recorder is away.
        await gateway.node("1", name="Lamp", count=1)
        await gateway.node("2", count=1)
        await eventually(lambda: broker.core.nodes.get("2") and broker.core.counts.readings == 3)
        await store.history.forget("1")
        async with recording(settings):
            assert (await until_stored(settings, 1))["stored"] == 1
            assert (await numbers(store_url), await numbers(store_url, "2")) == ([], [1])
            assert await store.nodes.get("1") is None
            # It comes again.
            await gateway.value("1", "count", 2)
            await until_stored(settings, 2)
            assert await numbers(store_url) == [2]
    await store.close()


async def test_a_database_that_goes_and_comes_back(
    settings: RecorderSettings, broker: RunningBroker, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.postgresql import postgresql_server

    with postgresql_server() as server:
        url = server.url(server.create())
        server.stop()
        settings = replace(settings, store=url)
        async with recording(settings) as words, our_gateway(broker, features=STORING) as gateway:
            assert "not storing yet" in words
            assert (await health(settings))[0] == 503
            await gateway.node("1")
            for n in range(30):
                if n == 10:
                    server.start()
                    await until_stored(settings, 10)
                    server.stop()
                if n == 20:
                    await eventually(lambda: "cannot store readings" in caplog.text)
                    code, text = await health(settings)
                    assert (code, json.loads(text)["status"]) == (503, "failing")
                    server.start()
                await gateway.send(type="update", uid="1", endpoint="count", data=n, time=BEGAN + n)
            assert (await until_stored(settings, 30, "ok"))["lost"] == 0
        assert await numbers(url) == list(range(30))
    assert caplog.text.count("Trying again until it is there.") == 1


async def failures(settings: RecorderSettings) -> int:
    _, text = await health(settings, "metrics")
    (found,) = re.findall(r"^pyaiot_recorder_failures_total (\d+)", text, re.MULTILINE)
    return int(found)


async def test_a_database_that_is_away_for_a_minute_of_readings(
    settings: RecorderSettings, broker: RunningBroker
) -> None:
    # As many as come in a minute at 1,000 a second. `test_outage.py` lets the minute itself go by.
    from tests.postgresql import postgresql_server

    settings = replace(settings, batch_time=0.1)
    with postgresql_server() as server:
        url = server.url(server.create())
        settings = replace(settings, store=url)
        async with recording(settings), our_gateway(broker, features=STORING) as gateway:
            await gateway.node("1")
            await gateway.value("1", "count", -1)
            await until_stored(settings, 1)
            server.stop()
            for start in range(0, 60_000, 1000):
                messages = [
                    {"type": "update", "uid": "1", "endpoint": "count", "data": n,
                     "time": BEGAN + n / 1000}
                    for n in range(start, start + 1000)
                ]  # fmt: skip
                await gateway.send(type="batch", messages=messages)
            said: dict[str, Any] = {}
            async with asyncio.timeout(60):
                while await failures(settings) < 3 or said.get("waiting") != 60_000:
                    await asyncio.sleep(0.05)
                    said = json.loads((await health(settings))[1])
            assert said["status"] == "failing"
            server.start()
            said = await until_stored(settings, 60_001, "ok")
            assert (said["stored"], said["lost"]) == (60_001, 0)
            await gateway.until(through=60_001)
        store = await Store.open(url, Clock())
        rows = await store.history.rows(
            SeriesKey("1", "count"), BEGAN * 10**6, (BEGAN + 60) * 10**6, limit=100_000
        )
        await store.close()
    assert [row.number for row in rows] == list(range(60_000))


def begun(connection: sqlite3.Connection) -> bool:
    """Whether nobody else writes now, for as long as this connection lasts.

    To wait for that within SQLite would hold up the recorder, which lives on the same loop.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


async def test_a_full_disk_and_a_locked_file(
    settings: RecorderSettings,
    broker: RunningBroker,
    fast_store_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sqlalchemy import Connection, event

    pages = [1 << 30]

    async def opening(url: str, clock: Any) -> Store:
        store = await original(url, clock)

        def limit(connection: Connection) -> None:
            # Each connection has a bound of its own.
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages[0]}")

        event.listen(store._engine._database.sync_engine, "begin", limit)
        return store

    original = Store.open
    monkeypatch.setattr(Store, "open", opening)
    monkeypatch.setattr("pyaiot.store.engine.PATIENCE", 0.2)
    settings = replace(settings, store=fast_store_url)
    long = "x" * 2000
    # Others write, too, and stumble in the same way: it is the readings that count here.
    complaint = "cannot store readings, retrying: "

    async with recording(settings), our_gateway(broker, features=STORING) as gateway:
        await gateway.node("1")
        pages[0] = 1  # as many as there are
        for n in range(300):
            await gateway.send(type="update", uid="1", endpoint="text", data=long, time=BEGAN + n)
        full = f"{complaint}Database or disk is full."
        await eventually(lambda: full in caplog.text)
        assert (await health(settings))[0] == 503
        pages[0] = 1 << 30
        await until_stored(settings, 300, "ok")
        assert (await health(settings))[0] == 200
        assert caplog.text.count(full) == 1
        await eventually(lambda: "storing again" in caplog.text)

        other = sqlite3.connect(fast_store_url, timeout=0, isolation_level=None)
        await eventually(lambda: begun(other))
        caplog.clear()
        await gateway.send(type="update", uid="1", endpoint="count", data=1, time=BEGAN)
        await eventually(lambda: f"{complaint}Database is locked." in caplog.text)
        other.close()
        await until_stored(settings, 301)
    assert await numbers(fast_store_url) == [1]


async def test_a_file_that_breaks_meanwhile(
    settings: RecorderSettings,
    broker: RunningBroker,
    fast_store_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = replace(settings, store=fast_store_url)
    file = Path(fast_store_url)
    async with recording(settings), our_gateway(broker, features=STORING) as gateway:
        await gateway.node("1")
        for n in range(50):
            await gateway.send(type="update", uid="1", endpoint="count", data=n, time=BEGAN + n)
        await until_stored(settings, 50, "ok")
        whole = await eventually(lambda: whole_file(file))
        overwrite(file, 4096, b"rust" * ((len(whole) - 4096) // 4))
        for n in range(50, 60):
            await gateway.send(type="update", uid="1", endpoint="count", data=n, time=BEGAN + n)
        broken = "cannot store readings, retrying: Database disk image is malformed."
        await eventually(lambda: broken in caplog.text)
        status, said = await health(settings)
        assert (status, json.loads(said)["stored"]) == (503, 50)
        assert "Database disk image is malformed" in json.loads(said)["reason"]
        overwrite(file, 0, whole)
        await until_stored(settings, 60, "ok")
        assert caplog.text.count(broken) == 1
    assert await numbers(fast_store_url) == list(range(60))


def overwrite(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def whole_file(path: Path) -> bytes:
    """What is in the file of a store, once all of it is there; nothing while somebody writes."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return b""
    finally:
        connection.close()
    return b"" if busy else path.read_bytes()


async def test_cannot_start(settings: RecorderSettings, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"nothing of a database" * 500)
    for wrong, kind in (
        (replace(settings, store=str(tmp_path / "broken.db")), StartFailed),
        (replace(settings, store="mysql://somewhere"), StartFailed),
        (replace(settings, keep_raw="long"), SettingsInvalid),
        (replace(settings, keep=("imu",)), SettingsInvalid),
    ):
        with pytest.raises(kind):
            async with recording(wrong):
                pass


def test_policy() -> None:
    policy = policy_of(RecorderSettings(keep=("imu=1d", "n/*=1h:2d:forever")))
    assert policy.keep("n", "t") == Keep(3600, 2 * 86_400, FOREVER)
    assert policy.keep("m", "imu") == Keep(86_400, 366 * 86_400, FOREVER)
    assert policy.keep("m", "t").raw == 30 * 86_400
    with pytest.raises(SettingsInvalid, match="keep_hours: '5' is no time"):
        policy_of(RecorderSettings(keep_hours="5"))
