# SPDX-License-Identifier: BSD-3-Clause
"""What broke the original's MQTT gateway, and topics and payloads that nobody thought of.

Through real brokers. Afterwards a node still comes up, is discovered and takes a command, and no
log holds a traceback.
"""

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from pyaiot.errors import CommandFailed
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.complaints import MAX_A_MINUTE
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.packets import Version
from pyaiot.gateway.mqtt.payload import MAX_PAYLOAD
from pyaiot.gateway.mqtt.session import Server, connected
from tests.contracts.adapter import Heard, running
from tests.gateway.mqtt.bench import GARBAGE, TOPICS, node_at
from tests.mosquitto import free_port, mosquitto
from tests.waiting import eventually


@dataclass
class Stage:
    adapter: MqttAdapter
    heard: Heard
    server: Server

    async def assert_works(self, name: str = "survivor") -> None:
        """A node comes up, is discovered, and takes a command."""
        address = Address(f"mqtt:{name}")
        resources = {"led": "0", "temperature": "21°C"}
        async with node_at(self.server, name, resources) as node:
            await node.announce()
            await eventually(lambda: address in [where for where, _ in self.heard.sightings])
            await self.adapter.discover(address)
            await eventually(lambda: self.heard.values(address) == resources)
            await self.adapter.write(address, "led", "1")
            await eventually(lambda: self.heard.values(address)["led"] == "1")
            assert node.written == [("led", "1")]


@pytest.fixture(params=["mosquitto", "embedded"])
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Stage]:
    async with broker(request.param, tmp_path) as host_and_port:
        adapter = MqttAdapter(Server(*host_and_port), Random(1))
        async with running(adapter) as heard:
            stage = Stage(adapter, heard, Server("127.0.0.1", host_and_port[1]))
            await stage.assert_works("before")
            yield stage
            await stage.assert_works()
    gc.collect()
    assert not [record for record in caplog.records if record.exc_info]
    complaints = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(complaints) <= MAX_A_MINUTE


@asynccontextmanager
async def broker(kind: str, folder: Path) -> AsyncIterator[tuple[str, int]]:
    if kind == "embedded":
        yield "embedded", free_port()
        return
    async with mosquitto(folder) as port:
        yield "127.0.0.1", port


@pytest.mark.parametrize("node_id", ["#", "+", "a/b", "a/+/#", "", "\0", "x" * 60_000, "\ud7ff\n"])
async def test_id_that_would_be_a_filter(stage: Stage, node_id: str) -> None:
    """For the id ``#`` brokers threw the original out, for good."""
    async with node_at(stage.server, "hostile", {}) as node:
        with suppress(Exception):
            message = json.dumps({"id": node_id}).encode()
            await node.session.publish("node/check", message)
    assert {where for where, _ in stage.heard.sightings} == {"mqtt:before"}


async def test_same_client_id_twice(stage: Stage) -> None:
    """The original's was always ``client-id``, so two gateways kept throwing each other out."""
    second = MqttAdapter(stage.server, Random(2))
    async with running(second) as heard:
        for name in ("one", "two"):
            await stage.assert_works(name)
        await eventually(lambda: {where for where, _ in heard.sightings} >= {"mqtt:two"})


async def test_values_of_unknown_nodes_in_any_shape(stage: Stage) -> None:
    """These raised KeyError and TypeError in the original's callbacks."""
    async with node_at(stage.server, "hostile", {}) as node:
        for topic in TOPICS:
            for message in GARBAGE:
                with suppress(Exception):
                    await node.session.publish(topic, message)
    assert {said.address for said in stage.heard.reports} == {"mqtt:before"}


def fuzzed(random: Random, number: int) -> Iterator[tuple[str, bytes]]:
    """Topics that a broker passes on, and payloads."""
    letters = "abc/ $%&\"'\\{}[]<>:;,.\u00e9\u6f22\U0001f600\u200b\u202e\ufeff\ufffd\u2028\u00a0"

    def text(longest: int) -> str:
        return "".join(random.choices(letters, k=random.randint(1, longest)))

    def level() -> str:
        return random.choice(["check", "resources", "led", "", " ", "before", text(6), text(200)])

    def payload() -> bytes:
        message = json.dumps(
            random.choice(
                [
                    {"id": text(9)}, {"value": text(9)}, [text(9)], {"value": {text(9): [text(9)]}},
                    {"id": {"id": text(3)}}, {"value": 10 ** random.randint(0, 400)}, text(9), None,
                ]
            ),
            ensure_ascii=random.random() < 0.5,
        ).encode()  # fmt: skip
        if random.random() < 0.5:
            at = random.randrange(len(message))
            return message[:at] + random.randbytes(random.randint(0, 5)) + message[at + 1 :]
        return message

    for _ in range(number):
        yield (
            "/".join(["node", *(level() for _ in range(random.choice([1, 2, 2, 2, 3])))]),
            payload(),
        )


