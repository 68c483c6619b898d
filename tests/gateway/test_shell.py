# SPDX-License-Identifier: BSD-3-Clause
"""The gateway at work: a real link to a scripted broker, nodes in memory."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyaiot.errors import StartFailed
from pyaiot.gateway import outbox, shell, spool
from pyaiot.gateway.adapter import Address, Naming, Sighting
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from tests.contracts.adapter import REFUSED
from tests.contracts.memory import MemoryAdapter, MemoryNode
from tests.gateway.running import RunningGateway, now, running_gateway
from tests.link.scripted import ScriptedBroker, scripted_broker
from tests.waiting import eventually


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


@pytest.fixture
def adapter() -> MemoryAdapter:
    return MemoryAdapter()


@asynccontextmanager
async def running(
    adapter: MemoryAdapter, broker: ScriptedBroker, **more: Any
) -> AsyncIterator[RunningGateway]:
    url = f"ws://127.0.0.1:{broker.port}"
    async with running_gateway(adapter, url, broker.ring, **more) as gateway:
        yield gateway


async def command(broker: ScriptedBroker, uid: str, ident: str, **more: Any) -> None:
    data = {"uid": uid, "endpoint": "led", "payload": "1"}
    await broker.say({"type": "update", "data": data, "src": "c", "id": ident} | more)


def results(broker: ScriptedBroker) -> list[tuple[str, str]]:
    return [(m["id"], m["status"]) for m in broker.messages if m["type"] == "result"]


class TestWholeWay:
    async def test_from_a_first_sight_to_values(
        self, adapter: MemoryAdapter, broker: ScriptedBroker
    ) -> None:
        node = MemoryNode(adapter, "1234", {"led": "0", "os": "riot"}, facts={"ip": "::1"})
        async with running(adapter, broker):
            await broker.connected()
            node.show()
            await eventually(lambda: len(broker.messages) == 5)
            assert broker.short == [
                "new 1234",
                "update 1234 ip ::1",
                "update 1234 protocol Memory",
                "update 1234 led 0",
                "update 1234 os riot",
            ]
            assert all(m["time"] > 1.7e9 for m in broker.messages if m["type"] == "update")
            node.show()
            node.say("led", "1")
            await eventually(lambda: broker.short[5:] == ["update 1234 led 1"])
            assert adapter.discoveries == [node.address]

    async def test_a_command(self, adapter: MemoryAdapter, broker: ScriptedBroker) -> None:
        node = MemoryNode(adapter, "1234", {"led": "0"})
        async with running(adapter, broker):
            node.show()
            await command(broker, "1234", "a")
            await eventually(lambda: results(broker) == [("a", "applied")])
            assert node.written == [("led", "1")]
            assert "update 1234 led 1" in broker.short
            await command(broker, "nobody", "b")
            await eventually(lambda: results(broker)[1:] == [("b", "unknown_node")])
            data = {"uid": "1234", "endpoint": REFUSED, "payload": "1"}
            await command(broker, "1234", "c", data=data)
            await eventually(lambda: results(broker)[2:] == [("c", "failed")])
            assert broker.messages[-1]["reason"] == f"The node refuses to set {REFUSED}."

    async def test_a_frozen_node_delays_nobody(
        self, adapter: MemoryAdapter, broker: ScriptedBroker
    ) -> None:
        frozen, other = MemoryNode(adapter, "frozen"), MemoryNode(adapter, "other")
        async with running(adapter, broker):
            frozen.show()
            other.show()
            await frozen.freeze()
            await command(broker, "frozen", "a", timeout=0.2)
            await command(broker, "frozen", "b", timeout=0.1)
            await command(broker, "other", "c")
            await eventually(lambda: len(results(broker)) == 3)
            assert results(broker) == [("c", "applied"), ("b", "timeout"), ("a", "timeout")]
            assert len(frozen.asked) == 1

    async def test_a_report_confirms(self, broker: ScriptedBroker) -> None:
        adapter = MemoryAdapter(confirms=False)
        node = MemoryNode(adapter, "1234", {"led": "0"})
        async with running(adapter, broker):
            node.show()
            await command(broker, "1234", "a")
            await eventually(lambda: results(broker) == [("a", "applied")])
            await node.freeze()
            await command(broker, "1234", "b", timeout=0.1)
            await eventually(lambda: results(broker)[1:] == [("b", "timeout")])

    async def test_online_and_offline(self, adapter: MemoryAdapter, broker: ScriptedBroker) -> None:
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker, max_time=0.2):
            await broker.connected()
            node.show()

            def said() -> list[str]:
                told = (m["availability"] for m in broker.messages if "availability" in m)
                # Where this machine is busy, a node may be offline before it was found late.
                return [each for each in told if each != "late"]

            await eventually(lambda: said() == ["online", "offline"])
            node.show()
            await eventually(lambda: said()[2:] == ["online", "offline"])

    async def test_everything_for_a_client_of_the_original(
        self, adapter: MemoryAdapter, broker: ScriptedBroker
    ) -> None:
        broker.signs, broker.grants = False, ()
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker, accept_unsigned=True):
            node.show()
            await broker.say({"type": "new", "src": "client"})
            await eventually(
                lambda: {"type": "new", "uid": "1234", "dst": "client"} in broker.messages
            )


class TestBrokerIsAway:
    async def test_no_reading_is_lost(self, adapter: MemoryAdapter, broker: ScriptedBroker) -> None:
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker) as gateway:
            node.show()
            for burst in range(10):
                connection = await broker.connected()
                for number in range(50):
                    node.say("count", 50 * burst + number)
                await asyncio.sleep(0.003 * burst)
                connection.transport.abort()
                await eventually(lambda: broker.connection is None)
                node.say("away", burst)
            await eventually(lambda: len(gateway.spool) == 0)

            def told(endpoint: str) -> list[Any]:
                values = [m["data"] for m in broker.messages if m.get("endpoint") == endpoint]
                return list(dict.fromkeys(values))

            assert told("count") == list(range(500))
            assert told("away") == list(range(10))

    async def test_it_comes_late(self, adapter: MemoryAdapter) -> None:
        async with scripted_broker() as broker:
            pass
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker) as gateway:
            node.show()
            node.say("led", "1", 1.7e9)
            node.say("led", "2")
            assert len(gateway.spool) == 3
            async with scripted_broker(broker, port=broker.port):
                await eventually(lambda: len(gateway.spool) == 0)
                assert broker.short == [
                    "new 1234",
                    "update 1234 protocol Memory",
                    "update 1234 led 1",
                    "update 1234 led 2",
                ]
                assert broker.messages[2]["time"] == 1.7e9

    async def test_too_many_readings_cost_the_oldest_and_are_said_once(
        self, adapter: MemoryAdapter, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with scripted_broker() as broker:
            pass
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker, spool=3) as gateway:
            node.show()
            for number in range(10):
                node.say("count", number)
            async with scripted_broker(broker, port=broker.port):
                await eventually(lambda: len(gateway.spool) == 0)
                assert [m["data"] for m in broker.messages if m.get("endpoint") == "count"] == [
                    7,
                    8,
                    9,
                ]
        assert caplog.text.count("No room for more readings") == 1
        assert caplog.text.count("8 readings were lost") == 1

    async def test_a_broker_that_does_not_keep_up(
        self,
        adapter: MemoryAdapter,
        broker: ScriptedBroker,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(spool, "CONTROLS", 50)
        monkeypatch.setattr(spool, "BUSY", 10)
        monkeypatch.setattr(outbox, "WINDOW", 10)
        async with running(adapter, broker, spool=10) as gateway:
            # The gateway knows it a little later than the broker does.
            await eventually(lambda: "Linked to the broker" in caplog.text)
            for number in range(80):
                MemoryNode(adapter, f"p{number}", naming=Naming.PASSING).show()
            await eventually(lambda: "does not keep up" in caplog.text)
            await eventually(lambda: broker.connection is not None)
            await eventually(lambda: len(gateway.spool) == 0)
            uids = {m["uid"] for m in broker.messages if m["type"] == "new"}
            assert uids == {f"p{number}" for number in range(80)}


class TestFaults:
    async def test_the_adapter_cannot_start(self, broker: ScriptedBroker) -> None:
        with pytest.raises(StartFailed, match="Nothing to stand on"):
            async with running(MemoryAdapter(fails_to_start=True), broker):
                raise AssertionError

    async def test_the_innermost_error_is_what_is_raised(self, broker: ScriptedBroker) -> None:
        class Nested(MemoryAdapter):
            async def run(self, *_: Any) -> None:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._fail())

            async def _fail(self) -> None:
                raise StartFailed("port taken")

        with pytest.raises(StartFailed, match="port taken"):
            async with running(Nested(), broker):
                raise AssertionError

    async def test_an_adapter_with_a_fault_ends_only_what_it_was_asked(
        self,
        adapter: MemoryAdapter,
        broker: ScriptedBroker,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(adapter, "_node", lambda _: 1 / 0)
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker):
            node.show()
            await command(broker, "1234", "a")
            await eventually(lambda: results(broker) == [("a", "failed")])
        assert caplog.text.count("Internal error while") == 2

    async def test_events_never_raise(
        self,
        adapter: MemoryAdapter,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        core = GatewayCore("attic", "Memory")
        gateway = Gateway(adapter, NoUplink(), core, Spool(10), now)
        monkeypatch.setattr(core, "lost", lambda *_: 1 / 0)
        gateway.lost(Address("here"))
        assert "Internal error" in caplog.text

    async def test_events_before_and_after_all(
        self, adapter: MemoryAdapter, caplog: pytest.LogCaptureFixture
    ) -> None:
        gateway = Gateway(adapter, NoUplink(), GatewayCore("a", "Memory"), Spool(10), now)
        sighting = Sighting("1234", Naming.UNIQUE)
        gateway.seen(Address("here"), sighting)
        task = asyncio.create_task(gateway.run(lambda: None))
        await eventually(lambda: adapter.events is not None)
        task.cancel()
        await asyncio.sleep(0)
        # Cancelled, but not ended: the group takes no more work.
        gateway.seen(Address("there"), Sighting("5678", Naming.UNIQUE))
        await asyncio.wait({task})
        gateway.seen(Address("here"), Sighting("1234", Naming.UNIQUE, rebooted=True))
        gateway.report(Address("here"), "led", "1")
        assert "Traceback" not in caplog.text

    async def test_discovery_is_bounded_in_time(
        self,
        adapter: MemoryAdapter,
        broker: ScriptedBroker,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(shell, "DISCOVERY_TIME", 0.05)
        node = MemoryNode(adapter, "1234")
        await node.freeze()
        async with running(adapter, broker):
            node.show()
            await eventually(lambda: "cannot be discovered yet" in caplog.text)
            assert "It took more than 0.05 s" in caplog.text

    async def test_a_node_that_cannot_be_asked(
        self, adapter: MemoryAdapter, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        node = MemoryNode(adapter, "1234")
        async with running(adapter, broker):
            adapter.nodes.clear()
            node.show()
            await eventually(lambda: "There is no node at memory:1234" in caplog.text)

    async def test_too_many_clients_of_the_original(
        self,
        adapter: MemoryAdapter,
        broker: ScriptedBroker,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(outbox, "MAX_RESENDS", 0)
        async with running(adapter, broker):
            await broker.say({"type": "new", "src": "client"})
            await eventually(lambda: "Too many clients" in caplog.text)

    async def test_notes_reach_the_log(
        self, adapter: MemoryAdapter, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        async with running(adapter, broker):
            assert adapter.events is not None
            adapter.events.report(Address("nowhere"), "led", "1")
            adapter.events.lost(Address("nowhere"))
        assert "Reports from nowhere" in caplog.text


class NoUplink:
    """A link that never comes about."""

    async def run(self, peer: Gateway) -> None:
        del peer
        await asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        pass

    def restart(self, reason: str) -> None:
        raise AssertionError(reason)
