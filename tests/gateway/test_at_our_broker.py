# SPDX-License-Identifier: BSD-3-Clause
"""A gateway and a broker, both ours, over a real signed link."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.registrar import Policy
from pyaiot.messages.keys import KeyPair, KeyRing
from tests.broker.peers import Peer, a_service
from tests.broker.running import RunningBroker, running_broker
from tests.contracts.memory import MemoryAdapter, MemoryNode
from tests.gateway.running import running_gateway
from tests.waiting import eventually


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing((KeyPair.generate(os.urandom),))


@pytest.fixture
def adapter() -> MemoryAdapter:
    return MemoryAdapter()


class Watcher:
    """A client that understands all of ours, and writes down what it is told."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.messages: list[dict[str, Any]] = []

    async def run(self) -> None:
        async for frame in self._connection:
            message = json.loads(frame)
            self.messages += message if isinstance(message, list) else [message]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def values(self, endpoint: str) -> list[Any]:
        return [m["data"] for m in self.of("update") if m["endpoint"] == endpoint]

    async def command(
        self, uid: str, ident: str, endpoint: str = "led", payload: str = "1"
    ) -> None:
        data = {"uid": uid, "endpoint": endpoint, "payload": payload}
        message = {"type": "update", "data": data, "id": ident, "timeout": 0.5}
        await self._connection.send(json.dumps(message))

    async def result(self, ident: str) -> str:
        def found() -> list[str]:
            return [m["status"] for m in self.of("result") if m["id"] == ident]

        return (await eventually(found))[-1]


@asynccontextmanager
async def watching(broker: RunningBroker) -> AsyncIterator[Watcher]:
    async with connect(f"{broker.url}/ws") as connection:
        watcher = Watcher(connection)
        task = asyncio.create_task(watcher.run())
        features = ["snapshot", "availability", "result"]
        await connection.send(json.dumps({"type": "new", "features": features}))
        await eventually(lambda: watcher.of("snapshot"))
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.wait({task})


def state(broker: RunningBroker, uid: str) -> dict[str, Any]:
    node = broker.core.nodes.get(uid)
    return {} if node is None else {name: res.value for name, res in node.resources.items()}


async def has(broker: RunningBroker, uid: str, endpoint: str, value: Any) -> None:
    await eventually(lambda: state(broker, uid).get(endpoint) == value)


async def test_values_and_commands(ring: KeyRing, adapter: MemoryAdapter) -> None:
    node = MemoryNode(adapter, "1234", {"led": "0"})
    frozen = MemoryNode(adapter, "frozen", {"led": "0"})
    async with (
        running_broker(ring=ring) as broker,
        running_gateway(adapter, broker.url, ring),
        watching(broker) as watcher,
    ):
        node.show()
        frozen.show()
        await eventually(lambda: state(broker, "1234") == {"protocol": "Memory", "led": "0"})
        await eventually(lambda: "led" in state(broker, "frozen"))
        await frozen.freeze()
        await watcher.command("frozen", "a")
        await watcher.command("1234", "b")
        await watcher.command("nobody", "c")
        assert await watcher.result("b") == "applied"
        assert await watcher.result("c") == "unknown_node"
        assert await watcher.result("a") == "timeout"
        assert node.written == [("led", "1")]
        assert watcher.values("led")[-1] == "1"


async def test_availability(ring: KeyRing, adapter: MemoryAdapter) -> None:
    node = MemoryNode(adapter, "1234")
    async with (
        running_broker(ring=ring) as broker,
        running_gateway(adapter, broker.url, ring, max_time=0.3),
        watching(broker) as watcher,
    ):
        node.show()
        await eventually(
            lambda: [m["availability"] for m in watcher.of("availability")] == ["late", "offline"]
        )


async def test_a_broker_that_restarts_misses_nothing(ring: KeyRing, adapter: MemoryAdapter) -> None:
    node = MemoryNode(adapter, "1234", {"led": "0"})
    passing = MemoryNode(adapter, "p", {"led": "0"}, naming=Naming.PASSING)
    seen: list[Any] = []
    async with running_broker(ring=ring) as first:
        port = first.port
        async with running_gateway(adapter, first.url, ring) as gateway:
            node.show()
            passing.show()
            for restart in range(3):
                if restart == 0:
                    await eventually(lambda: len(gateway.spool) == 0)
                    await first.server.stop()
                for number in range(20):
                    node.say("count", 20 * restart + number)
                await passing.vanish()
                async with running_broker(ring=ring, port=port) as broker:
                    await eventually(lambda: len(gateway.spool) == 0)
                    await has(broker, "1234", "led", "0")
                    seen.append(state(broker, "1234")["count"])
                    assert state(broker, "p") == {}
    assert seen == [19, 39, 59]


