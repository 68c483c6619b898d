# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.adapter import Address, Naming
from pyaiot.gateway.mqtt import adapter as adapter_module
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.packets import Publish, Version
from pyaiot.gateway.mqtt.session import Server, connected
from pyaiot.link.backoff import Backoff
from tests.contracts.adapter import Heard, running
from tests.gateway.mqtt.bench import GARBAGE, TOPICS, node_at
from tests.gateway.mqtt.scripted import Peer, scripted
from tests.mosquitto import Tools, free_port, mosquitto
from tests.waiting import eventually

NODE = Address("mqtt:a")
NOT_CONNECTED = r"^MQTT broker not connected$"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Tools]:
    async with mosquitto(tmp_path) as port:
        yield Tools(port)


def made(server: Server) -> MqttAdapter:
    return MqttAdapter(server, Random(1), backoff=Backoff(lambda: 1.0, base=0.02, cap=0.1))


@asynccontextmanager
async def adapter_at(server: Server) -> AsyncIterator[tuple[MqttAdapter, Heard]]:
    adapter = made(server)
    async with running(adapter) as heard:
        yield adapter, heard


class TestLiveness:
    async def test_asks_who_is_there_at_once_and_again(
        self, broker: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adapter_module, "CHECK_PERIOD", 0.05)
        async with node_at(broker.server, "a", {}) as node, adapter_at(broker.server):
            await eventually(lambda: node.asked.count("check") >= 3)

    async def test_check_is_empty(self, broker: Tools) -> None:
        heard: list[Publish] = []
        server = broker.server
        async with connected(server, None, "test", Version.V5, heard.append) as session:
            await session.subscribe(["gateway/check"])
            async with adapter_at(server):
                await eventually(lambda: heard)
        assert heard[0] == Publish("gateway/check", b"", 1, False, heard[0].packet_id)

    async def test_sighting(self, broker: Tools) -> None:
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/check", '{"id": "a"}')
            await eventually(lambda: heard.sightings)
        address, sighting = heard.sightings[0]
        assert address == NODE
        assert sighting.name == "a"
        assert sighting.naming is Naming.LOCAL
        assert sighting.facts == {"id": "a"}

    async def test_whatever_a_node_says_shows_that_it_is_there(self, broker: Tools) -> None:
        """A node behind an MQTT-SN bridge is known again after the gateway was restarted."""
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/a/resources", '["led"]')
            await broker.publish("node/b/led", '{"value": "1"}')
            await eventually(lambda: heard.reports)
        assert [address for address, _ in heard.sightings] == ["mqtt:a", "mqtt:b"]

    async def test_nothing_retained_counts(self, broker: Tools) -> None:
        for topic, message in (
            ("node/check", '{"id": "gone"}'),
            ("node/gone/resources", '["led"]'),
            ("node/gone/led", '{"value": "1"}'),
        ):
            await broker.publish(topic, message, "-r")
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/check", '{"id": "a"}')
            await eventually(lambda: heard.sightings)
        assert [address for address, _ in heard.sightings] == [NODE]
        assert heard.reports == []

    async def test_node_that_retains_its_values_is_heard_live(self, broker: Tools) -> None:
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/a/led", '{"value": "1"}', "-r")
            await eventually(lambda: heard.values(NODE) == {"led": "1"})

    @pytest.mark.parametrize("version", Version)
    async def test_retained_flag_alone_is_enough(self, version: Version) -> None:
        """A broker may send what it retained, whatever the subscription asks."""

        async def refuse(peer: Peer) -> None:
            await peer.let_in(packets.connack_refusing_version())

        async def serve(peer: Peer) -> None:
            await peer.let_subscribe()
            for node_id in (b"gone", b"a"):
                check = b'{"id": "%s"}' % node_id
                peer.send(packets.publish("node/check", check, version, retain=node_id == b"gone"))
            while True:
                await peer.receive()

        scripts = [serve] if version is Version.V5 else [refuse, serve]

        async def answer(peer: Peer) -> None:
            await scripts.pop(0)(peer)

        async with scripted(answer) as server, adapter_at(server) as (_, heard):
            await eventually(lambda: heard.sightings)
        assert [address for address, _ in heard.sightings] == [NODE]


