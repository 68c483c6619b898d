# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import json
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from pyaiot.errors import CommandFailed, InvalidValue
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.packets import Publish
from pyaiot.gateway.mqtt.session import Server
from pyaiot.link.backoff import Backoff
from pyaiot.simulate import mqtt as simulate
from pyaiot.simulate.mqtt import MqttNode
from pyaiot.simulate.things import Thing
from tests.contracts.adapter import running
from tests.mosquitto import Tools, free_port, mosquitto, process
from tests.waiting import eventually

COMMAND = Path(__file__).parents[2] / "utils" / "mqtt" / "mqtt-test-node.py"
NODE = Address("mqtt:a")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Tools]:
    async with mosquitto(tmp_path) as port:
        yield Tools(port)


@asynccontextmanager
async def living(
    server: Server, *resources: str, period: float | None = None
) -> AsyncIterator[Thing]:
    thing = Thing(("name", "led", *resources), Random(1), period=period)
    backoff = Backoff(lambda: 1.0, base=0.01, cap=0.02)
    task = asyncio.create_task(MqttNode(thing, "a", server, Random(1), backoff=backoff).run())
    try:
        yield thing
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("node_id", ["", "#", "a/b", "a\0"])
def test_id_that_no_node_can_have(node_id: str) -> None:
    with pytest.raises(InvalidValue):
        MqttNode(Thing((), Random(1)), node_id, Server("a", 1), Random(1))


class TestOnTheWire:
    """What `mosquitto_sub` hears of it."""

    async def test_announces_itself(self, broker: Tools) -> None:
        async with broker.subscribe("node/#") as subscriber, living(broker.server):
            assert await subscriber.next() == ("node/check", '{"id":"a"}')
            await broker.publish("gateway/check", "")
            assert await subscriber.next() == ("node/check", '{"id":"a"}')

    async def test_is_discovered(self, broker: Tools) -> None:
        async with broker.subscribe("node/#") as subscriber, living(broker.server):
            await subscriber.wait_for(("node/check", '{"id":"a"}'))
            await broker.publish("gateway/a/discover", "resources")
            assert await subscriber.next() == ("node/a/resources", '["name","led"]')
            await broker.publish("gateway/a/discover", "nonsense")
            await broker.publish("gateway/a/discover", "values")
            assert await subscriber.next() == ("node/a/name", '{"value":"Test node"}')
            assert await subscriber.next() == ("node/a/led", '{"value":"0"}')

    async def test_is_set(self, broker: Tools) -> None:
        async with broker.subscribe("node/#") as subscriber, living(broker.server) as thing:
            await subscriber.wait_for(("node/check", '{"id":"a"}'))
            await broker.publish("gateway/a/led/set", "1")
            assert await subscriber.next() == ("node/a/led", '{"value":"1"}')
            assert thing.values["led"] == "1"

    @pytest.mark.parametrize(
        ("resource", "payload"),
        [("led", b"2"), ("led", b"\xff"), ("led", b""), ("led", b"x" * 1000), ("name", b"Me"),
         ("nothing", b"1")],
    )  # fmt: skip
    async def test_says_what_is_when_it_refuses(
        self, broker: Tools, resource: str, payload: bytes
    ) -> None:
        async with broker.subscribe("node/#") as subscriber, living(broker.server) as thing:
            await subscriber.wait_for(("node/check", '{"id":"a"}'))
            await broker.publish(f"gateway/a/{resource}/set", payload)
            await broker.publish("gateway/check", "")
            if resource in thing.values:
                still = f'{{"value":"{thing.values[resource]}"}}'
                assert await subscriber.next() == (f"node/a/{resource}", still)
            assert await subscriber.next() == ("node/check", '{"id":"a"}')
            assert thing.values == {"name": "Test node", "led": "0"}

    async def test_reports_of_its_own_accord(self, broker: Tools) -> None:
        async with (
            broker.subscribe("node/a/+") as subscriber,
            living(broker.server, "temperature", "version", period=0.02),
        ):
            async with asyncio.timeout(10):
                topics = {(await subscriber.next())[0] for _ in range(6)}
        assert topics == {"node/a/temperature", "node/a/version"}


