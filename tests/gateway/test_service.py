# SPDX-License-Identifier: BSD-3-Clause
"""Gateways as services: from settings to nodes and a broker."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from pyaiot.errors import KeyFileInvalid, SettingsInvalid, StartFailed
from pyaiot.gateway.service import adapter_of, serve
from pyaiot.link.keyfile import write_keys
from pyaiot.settings import (
    CoapGatewaySettings,
    GatewaySettings,
    MqttGatewaySettings,
    WebsocketGatewaySettings,
)
from tests.certificates import Certificates
from tests.link.scripted import ScriptedBroker, new_ring, scripted_broker
from tests.waiting import eventually


@pytest.fixture
def broker(tmp_path: Path) -> ScriptedBroker:
    broker = ScriptedBroker(new_ring())
    write_keys(tmp_path / "keys", broker.ring)
    return broker


@asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[str]:
    """Run the service; gives what it said when it was ready."""
    said: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(serve(settings, said.put_nowait))
    waiting = asyncio.create_task(said.get())
    try:
        await asyncio.wait({task, waiting}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield waiting.result()
        assert said.empty()
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done()


def websocket(tmp_path: Path, broker: ScriptedBroker, **more: Any) -> WebsocketGatewaySettings:
    members: dict[str, Any] = {
        "broker_host": "127.0.0.1",
        "broker_port": broker.port,
        "gateway_host": "127.0.0.1",
        "gateway_port": 0,
        "key_file": str(tmp_path / "keys"),
    }
    return WebsocketGatewaySettings(**members | more)


class TestServe:
    async def test_from_a_node_to_the_broker(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        async with (
            scripted_broker(broker),
            serving(websocket(tmp_path, broker, name="attic")) as said,
        ):
            where = said.removeprefix("listening on ")
            assert where.startswith("ws://127.0.0.1:")
            async with connect(where) as node:
                await node.send('{"type": "update", "data": {"led": "0"}}')
                await eventually(lambda: any(m.get("endpoint") == "led" for m in broker.messages))
        assert broker.requests[0].headers["Pyaiot-Name"] == "attic/WebSocket"

    async def test_it_starts_without_a_broker(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        async with serving(websocket(tmp_path, broker, broker_host="broker.invalid")):
            pass

    @pytest.mark.usefixtures("broker")
    async def test_coap(self, tmp_path: Path) -> None:
        settings = CoapGatewaySettings(
            coap_host="127.0.0.1", coap_port=0, key_file=str(tmp_path / "keys"), broker_port=9
        )
        async with serving(settings) as said:
            assert said.startswith("listening on coap://127.0.0.1:")
            assert not said.endswith(":0")

    @pytest.mark.usefixtures("broker")
    async def test_mqtt(self, tmp_path: Path) -> None:
        settings = MqttGatewaySettings(
            mqtt_host="embedded:127.0.0.1",
            mqtt_port=0,
            key_file=str(tmp_path / "keys"),
            broker_port=9,
        )
        async with serving(settings) as said:
            assert re.fullmatch(r"listening on mqtt://127\.0\.0\.1:[1-9]\d+", said)

    async def test_tls(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        made = Certificates.make(tmp_path / "tls")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(made.certificate, made.key)
        async with scripted_broker(broker, tls=server):
            settings = websocket(tmp_path, broker, broker_ssl=True, broker_ca=str(made.authority))
            async with serving(settings):
                await broker.connected()

    async def test_unsigned(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        broker.signs, broker.grants = False, ()
        async with (
            scripted_broker(broker),
            serving(websocket(tmp_path, broker, accept_unsigned=True)),
        ):
            await broker.connected()


class TestCannotStart:
    async def start(self, settings: GatewaySettings) -> None:
        async with asyncio.timeout(10):
            await serve(settings, lambda _: None)

    async def test_no_keys(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        settings = websocket(tmp_path, broker, key_file=str(tmp_path / "nowhere"))
        with pytest.raises(KeyFileInvalid):
            await self.start(settings)

    async def test_no_address(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        with pytest.raises(SettingsInvalid, match="not the address"):
            await self.start(websocket(tmp_path, broker, broker_host="a/b"))

    @pytest.mark.parametrize("name", ["nowhere.pem", "keys"])
    async def test_no_certificates(self, tmp_path: Path, broker: ScriptedBroker, name: str) -> None:
        settings = websocket(tmp_path, broker, broker_ssl=True, broker_ca=str(tmp_path / name))
        with pytest.raises(SettingsInvalid, match="broker_ca"):
            await self.start(settings)

    async def test_port_taken(self, tmp_path: Path, broker: ScriptedBroker) -> None:
        async with scripted_broker(broker):
            settings = websocket(tmp_path, broker, gateway_port=broker.port)
            with pytest.raises(StartFailed):
                await self.start(settings)

    def test_no_such_protocol(self) -> None:
        @dataclass(frozen=True, kw_only=True)
        class SemaphoreSettings(GatewaySettings):
            pass

        with pytest.raises(StartFailed, match="SemaphoreSettings"):
            adapter_of(SemaphoreSettings())

    def test_settings_of_a_kind_of_gateway(self) -> None:
        @dataclass(frozen=True, kw_only=True)
        class LoudSettings(WebsocketGatewaySettings):
            pass

        adapter, where = adapter_of(LoudSettings(gateway_host="::1", gateway_port=8001))
        assert adapter.protocol == "WebSocket"
        assert where() == "ws://[::1]:8001/node"


def test_as_many_nodes_as_the_system_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def room_for(connections: int) -> int:
        asked.append(connections)
        return 7

    monkeypatch.setattr("pyaiot.gateway.service.room_for", room_for)
    adapter, _ = adapter_of(WebsocketGatewaySettings(gateway_port=0, max_nodes=3000))
    assert asked == [3000]
    assert adapter._max_nodes == 7  # type: ignore[attr-defined]
