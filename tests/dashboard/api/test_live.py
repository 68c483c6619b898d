# SPDX-License-Identifier: BSD-3-Clause
"""Values as they are now, commands and events: the whole service, with a real broker."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from tests.broker.running import RunningBroker, running_broker
from tests.cli.stage import PlayedGateway, playing
from tests.dashboard.api.asking import Answer, ask
from tests.dashboard.running import running_dashboard

API = "/api/v1"


@dataclass
class Scene:
    url: str
    broker: RunningBroker
    gateway: PlayedGateway

    async def get(self, path: str, **headers: str) -> Answer:
        return await ask(self.url, API + path, **headers)

    async def put(self, path: str, payload: object, **headers: str) -> Answer:
        body = {"payload": payload, "timeout": 5}
        return await ask(self.url, API + path, method="PUT", body=body, **headers)

    async def until(self, path: str, check: Any) -> Any:
        """What is answered once `check` holds for it."""
        async with asyncio.timeout(20):
            while True:
                answer = await self.get(path)
                if answer.status == 200 and check(answer.json):
                    return answer.json
                await asyncio.sleep(0.02)


@asynccontextmanager
async def scene(built: Path, tmp_path: Path, **settings: Any) -> AsyncIterator[Scene]:
    ring = KeyRing((KeyPair.generate(os.urandom),))
    keys = str(write_keys(tmp_path / "keys", ring))
    async with (
        running_broker(ring=ring, accept_unsigned=True) as broker,
        playing(broker, "result") as gateway,
    ):
        await gateway.node("n1", name="Desk", led="0", temperature="21°C")
        await gateway.update("n1", **{"a/b": 7})
        link = {"broker_host": "127.0.0.1", "broker_port": broker.port, "key_file": keys}
        async with running_dashboard(static_path=str(built), **link, **settings) as url:
            found = Scene(url, broker, gateway)
            await found.until("/nodes/n1/resources", lambda page: len(page["items"]) >= 4)
            yield found


def applying(command: dict[str, Any]) -> list[dict[str, Any]]:
    data = command["data"]
    return [
        {"type": "update", "uid": data["uid"], "endpoint": data["endpoint"],
         "data": data["payload"]},
        {"type": "result", "id": command["id"], "status": "applied"},
    ]  # fmt: skip


async def test_values_and_commands(built: Path, tmp_path: Path) -> None:
    async with scene(built, tmp_path) as on:
        listed = (await on.get("/nodes")).json["items"]
        assert [(each["uid"], each["title"], each["availability"]) for each in listed] == [
            ("n1", "Desk", "online")
        ]
        assert (await on.get("/nodes/n1/resources/temperature")).json["value"] == "21°C"
        assert (await on.get("/nodes/n1/resources/a%2Fb")).json["value"] == 7

        on.gateway.answer = applying
        done = await on.put("/nodes/n1/resources/led", True)
        assert (done.status, done.json["status"], done.json["payload"]) == (200, "applied", "1")
        assert on.gateway.commands[-1]["data"]["endpoint"] == "led"
        await on.until("/nodes/n1/resources/led", lambda it: it["value"] == "1")
        state = await on.get("/commands/" + done.json["id"])
        assert (state.status, state.json) == (200, done.json)
        place = done.headers["location"]
        assert place == f"../../../commands/{done.json['id']}"

        later = await on.put("/nodes/n1/resources/led", "0", Prefer="respond-async")
        assert (later.status, later.json["status"]) == (202, None)
        assert later.headers["preference-applied"] == "respond-async"
        path = "/commands/" + later.json["id"]
        await on.until(path, lambda it: it["status"] == "applied")

        on.gateway.answer = lambda command: [
            {"type": "result", "id": command["id"], "status": "failed", "reason": "4.05"}
        ]
        failed = await on.put("/nodes/n1/resources/led", 1)
        assert (failed.status, failed.code, failed.json["detail"]) == (502, "failed", "4.05")
        on.gateway.answer = lambda _: []
        body = {"payload": 1, "timeout": 0.2}
        slow = await ask(on.url, f"{API}/nodes/n1/resources/led", method="PUT", body=body)
        assert (slow.status, slow.code) == (504, "timeout")
        unknown = await on.put("/nodes/n9/resources/led", 1)
        assert unknown.code in {"not_found", "unknown_node"}
        assert (await on.get("/commands/" + "0" * 32)).status == 404

        health = (await on.get("/health")).json
        assert {each["name"]: each["well"] for each in health["parts"]} == {
            "store": True, "broker": True,
        }  # fmt: skip
        assert all(not each["facts"] for each in health["parts"])


@pytest.mark.parametrize(
    ("anonymous", "expected"),
    [("view", (200, 403, 403)), ("control", (200, 200, 403)), ("none", (401, 401, 401))],
)
async def test_strangers_do_what_they_may(
    built: Path, tmp_path: Path, anonymous: str, expected: tuple[int, int, int]
) -> None:
    ring = KeyRing((KeyPair.generate(os.urandom),))
    keys = str(write_keys(tmp_path / "keys", ring))
    async with (
        running_broker(ring=ring, accept_unsigned=True) as broker,
        playing(broker, "result") as gateway,
    ):
        await gateway.node("n1", led="0")
        gateway.answer = applying
        link = {"broker_host": "127.0.0.1", "broker_port": broker.port, "key_file": keys}
        settings = {"static_path": str(built), "anonymous": anonymous}
        async with running_dashboard(**link, **settings) as url:
            on = Scene(url, broker, gateway)
            if anonymous != "none":
                await on.until("/nodes/n1/resources", lambda page: page["items"])
            answers = (
                await on.get("/nodes/n1/resources"),
                await on.put("/nodes/n1/resources/led", 1),
                await on.put("/nodes/n1/resources/js", "x"),
            )
            assert tuple(each.status for each in answers) == expected


class Stream:
    """Reads server-sent events."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def event(self) -> tuple[str, dict[str, Any]]:
        name = ""
        while True:
            line = (await asyncio.wait_for(self._reader.readline(), 20)).decode().strip()
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))