class TestWithGateway:
    async def test_is_discovered_and_set(self, broker: Tools) -> None:
        adapter = MqttAdapter(broker.server, Random(2))
        async with running(adapter) as heard, living(broker.server):
            await eventually(lambda: heard.sightings)
            await adapter.discover(NODE)
            await eventually(lambda: heard.values(NODE) == {"name": "Test node", "led": "0"})
            await adapter.write(NODE, "led", "1")
            await eventually(lambda: heard.values(NODE)["led"] == "1")

    async def test_comes_back_with_the_broker(self, tmp_path: Path) -> None:
        port = free_port()
        async with living(Server("127.0.0.1", port), "temperature", period=0.02):
            for _ in range(2):
                async with mosquitto(tmp_path, port=port):
                    tools = Tools(port)
                    async with tools.subscribe("node/check", "node/a/temperature") as subscriber:
                        await tools.publish("gateway/check", "")
                        await subscriber.wait_for(("node/check", '{"id":"a"}'))
                        while (await subscriber.next())[0] != "node/a/temperature":
                            pass

    async def test_message_that_the_broker_refuses(
        self, broker: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original, refused = MqttClient.publish, list[str]()

        async def refuse(client: MqttClient, topic: str, payload: bytes) -> bool:
            if not refused:
                refused.append(topic)
                raise CommandFailed("No.")
            return await original(client, topic, payload)

        monkeypatch.setattr(MqttClient, "publish", refuse)
        async with broker.subscribe("node/#") as subscriber, living(broker.server):
            await eventually(lambda: refused)
            await broker.publish("gateway/check", "")
            await subscriber.wait_for(("node/check", '{"id":"a"}'))


async def test_bounds_what_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(simulate, "MAX_WAITING", 2)
    caplog.set_level(logging.DEBUG)
    node = MqttNode(Thing(("led",), Random(1)), "a", Server("a", 1), Random(1))
    for _ in range(3):
        node._take(Publish("gateway/a/discover", b"values"))
    node._take(Publish("gateway/a/led/set", None))
    assert node._waiting.qsize() == 2
    assert caplog.text.count("too many messages wait") == 1


class TestCommand:
    """`utils/mqtt/mqtt-test-node.py`."""

    async def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(COMMAND), *options],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    async def listed(self, broker: Tools, *options: str) -> list[str]:
        """The resources of a node that is started with `options`."""
        where = ("--mqtt-host=127.0.0.1", f"--mqtt-port={broker.port}", "--uid=a")
        async with (
            broker.subscribe("node/#") as subscriber,
            process(sys.executable, str(COMMAND), *where, *options) as node,
        ):
            await subscriber.wait_for(("node/check", '{"id":"a"}'))
            await broker.publish("gateway/a/discover", "resources")
            while (heard := await subscriber.next())[0] != "node/a/resources":
                pass
            node.send_signal(signal.SIGTERM)
            assert await node.wait() == 0
        names: list[str] = json.loads(heard[1])
        return names

    async def test_help(self) -> None:
        done = await self.run("--help")
        assert done.returncode == 0
        assert done.stderr == ""
        for option in ("--mqtt-host", "--mqtt-port", "--uid", "--period", "--led", "--imu", "--js"):
            assert option in done.stdout

    async def test_resources_where_none_are_asked_for(self, broker: Tools) -> None:
        assert await self.listed(broker) == [
            "name", "os", "ip", "board", "led", "temperature", "pressure",
        ]  # fmt: skip

    async def test_resources_that_are_asked_for(self, broker: Tools) -> None:
        names = await self.listed(broker, "--imu", "--robot", "--version", "--period", "0.5")
        assert names == ["name", "os", "ip", "board", "imu", "robot", "version"]

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (("--uid", "a/b"), "node id"),
            (("--period", "0"), "--period"),
            (("--mqtt-ssl", "--mqtt-ca", "/nowhere"), "/nowhere"),
            (("--nonsense",), "--nonsense"),
        ],
    )
    async def test_what_cannot_be(self, options: tuple[str, ...], reason: str) -> None:
        done = await self.run(*options)
        assert done.returncode == 2
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
