# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from pyaiot.errors import InvalidValue, StartFailed
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.coap.peers import MAX_PEERS_OF_HOST
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.embedded import embedded_broker
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.simulate import coap_fleet, websocket_fleet
from pyaiot.simulate.coap_fleet import CoapFleet
from pyaiot.simulate.fleet import Contact, Fleet, Plan, evenly
from pyaiot.simulate.mqtt_fleet import MqttFleet
from pyaiot.simulate.websocket_fleet import WebsocketFleet
from tests.contracts.adapter import Heard, running
from tests.gateway.coap.gate import gate
from tests.mosquitto import Tools, mosquitto
from tests.waiting import eventually

PLAN = Plan(5, ("temperature", "led"), period=0.05)
NAMES = {f"simulated-{number}" for number in range(1, 6)}


@contextlib.asynccontextmanager
async def living(fleet: Fleet) -> AsyncIterator[None]:
    task = asyncio.create_task(fleet.run())
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()


def names(heard: Heard) -> set[str]:
    return {sighting.name for _, sighting in heard.sightings}


async def all_report(heard: Heard) -> None:
    """All nodes are there, and each has measured twice at least."""
    await eventually(lambda: names(heard) == NAMES)
    places = {address for address, _ in heard.sightings}

    def measured() -> bool:
        told = [said.address for said in heard.reports if said.endpoint == "temperature"]
        return all(told.count(place) > 2 for place in places)

    await eventually(measured)


def test_the_same_seed_gives_the_same_nodes() -> None:
    def course(plan: Plan) -> list[dict[str, str]]:
        return [member.measure(turn) for member in plan.members() for turn in range(20)]

    assert course(PLAN) == course(PLAN)
    assert course(PLAN) != course(Plan(5, ("temperature", "led"), period=0.05, seed=1))
    assert course(PLAN)[:20] != course(PLAN)[20:40], "nodes differ"


def test_a_plan() -> None:
    members = Plan(2, ("humidity", "led"), name="Lab  east").members()
    assert [member.uid for member in members] == ["lab-east-1", "lab-east-2"]
    assert members[1].thing.values["name"] == "Lab  east 2"
    assert list(members[0].measure(0)) == ["humidity"]
    assert [member.uid for member in Plan(3, ("led",)).members()[:2]] == [
        "simulated-1",
        "simulated-2",
    ]
    with pytest.raises(InvalidValue, match="no resource 'teapot'"):
        Plan(1, ("teapot",)).members()
    with pytest.raises(InvalidValue):
        Plan(1, name="\0").members()
    with pytest.raises(InvalidValue):
        MqttFleet(Plan(1, name="a/b"), Server("localhost", 1))