class TestValues:
    async def test_any_json_value(self, broker: Tools) -> None:
        values = {"text": "23°C", "number": 4.5, "nothing": None, "list": [1, {}], "truth": True}
        async with adapter_at(broker.server) as (_, heard):
            for name, value in values.items():
                await broker.publish(f"node/a/{name}", json.dumps({"value": value}))
            await eventually(lambda: len(heard.reports) == len(values))
        assert heard.values(NODE) == values

    @pytest.mark.parametrize("qos", ["0", "1", "2"])
    async def test_any_quality_of_service(self, broker: Tools, qos: str) -> None:
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/a/led", '{"value": "1"}', "-q", qos)
            await eventually(lambda: heard.reports)
            await broker.publish("node/check", '{"id": "b"}')
            await eventually(lambda: len(heard.sightings) == 2)
        assert len(heard.reports) == 1, "a message came by two subscriptions"

    async def test_list_is_no_value(self, broker: Tools) -> None:
        async with adapter_at(broker.server) as (_, heard):
            await broker.publish("node/a/resources", '{"value": "1"}')
            await broker.publish("node/a/resources", '["resources"]')
            await eventually(lambda: heard.sightings)
        assert heard.reports == []

    async def test_list_that_comes_unasked_is_answered(self, broker: Tools) -> None:
        async with (
            adapter_at(broker.server) as (_, heard),
            node_at(broker.server, "a", {"led": "1"}) as node,
        ):
            await node.list_resources()
            await eventually(lambda: heard.values(NODE) == {"led": "1"})
            assert node.asked == ["values"]

    async def test_lists_that_come_unasked_are_bounded(
        self, broker: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adapter_module, "MAX_UNASKED", 0)
        async with (
            adapter_at(broker.server) as (_, heard),
            node_at(broker.server, "a", {"led": "1"}) as node,
        ):
            await node.list_resources()
            await eventually(lambda: heard.sightings)
            await node.announce()
            await eventually(lambda: len(heard.sightings) == 2)
            assert node.asked == []


class TestDiscovery:
    async def test_asks_for_the_list_then_for_values(self, broker: Tools) -> None:
        async with (
            adapter_at(broker.server) as (adapter, heard),
            node_at(broker.server, "a", {"led": "1", "os": "riot"}) as node,
        ):
            await adapter.discover(NODE)
            await eventually(lambda: heard.values(NODE) == {"led": "1", "os": "riot"})
            assert node.asked == ["resources", "values"]

    async def test_node_that_does_not_answer(
        self, broker: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adapter_module, "LIST_TIMEOUT", 0.05)
        async with (
            adapter_at(broker.server) as (adapter, _),
            node_at(broker.server, "a", {}) as node,
        ):
            await node.freeze()
            with pytest.raises(CommandFailed, match="does not list"):
                await adapter.discover(NODE)
            assert not adapter._listed

    async def test_two_discoveries_of_one_node(self, broker: Tools) -> None:
        async with (
            adapter_at(broker.server) as (adapter, heard),
            node_at(broker.server, "a", {"led": "1"}),
        ):
            await asyncio.gather(adapter.discover(NODE), adapter.discover(NODE))
            await eventually(lambda: heard.values(NODE) == {"led": "1"})
            assert not adapter._listed


