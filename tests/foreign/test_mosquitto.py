# SPDX-License-Identifier: BSD-3-Clause
"""Mosquitto as the broker, and its command-line clients as a node."""

import asyncio
import json
import logging
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pyaiot.gateway.adapter import Address, Naming
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.registrar import Policy
from pyaiot.link.backoff import Backoff
from pyaiot.messages.types import Device
from tests.certificates import Certificates
from tests.contracts.adapter import Heard, running
from tests.gateway.guarded import LAMP, guarded, token
from tests.mosquitto import Tools, free_port, mosquitto
from tests.programs import require
from tests.waiting import eventually

NODE = Address("mqtt:shell")
VALUES = {"name": "Shell script", "led": "0", "temperature": "21.5°C"}


def adapter_at(server: Server) -> MqttAdapter:
    return MqttAdapter(server, Random(1), backoff=Backoff(lambda: 1.0, base=0.02, cap=0.05))


@asynccontextmanager
async def shell_node(tools: Tools) -> AsyncIterator[list[tuple[str, str]]]:
    """A node made of `mosquitto_sub` and `mosquitto_pub`; gives what it was set to."""
    written: list[tuple[str, str]] = []

    async def say(name: str, value: str) -> None:
        await tools.publish(f"node/shell/{name}", json.dumps({"value": value}, ensure_ascii=False))

    async with (
        tools.subscribe("gateway/shell/discover", "gateway/shell/+/set") as subscriber,
        asyncio.TaskGroup() as tasks,
    ):

        async def live() -> None:
            while True:
                topic, message = await subscriber.next()
                if message == "resources":
                    await tools.publish("node/shell/resources", json.dumps(list(VALUES)))
                elif message == "values":
                    for name, value in VALUES.items():
                        await say(name, value)
                else:
                    name = topic.split("/")[2]
                    written.append((name, message))
                    await say(name, message)

        life = tasks.create_task(live())
        yield written
        life.cancel()


async def walk_through(tools: Tools, adapter: MqttAdapter, heard: Heard) -> None:
    """A node comes up, is discovered, reports, and takes a command."""
    async with shell_node(tools) as written:
        await tools.publish("node/check", '{"id": "shell"}')
        await eventually(lambda: heard.sightings)
        address, sighting = heard.sightings[0]
        assert (address, sighting.name, sighting.naming) == (NODE, "shell", Naming.LOCAL)
        await adapter.discover(NODE)
        await eventually(lambda: heard.values(NODE) == VALUES)
        await tools.publish("node/shell/temperature", '{"value": "22.0°C"}')
        await eventually(lambda: heard.values(NODE)["temperature"] == "22.0°C")
        assert not (await adapter.write(NODE, "led", "1")).confirmed
        await eventually(lambda: heard.values(NODE)["led"] == "1")
        assert written == [("led", "1")]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
async def test_node_made_of_command_lines(tmp_path: Path, version: str) -> None:
    async with mosquitto(tmp_path) as port:
        adapter = adapter_at(Server("127.0.0.1", port))
        async with running(adapter) as heard:
            await walk_through(Tools(port, ("-V", version)), adapter, heard)


class TestEmbeddedBroker:
    """The same clients at the broker within the gateway."""

    async def test_node_made_of_command_lines(self) -> None:
        adapter = adapter_at(Server("embedded", 0))
        async with running(adapter) as heard:
            tools = Tools(adapter.server.port, ("-V", "mqttv311"))
            await walk_through(tools, adapter, heard)

    async def test_with_user_and_password(self) -> None:
        adapter = adapter_at(Server("embedded", 0, user="me", password="se cret"))
        async with running(adapter) as heard:
            options = ("-V", "mqttv311", "-u", "me", "-P", "se cret")
            await walk_through(Tools(adapter.server.port, options), adapter, heard)

    async def test_with_a_token(self) -> None:
        adapter = adapter_at(Server("embedded", 0))
        async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
            options = ("-V", "mqttv311", "-u", "node", "-P", token())
            tools = Tools(adapter.server.port, options)
            await tools.publish("node/shed/temperature", '{"value": "4.5°C"}')
            await gateway.told("lamp", "temperature", "4.5°C")
            with pytest.raises(AssertionError):
                await Tools(adapter.server.port).publish("node/shed/temperature", "{}")
            gateway.change(Device("lamp", (), bound=True))
            with pytest.raises(AssertionError):
                await tools.publish("node/shed/temperature", '{"value": "0°C"}')
            assert not gateway.said("0°C")