async def test_turns_are_spread_evenly_and_none_is_left_out() -> None:
    turns: list[tuple[int, int]] = []
    task = asyncio.create_task(evenly(4, 0.5, lambda which, turn: turns.append((which, turn))))
    await eventually(lambda: len(turns) > 5)
    task.cancel()
    assert turns == [(number % 4, number // 4) for number in range(len(turns))]


async def test_turns_that_are_too_many_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.simulate.fleet.TICK", 0.05)
    turns: list[int] = []
    task = asyncio.create_task(evenly(2, 0.001, lambda _which, turn: turns.append(turn)))
    await eventually(lambda: len(turns) >= 4)
    task.cancel()
    assert turns[3] > 20, "the newest are made"


def test_the_log_tells_once(caplog: pytest.LogCaptureFixture) -> None:
    contact = Contact("it")
    for _ in range(9):
        contact.missed("no")
    for _ in range(9):
        contact.refused("no")
    for _ in range(9):
        contact.found()
    assert caplog.messages == [
        "no connection to it: no", "it refuses nodes: no", "it is there again",
    ]  # fmt: skip


class TestWebsocket:
    @pytest.fixture
    def adapter(self) -> WebsocketAdapter:
        return WebsocketAdapter("127.0.0.1", 0, grace=0.05)

    async def test_all_are_there_and_can_be_set(self, adapter: WebsocketAdapter) -> None:
        async with (
            running(adapter) as heard,
            living(WebsocketFleet(PLAN, "localhost", adapter.port)),
        ):
            await all_report(heard)
            address = heard.sightings[0][0]
            assert set(heard.values(address)) == {"name", "temperature", "led"}
            for payload, told in (("1", "1"), ("7", "1"), ("0", "0")):
                await adapter.write(address, "led", payload)
                await eventually(lambda: heard.values(address)["led"] == told)  # noqa: B023 - waited for at once
            await adapter.write(address, "teapot", "1")

    async def test_comes_back(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(websocket_fleet, "FIRST_RETRY", 0.02)
        monkeypatch.setattr(websocket_fleet, "SETTLED", 0.02)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with living(WebsocketFleet(PLAN, "127.0.0.1", port)):
            await eventually(lambda: "no connection to ws://127.0.0.1" in caplog.text)
            for _ in range(2):
                async with running(WebsocketAdapter("127.0.0.1", port)) as heard:
                    await all_report(heard)
                    await eventually(lambda: "is there again" in caplog.text)

    async def test_who_is_no_gateway(self, caplog: pytest.LogCaptureFixture) -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with living(WebsocketFleet(PLAN, "127.0.0.1", port)):
                await eventually(lambda: "HTTP 404" in caplog.text)
        assert "Traceback" not in caplog.text


class TestCoap:
    async def test_all_are_there_and_can_be_set(self) -> None:
        async with gate() as running_gate:
            heard = running_gate.heard
            async with living(CoapFleet(PLAN, "127.0.0.1", running_gate.port)):
                await all_report(heard)
                address = heard.sightings[0][0]
                await running_gate.adapter.discover(address)
                assert set(heard.values(address)) >= {"name", "temperature", "led"}
                written = await running_gate.adapter.write(address, "led", "1")
                assert (written.confirmed, written.value) == (True, "1")
                await running_gate.value(address, "led", "1")

    async def test_they_say_that_they_are_there_until_they_are_asked(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(coap_fleet, "FIRST_RETRY", 0.02)
        with socket.socket(type=socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        async with living(CoapFleet(PLAN, "127.0.0.1", port)):
            await eventually(lambda: "no connection to the gateway" in caplog.text)
            async with running(CoapAdapter("127.0.0.1", port)) as heard:
                await eventually(lambda: names(heard) == NAMES)

    async def test_more_than_a_gateway_takes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(coap_fleet, "_can_bind", lambda _: False)
        with pytest.raises(StartFailed, match="takes 512 nodes from one host"):
            await CoapFleet(Plan(MAX_PEERS_OF_HOST + 1), "127.0.0.1", 5683).run()
        with pytest.raises(StartFailed, match="no host"):
            await CoapFleet(Plan(1), "not a host", 5683).run()


class TestMqtt:
    async def test_all_are_there_and_can_be_set(self, tmp_path: Path) -> None:
        async with mosquitto(tmp_path) as port:
            server = Tools(port).server
            adapter = MqttAdapter(server, Random(1))
            async with running(adapter) as heard, living(MqttFleet(PLAN, server)):
                await self._lives(adapter, heard)

    async def test_strangers_listen_to_their_own_only(self) -> None:
        async with embedded_broker(Server("embedded:", 0)) as inside:
            outside = Server("127.0.0.1", inside.port)
            adapter = MqttAdapter(inside, Random(1))
            async with running(adapter) as heard, living(MqttFleet(PLAN, outside)):
                await self._lives(adapter, heard)

    async def _lives(self, adapter: MqttAdapter, heard: Heard) -> None:
        await eventually(lambda: names(heard) == NAMES)
        for address in {address for address, _ in heard.sightings}:
            await adapter.discover(address)
        await all_report(heard)
        address = heard.sightings[0][0]
        await eventually(lambda: set(heard.values(address)) >= {"name", "temperature", "led"})
        for payload, told in (("1", "1"), ("7", "1"), ("0", "0")):
            await adapter.write(address, "led", payload)
            await eventually(lambda: heard.values(address)["led"] == told)  # noqa: B023 - waited for at once