@asynccontextmanager
async def stream(url: str, query: str = "") -> AsyncIterator[Stream]:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"GET {API}/events{query} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"text/event-stream" in head
    try:
        yield Stream(reader)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_live_values(built: Path, tmp_path: Path) -> None:
    async with scene(built, tmp_path) as on:
        async with stream(on.url) as all_, stream(on.url, "?resource=led") as leds:
            first = [await all_.event() for _ in range(5)]
            assert first[0][0] == "node"
            assert first[0][1]["availability"] == "online"
            assert {each[1]["endpoint"]: each[1]["value"] for each in first[1:]} == {
                "name": "Desk", "led": "0", "temperature": "21°C", "a/b": 7,
            }  # fmt: skip
            assert (await leds.event())[1]["value"] == "0"
            await on.gateway.update("n1", temperature="22°C")
            await on.gateway.update("n1", led="1")
            name, data = await all_.event()
            assert (name, data["endpoint"], data["value"]) == ("reading", "temperature", "22°C")
            assert data["uid"] == "n1"
            assert (await leds.event())[1]["value"] == "1"
            await on.gateway.say({"type": "out", "uid": "n1"})
            assert (await all_.event())[1]["endpoint"] == "led"
            assert (await all_.event())[0] in {"out", "node"}
        missing = await on.get("/events?node=" + quote("n/1") + "&nothing=1")
        assert missing.code == "invalid_value"


async def test_without_a_broker_what_is_stored_is_still_there(
    built: Path, fast_store: Store, fast_store_url: str
) -> None:
    await fast_store.nodes.change("n1", Edit(kind="lamp"), TERMINAL)
    options = {"static_path": str(built), "broker_port": 9, "store": fast_store_url}
    async with running_dashboard(**options) as url:
        on = Scene(url, None, None)  # type: ignore[arg-type]
        assert [each["uid"] for each in (await on.get("/nodes")).json["items"]] == ["n1"]
        refused = await on.put("/nodes/n1/resources/led", 1)
        assert (refused.status, refused.code) == (503, "broker_unreachable")
        assert (await on.put("/nodes/n2/resources/led", 1)).code == "not_found"
        health = (await on.get("/health")).json
        assert health["well"] is False
