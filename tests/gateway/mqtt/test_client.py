# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from pyaiot.errors import LinkFailed, StartFailed
from pyaiot.gateway.mqtt import client as client_module
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.packets import Publish, Version
from pyaiot.gateway.mqtt.session import Server
from pyaiot.link.backoff import Backoff
from tests.gateway.mqtt.scripted import Peer, scripted
from tests.waiting import eventually


class Hurry(Backoff):
    """Hardly waits, and counts."""

    def __init__(self, delay: float = 0.01) -> None:
        super().__init__(lambda: 1.0)
        self.delay = delay
        self.failures = 0
        self.resets = 0

    def next(self) -> float:
        self.failures += 1
        return self.delay

    def reset(self) -> None:
        self.resets += 1


class Running:
    """A client that runs, and what it has been through."""

    def __init__(self, server: Server, delay: float = 0.01) -> None:
        self.backoff = Hurry(delay)
        self.heard: list[Publish] = []
        self.connections = 0
        self.ended = 0
        self.client = MqttClient(server, "test", ["a/+"], self.heard.append, self.backoff)

    async def meanwhile(self) -> None:
        self.connections += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended += 1


@asynccontextmanager
async def running(server: Server, delay: float = 0.01) -> AsyncIterator[Running]:
    run = Running(server, delay)
    task = asyncio.create_task(run.client.run(run.meanwhile))
    try:
        yield run
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.cancelled()
        assert run.ended == run.connections


Script = Callable[[Peer], Awaitable[None]]


class Broker:
    """Notes the version each client asks for, then does what `scripts` say, one after the other."""

    def __init__(self, *scripts: Script) -> None:
        self.versions: list[Version] = []
        self._scripts = list(scripts)

    async def __call__(self, peer: Peer) -> None:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        try:
            await script(peer)
        finally:
            self.versions.append(peer.version)


async def serve(peer: Peer) -> None:
    assert await peer.let_subscribe() == ["a/+"]
    while True:
        await peer.receive()


async def serve_briefly(peer: Peer) -> None:
    await peer.let_subscribe()


async def refuse_version(peer: Peer) -> None:
    await peer.let_in(b"\x20\x02\x00\x01")


async def refuse_password(peer: Peer) -> None:
    await peer.let_in(b"\x20\x02\x00\x05")


async def hang_up(peer: Peer) -> None:
    await peer.connect()


async def test_subscribes_and_tells() -> None:
    async with scripted(serve) as server, running(server) as run:
        await eventually(lambda: run.connections == 1)


async def test_publishes() -> None:
    async def take(peer: Peer) -> None:
        await peer.let_subscribe()
        peer.send(packets.puback((await peer.next_message()).packet_id))
        await peer.receive()

    async with scripted(take) as server, running(server) as run:
        await eventually(lambda: run.connections == 1)
        assert await run.client.publish("t", b"x")


async def test_connects_again_and_renews_its_subscriptions() -> None:
    broker = Broker(serve_briefly, serve_briefly, serve)
    async with scripted(broker) as server, running(server) as run:
        await eventually(lambda: run.connections == 3)
        assert run.ended == 2
    assert broker.versions == [Version.V5] * 3


class TestVersions:
    async def test_falls_back_at_once(self) -> None:
        broker = Broker(refuse_version, serve)
        async with scripted(broker) as server, running(server, delay=3600) as run:
            await eventually(lambda: run.connections == 1)
        assert broker.versions == [Version.V5, Version.V3_1_1]

    async def test_falls_back_where_the_broker_hangs_up(self) -> None:
        broker = Broker(hang_up, serve)
        async with scripted(broker) as server, running(server) as run:
            await eventually(lambda: run.connections == 1)
        assert broker.versions == [Version.V5, Version.V3_1_1]

    async def test_remembers_what_worked(self) -> None:
        broker = Broker(refuse_version, serve_briefly, hang_up, serve)
        async with scripted(broker) as server, running(server) as run:
            await eventually(lambda: run.connections == 2)
        assert broker.versions == [Version.V5, *[Version.V3_1_1] * 3]

    async def test_broker_was_replaced(self) -> None:
        broker = Broker(serve_briefly, refuse_version, serve_briefly, refuse_version, serve)
        async with scripted(broker) as server, running(server) as run:
            await eventually(lambda: run.connections == 3)
        assert broker.versions == [
            Version.V5, Version.V5, Version.V3_1_1, Version.V3_1_1, Version.V5,
        ]  # fmt: skip

    async def test_tries_both_while_neither_has_worked(self) -> None:
        broker = Broker(hang_up, hang_up, hang_up, serve)
        async with scripted(broker) as server, running(server) as run:
            await eventually(lambda: run.connections == 1)
        assert broker.versions == [Version.V5, Version.V3_1_1] * 2


class TestFailures:
    async def test_same_reason_is_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        broker = Broker(*[refuse_password] * 5, serve)
        async with scripted(broker) as server, running(server) as run:
            await eventually(lambda: run.connections == 1)
        warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert warnings[0].getMessage().endswith("refused: not authorized")
        assert str(server) in warnings[0].getMessage()

    async def test_password_is_not_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with scripted(Broker(refuse_password, serve)) as server:
            secret = Server(server.host, server.port, user="me", password="hidden")
            async with running(secret) as run:
                await eventually(lambda: run.connections == 1)
        assert "hidden" not in caplog.text

    async def test_refused_subscription_is_tried_again(self) -> None:
        async def refuse(peer: Peer) -> None:
            await peer.let_subscribe(0x87)
            await peer.receive()

        async with scripted(Broker(refuse, serve)) as server, running(server) as run:
            await eventually(lambda: run.connections == 1)

    async def test_nobody_there(self, caplog: pytest.LogCaptureFixture) -> None:
        async with running(Server("127.0.0.1", 1)) as run:
            await eventually(lambda: run.backoff.failures > 3)
            with pytest.raises(LinkFailed, match="not connected"):
                await run.client.publish("t", b"x")
        assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1

    async def test_bad_certificates_end_it(self) -> None:
        run = Running(Server("127.0.0.1", 1, tls=True, ca_file="/nowhere"))
        with pytest.raises(StartFailed):
            await run.client.run(run.meanwhile)


async def test_long_connection_forgives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lasted counts as success; a broker that throws one out at once does not."""
    gate = asyncio.Event()

    async def serve_until(peer: Peer) -> None:
        await peer.let_subscribe()
        await gate.wait()

    broker = Broker(serve_briefly, serve_briefly, serve_until, serve)
    async with scripted(broker) as server, running(server) as run:
        await eventually(lambda: run.connections == 3)
        assert (run.backoff.failures, run.backoff.resets) == (2, 0)
        monkeypatch.setattr(client_module, "LASTING", 0)
        gate.set()
        await eventually(lambda: run.connections == 4)
        assert (run.backoff.failures, run.backoff.resets) == (3, 1)