class Secured:
    """A Mosquitto that speaks TLS only, and lets in only who knows the password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.files = Certificates.make(folder / "right")
        self.passwords = folder / "passwords"
        subprocess.run(
            [
                require("mosquitto_passwd", "mosquitto"),
                *("-b", "-c", str(self.passwords), "gateway", "open sesame"),
            ],
            check=True,
            capture_output=True,
        )

    def running(self, *settings: str) -> AbstractAsyncContextManager[int]:
        return mosquitto(
            self.folder,
            *(settings or ("allow_anonymous false", f"password_file {self.passwords}")),
            port=self.port,
            listener=(f"certfile {self.files.certificate}", f"keyfile {self.files.key}"),
        )

    @property
    def server(self) -> Server:
        return Server(
            "127.0.0.1",
            self.port,
            tls=True,
            ca_file=str(self.files.authority),
            user="gateway",
            password="open sesame",
        )

    @property
    def tools(self) -> Tools:
        options = ("--cafile", str(self.files.authority), "-u", "gateway", "-P", "open sesame")
        return Tools(self.port, options)


class Counting(Backoff):
    attempts = 0

    def next(self) -> float:
        self.attempts += 1
        return 0.02


class TestSecured:
    @pytest.fixture
    def secured(self, tmp_path: Path) -> Secured:
        return Secured(tmp_path)

    async def test_tls_and_password(self, secured: Secured) -> None:
        async with secured.running():
            adapter = adapter_at(secured.server)
            async with running(adapter) as heard:
                await walk_through(secured.tools, adapter, heard)

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"password": "wrong"}, "not authorized"),
            ({"user": None, "password": None}, "not authorized"),
            ({"ca_file": None}, "its certificate cannot be trusted"),
            ({"ca_file": "other"}, "its certificate cannot be trusted"),
            ({"host": "localhost"}, "Hostname mismatch"),
            ({"tls": False, "ca_file": None}, "connection"),
        ],
    )
    async def test_refusals_are_told_once_and_tried_again(
        self,
        secured: Secured,
        changed: dict[str, Any],
        reason: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        if changed.get("ca_file") == "other":
            changed = {"ca_file": str(Certificates.make(secured.folder / "other").authority)}
        server = replace(secured.server, **changed)
        backoff = Counting(lambda: 1.0)
        async with secured.running():
            ready = asyncio.Event()
            adapter = MqttAdapter(server, Random(1), backoff=backoff)
            task = asyncio.create_task(adapter.run(Heard(), ready.set))
            await eventually(lambda: backoff.attempts >= 3)
            assert not task.done()
            task.cancel()
            await asyncio.wait({task})
        assert not ready.is_set()
        lines = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert len(lines) == 1
        assert reason in lines[0].getMessage()
        assert not [each for each in caplog.records if each.exc_info]
        assert "sesame" not in caplog.text

    async def test_password_that_is_right_later(self, secured: Secured) -> None:
        heard, ready = Heard(), asyncio.Event()
        adapter = adapter_at(secured.server)
        task = asyncio.create_task(adapter.run(heard, ready.set))
        empty = secured.folder / "empty"
        empty.touch()
        async with secured.running("allow_anonymous false", f"password_file {empty}"):
            await eventually(lambda: adapter._client and adapter._client._complaint)
            assert not ready.is_set()
        async with secured.running():
            async with asyncio.timeout(10):
                await ready.wait()
            await walk_through(secured.tools, adapter, heard)
            task.cancel()
            await asyncio.wait({task})