class TestWrites:
    async def test_payload_is_raw(self, broker: Tools) -> None:
        async with (
            adapter_at(broker.server) as (adapter, _),
            broker.subscribe("gateway/a/+/set") as subscriber,
        ):
            assert not (await adapter.write(NODE, "/led", "1")).confirmed
            assert await subscriber.next() == ("gateway/a/led/set", "1")

    @pytest.mark.parametrize("endpoint", ["a/b", "+", "#", "", "resources", "\0"])
    async def test_resource_that_no_node_has(self, broker: Tools, endpoint: str) -> None:
        async with adapter_at(broker.server) as (adapter, _):
            with pytest.raises(CommandFailed, match="No MQTT node has"):
                await adapter.write(NODE, endpoint, "1")

    async def test_value_that_is_too_long(self, broker: Tools) -> None:
        async with adapter_at(broker.server) as (adapter, _):
            with pytest.raises(CommandFailed, match="too long"):
                await adapter.write(NODE, "text", "é" * 32_769)

    async def test_node_that_takes_no_commands(self, broker: Tools) -> None:
        """The broker says so at once; nobody needs to wait for a report that does not come."""
        async with adapter_at(broker.server) as (adapter, _):
            with pytest.raises(CommandFailed, match="not subscribed"):
                await adapter.write(NODE, "led", "1")


class TestBrokerAway:
    async def test_comes_back(self, tmp_path: Path) -> None:
        port = free_port()
        adapter, heard = made(Server("127.0.0.1", port)), Heard()
        async with mosquitto(tmp_path, port=port):
            ready = asyncio.Event()
            task = asyncio.create_task(adapter.run(heard, ready.set))
            await ready.wait()
            ready.clear()
        with pytest.raises(CommandFailed, match=NOT_CONNECTED):
            await adapter.write(NODE, "led", "1")
        with pytest.raises(CommandFailed, match=NOT_CONNECTED):
            await adapter.discover(NODE)
        async with mosquitto(tmp_path, port=port):
            tools = Tools(port)
            async with node_at(tools.server, "a", {"led": "0"}) as node:
                await eventually(lambda: "check" in node.asked)
                await adapter.discover(NODE)
                await eventually(lambda: heard.values(NODE) == {"led": "0"})
                assert not task.done()
        assert not ready.is_set(), "ready is told once"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def test_connection_breaks_during_a_write(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_subscribe()
            while True:
                if (await peer.next_message()).topic == "gateway/a/led/set":
                    return

        async with scripted(script) as server, adapter_at(server) as (adapter, _):
            with pytest.raises(CommandFailed, match=NOT_CONNECTED):
                await adapter.write(NODE, "led", "1")

    async def test_not_running(self) -> None:
        with pytest.raises(CommandFailed, match=NOT_CONNECTED):
            await made(Server("127.0.0.1", 1)).write(NODE, "led", "1")

    async def test_certificates_that_cannot_be_used(self) -> None:
        adapter = made(Server("127.0.0.1", 1, tls=True, ca_file="/nowhere.pem"))
        with pytest.raises(StartFailed, match="nowhere"):
            await adapter.run(Heard(), lambda: None)


class TestStrangers:
    async def test_two_gateways_at_one_broker(self, broker: Tools) -> None:
        one, other = MqttAdapter(broker.server, Random(1)), MqttAdapter(broker.server, Random(2))
        async with running(one) as first, running(other) as second:
            await broker.publish("node/check", '{"id": "a"}')
            await eventually(lambda: first.sightings and second.sightings)

    async def test_one_line_for_each_node(
        self, broker: Tools, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with (
            adapter_at(broker.server) as (_, heard),
            node_at(broker.server, "a", {}) as node,
        ):
            for message in GARBAGE:
                await node.session.publish("node/bad/led", message)
                await node.session.publish("node/bad/resources", message)
                await node.session.publish("node/worse/led", message)
            await node.announce()
            await eventually(lambda: heard.sightings)
        lines = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert len(lines) == 2
        assert all("refused" in line.getMessage() for line in lines)
        assert heard.reports == []

    async def test_garbage_leaves_no_sighting(self, broker: Tools) -> None:
        async with (
            adapter_at(broker.server) as (_, heard),
            node_at(broker.server, "a", {}) as node,
        ):
            for topic in TOPICS:
                for message in GARBAGE:
                    await node.session.publish(topic, message)
            await node.announce()
            await eventually(lambda: NODE in [address for address, _ in heard.sightings])
        # The empty list is a list of resources like others.
        assert {address for address, _ in heard.sightings} == {NODE, "mqtt:x"}
        assert heard.reports == []
