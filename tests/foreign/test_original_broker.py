# SPDX-License-Identifier: BSD-3-Clause
"""Our gateways at a broker of the original: it takes all that they say, and its clients see it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from pyaiot.gateway import announcer
from pyaiot.gateway.adapter import Naming
from tests.contracts.memory import MemoryAdapter, MemoryNode
from tests.foreign.original_broker import OriginalBroker, original_broker
from tests.gateway.running import RunningGateway, running_gateway
from tests.link.scripted import new_ring
from tests.waiting import eventually


@pytest.fixture
async def broker() -> AsyncIterator[OriginalBroker]:
    async with original_broker(new_ring()) as broker:
        yield broker
        assert broker.choked == []


@asynccontextmanager
async def gateway(
    adapter: MemoryAdapter, broker: OriginalBroker, **more: Any
) -> AsyncIterator[RunningGateway]:
    async with running_gateway(
        adapter, broker.url, broker.ring, accept_unsigned=True, **more
    ) as running:
        await eventually(lambda: broker.gateways)
        yield running


@asynccontextmanager
async def client(broker: OriginalBroker) -> AsyncIterator[ClientConnection]:
    """A client that the broker knows.

    The gateways that are there by then are asked to tell it of their nodes, whenever that comes to
    them; where a test counts on each being told of once, it is there first.
    """
    known = len(broker.clients)
    async with connect(f"{broker.url}/ws") as connection:
        await connection.send('{"type": "new", "data": "client"}')
        await eventually(lambda: len(broker.clients) > known)
        yield connection


async def heard(connection: ClientConnection, count: int) -> list[str]:
    """The next `count` messages in short."""
    messages = [json.loads(await connection.recv()) for _ in range(count)]
    return [
        " ".join(str(m[key]) for key in ("type", "uid", "endpoint", "data") if key in m)
        for m in messages
    ]


async def test_a_client_sees_nodes_come_report_reboot_and_go(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0"}, facts={"ip": "::1"}, naming=Naming.PASSING)
    async with client(broker) as connection, gateway(adapter, broker):
        node.show()
        assert await heard(connection, 4) == [
            "new 1234",
            "update 1234 ip ::1",
            "update 1234 protocol Memory",
            "update 1234 led 0",
        ]
        node.say("temperature", "23.4°C")
        assert await heard(connection, 1) == ["update 1234 temperature 23.4°C"]
        await node.vanish()
        assert await heard(connection, 1) == ["out 1234"]


async def test_a_client_that_comes_later_is_told_everything(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0", "os": "riot"})
    async with gateway(adapter, broker):
        node.show()
        await eventually(lambda: len(broker.said) == 4)
        async with client(broker) as first:
            everything = [
                "new 1234",
                "update 1234 protocol Memory",
                "update 1234 led 0",
                "update 1234 os riot",
            ]
            assert await heard(first, 4) == everything
            async with client(broker) as second:
                assert await heard(second, 4) == everything
                node.say("led", "1")
                assert await heard(first, 1) == ["update 1234 led 1"]
                assert await heard(second, 1) == ["update 1234 led 1"]
    assert {m["dst"] for m in broker.said if m["type"] == "new"} > {"all"}


async def test_a_client_controls_a_node(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0"})
    async with client(broker) as connection, gateway(adapter, broker):
        node.show()
        await heard(connection, 3)
        data = {"uid": "1234", "endpoint": "led", "payload": "1"}
        await connection.send(json.dumps({"type": "update", "data": data}))
        assert await heard(connection, 1) == ["update 1234 led 1"]
        assert node.written == [("led", "1")]


async def test_what_ended_the_originals_gateways(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0"})
    async with client(broker) as connection, gateway(adapter, broker):
        node.show()
        await heard(connection, 3)
        for message in (
            {"type": "update"},
            {"type": "out"},
            {"type": "reset"},
            {"type": "update", "data": None},
            {"type": "update", "data": {"uid": "1234"}},
            {"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": None}},
            {"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": {}}},
            {"type": "update", "data": {"uid": "nobody", "endpoint": "led", "payload": "1"}},
        ):
            await connection.send(json.dumps(message))
        data = {"uid": "1234", "endpoint": "led", "payload": "é"}
        await connection.send(json.dumps({"type": "update", "data": data}))
        assert await heard(connection, 1) == ["update 1234 led é"]
        assert node.written == [("led", "é")]
        assert len(broker.gateways) == 1


async def test_offline_is_out_and_back_is_new(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0"})
    async with client(broker) as connection, gateway(adapter, broker, max_time=0.2):
        node.show()
        assert await heard(connection, 4) == [
            "new 1234",
            "update 1234 protocol Memory",
            "update 1234 led 0",
            "out 1234",
        ]
        node.say("led", "1")
        assert await heard(connection, 4) == [
            "new 1234",
            "update 1234 protocol Memory",
            "update 1234 led 0",
            "update 1234 led 1",
        ]


async def test_keep_alive(broker: OriginalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "KEEP_ALIVE", 0.05)
    async with gateway(MemoryAdapter(), broker), client(broker):
        await eventually(lambda: broker.said.count({"type": "update", "uid": "alive"}) >= 3)


async def test_readings_survive_a_restart_of_the_broker(broker: OriginalBroker) -> None:
    adapter = MemoryAdapter()
    node = MemoryNode(adapter, "1234", {"led": "0"})
    async with client(broker) as connection, gateway(adapter, broker):
        node.show()
        await heard(connection, 3)
        (link,) = broker.gateways
        link.close()
        await eventually(lambda: not broker.gateways)
        node.say("led", "away")
        # It may be back before it has heard what the node says.
        told = await heard(connection, 2)
        assert told == ["out 1234", "new 1234"]
        while told[-1] != "update 1234 led away":
            told += await heard(connection, 1)