async def test_readings_of_a_broken_link_arrive(ring: KeyRing, adapter: MemoryAdapter) -> None:
    node = MemoryNode(adapter, "1234")
    async with (
        running_broker(ring=ring) as broker,
        running_gateway(adapter, broker.url, ring) as gateway,
        watching(broker) as watcher,
    ):
        node.show()
        for burst in range(6):
            await eventually(lambda: broker.core.gateways)
            for number in range(30):
                node.say("count", 30 * burst + number)
            await asyncio.sleep(0.005 * burst)
            gateway.link.restart("test")
            await eventually(lambda: not broker.core.gateways)
        await eventually(lambda: len(gateway.spool) == 0)
        await eventually(lambda: watcher.values("count")[-1:] == [179])
        assert set(watcher.values("count")) == set(range(180))


async def test_who_may_be_which_node_comes_from_the_directory(
    ring: KeyRing, adapter: MemoryAdapter
) -> None:
    shown = Signer(ring).make(Claims(Use.DEVICE, "lamp", "t1", 1e9))
    lamp: dict[str, Any] = {"uid": "lamp", "tokens": ["t1"], "bound": True}

    async def say(directory: Peer, *devices: dict[str, Any], whole: bool = False) -> None:
        listed = list(devices)
        await directory.send(type="devices", devices=listed, part=0, last=True, whole=whole)

    async with (
        running_broker(ring=ring) as broker,
        a_service(broker, "directory") as directory,
        running_gateway(adapter, broker.url, ring, policy=Policy.APPROVE) as running,
    ):
        await say(directory, lamp, whole=True)
        node = MemoryNode(adapter, "4711", naming=Naming.LOCAL, token=shown)
        waiting = MemoryNode(adapter, "other")
        await eventually(lambda: running.core._registrar.ready)
        await node.announce()
        await node.post("led", "1")
        await eventually(lambda: state(broker, "lamp").get("led") == "1")
        await waiting.announce()
        pending = await directory.until(type="pending")
        assert pending["uid"] == "other"
        assert pending["gateway"].startswith("attic (")
        await say(directory, {"uid": "other", "approved": True})
        await say(directory, {"uid": "lamp", "tokens": [], "bound": True})
        async with asyncio.timeout(2):
            await eventually(lambda: adapter.expelled)
        assert adapter.expelled[0][1].code == "revoked"
        await waiting.announce()
        await waiting.post("led", "1")
        await eventually(lambda: state(broker, "other").get("led") == "1")


async def test_readings_stay_until_the_recorder_has_stored_them(
    ring: KeyRing, adapter: MemoryAdapter
) -> None:
    async with (
        running_broker(ring=ring, store_readings=True) as broker,
        running_gateway(adapter, broker.url, ring) as running,
    ):
        node = MemoryNode(adapter, "lamp", {})
        await node.announce()
        for number in range(20):
            await node.post("count", str(number))
        await eventually(lambda: state(broker, "lamp").get("count") == "19")
        await eventually(lambda: not running.spool._taken)
        assert len(running.spool) == 21
        async with a_service(broker, "recorder") as recorder:
            stored = 0
            while stored < 22:
                told = await recorder.until(type="recordable")
                stored = told["first"] + len(told["messages"]) - 1
                await recorder.send(type="stored", through=stored)
            await eventually(lambda: len(running.spool) == 0)


async def test_nobody_is_for_a_moment_who_they_are_not(
    ring: KeyRing, adapter: MemoryAdapter
) -> None:
    """Everything starts at once, and somebody is faster than the list of nodes with tokens."""
    async with (
        running_broker(ring=ring, await_directory=True, store_readings=True) as broker,
        a_service(broker, "recorder") as recorder,
        running_gateway(adapter, broker.url, ring),
    ):
        posing = MemoryNode(adapter, "lamp", {"led": "posed"})
        honest = MemoryNode(adapter, "desk", {"led": "honest"})
        for node in (posing, honest):
            node.show()
            assert node.refusal is None
            node.say("led", "first")
        await eventually(lambda: broker.core.gateways)
        async with a_service(broker, "directory") as directory:
            await directory.send(
                type="devices",
                devices=[{"uid": "lamp", "tokens": ["t"], "bound": True}],
                whole=True,
            )
            await eventually(lambda: adapter.expelled)
            posing.say("led", "last")
            honest.say("led", "last")
            token = Signer(ring).make(Claims(Use.DEVICE, "lamp", "t", 1.0))
            genuine = MemoryNode(adapter, "lamp", token=token)
            genuine.show()
            genuine.say("led", "genuine")
            told: list[tuple[str, Any]] = []
            while ("lamp", "genuine") not in told or ("desk", "last") not in told:
                told += [
                    (each["uid"], each["data"])
                    for each in (await recorder.receive())["messages"]
                    if each["type"] == "update" and each["endpoint"] == "led"
                ]
    # Nothing of what was said in a wrong name, everything else.
    assert ("desk", "first") in told
    assert {value for uid, value in told if uid == "lamp"} == {"genuine"}