@pytest.mark.parametrize("seed", range(3))
async def test_fuzzed_messages(stage: Stage, seed: int) -> None:
    async with connected(stage.server, None, "hostile", Version.V3_1_1, lambda _: None) as session:
        for topic, message in fuzzed(Random(seed), 400):
            session._transport.write(packets.publish(topic, message, Version.V3_1_1))
        await session.publish("end", b"")
    for where, sighting in stage.heard.sightings:
        assert where == f"mqtt:{sighting.name}"
        assert where.isprintable()
        assert not set(sighting.name) & set("/+#\0")
    for said in stage.heard.reports:
        assert said.endpoint != "resources"
        assert not set(said.endpoint) & set("/+#\0")


@pytest.mark.parametrize("seed", range(3))
async def test_fuzzed_packets(stage: Stage, seed: int) -> None:
    """The broker deals with these; the gateway must not notice."""
    random = Random(seed)
    greeting = packets.connect("hostile", Version.V3_1_1, keep_alive=60)
    message = packets.publish("node/check", b'{"id": "x"}', Version.V3_1_1, packet_id=1)
    for _ in range(30):
        packet = bytearray(greeting + message)
        for _ in range(random.randint(1, 4)):
            packet[random.randrange(len(packet))] = random.randrange(256)
        _, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
        with suppress(OSError):
            writer.write(packet)
            writer.write_eof()
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_flood(stage: Stage) -> None:
    """More nodes than one can name, and more than anybody wants to read of them."""
    async with connected(stage.server, None, "hostile", Version.V3_1_1, lambda _: None) as session:
        for number in range(700):
            topic = f"node/flood-{number}/resources"
            session._transport.write(packets.publish(topic, b'["led"]', Version.V3_1_1))
            topic = f"node/flood-{number}/led"
            session._transport.write(packets.publish(topic, b"?", Version.V3_1_1))
        await session.publish("end", b"")


@pytest.mark.parametrize("payload", ["\u00e9", "\0", "\U0001f600", "", "x" * 60_000, '{"a": [1]}'])
async def test_any_payload_reaches_the_node(stage: Stage, payload: str) -> None:
    """Payloads beyond ASCII ended the original's connection to its broker."""
    async with node_at(stage.server, "target", {}) as node:
        await stage.adapter.write(Address("mqtt:target"), "text", payload)
        await eventually(lambda: node.written == [("text", payload)])


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("mqtt:target", "+"), ("mqtt:target", "#"), ("mqtt:target", "a/b"), ("mqtt:target", ""),
        ("mqtt:target", "\0"), ("mqtt:target", "x" * 60_000), ("mqtt:target", "resources"),
        ("", "led"), ("coap:target", "led"), ("mqtt:#", "led"), ("mqtt:a/+", "led"),
        ("mqtt:", "led"),
    ],
)  # fmt: skip
async def test_writes_to_nowhere(stage: Stage, address: str, endpoint: str) -> None:
    async with node_at(stage.server, "target", {}) as node:
        with pytest.raises(CommandFailed):
            await stage.adapter.write(Address(address), endpoint, "1")
        assert node.written == []


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
async def test_payload_of_any_length(
    stage: Stage, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long one is refused before a broker ends the connection for it."""
    async with node_at(stage.server, "n" * 128, {}) as node:
        address = Address("mqtt:" + "n" * 128)
        longest = letter * (MAX_PAYLOAD // len(letter.encode()))
        monkeypatch.setattr(node, "post", _nothing)  # its report would be too long
        await stage.adapter.write(address, "r" * 128, longest)
        await eventually(lambda: node.written == [("r" * 128, longest)])
        with pytest.raises(CommandFailed, match="too long"):
            await stage.adapter.write(address, "r" * 128, longest + letter)


async def _nothing(_endpoint: str, _value: str) -> None:
    pass
