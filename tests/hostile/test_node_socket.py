# SPDX-License-Identifier: BSD-3-Clause
"""What strangers may do to the websocket gateway, while a node is seen and controlled by it."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, link_url
from pyaiot.link.subscriber import Subscriber, Subscription, client_url
from pyaiot.messages.codec import to_gateway
from pyaiot.messages.types import ForGateway, Status, Target
from pyaiot.model.moment import Moment
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.broker.running import RunningBroker, running_broker
from tests.gateway.websocket.bench import GARBAGE, USELESS, url_of
from tests.waiting import eventually

SEED = 20260101

VALID = (
    '{"type":"update","data":{"led":"1","temperature":"23°C"}}',
    '{"type":"new","id":"somebody"}',
    '{"type":"update","data":{"imu":[{"type":"acc","values":[1,2,3]}]}}',
)

RAW = (
    b"\x81\x05hello",  # not masked
    b"\x83\x80\0\0\0\0",  # a kind of frame that there is not
    b"\xc1\x80\0\0\0\0",  # a reserved bit
    b"\x09\x80\0\0\0\0",  # a control frame in parts
    b"\x89\xfe\x01\x00\0\0\0\0" + bytes(256),  # a ping that is too long
    b"\x80\x80\0\0\0\0",  # a continuation of nothing
    b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # 2 ** 63 bytes
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # more than there can be
    b"\x88\x81\0\0\0\0x",  # half a close code
    b"\x88\x82\0\0\0\0\x03\xe7",  # a close code that is not allowed
    b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 500,  # parts without end
    b"\x81\x82\0\0\0\0\xff\xfe",  # not UTF-8
    b"\x89\x80\0\0\0\0" * 500,  # pings
    b"\x8a\x84\0\0\0\0pong",  # a pong that nobody asked for
)
"""Frames that break the protocol beneath (RFC 6455 section 5), one after the handshake."""


@dataclass
class Suite:
    broker: RunningBroker
    adapter: WebsocketAdapter
    subscription: Subscription

    async def led(self, value: str) -> None:
        """Set the good node's LED, and see that it is set."""
        uid = self.subscription.mirror.find("Good")
        result = await self.subscription.set(Target(uid, "led", value), 5)
        assert (result.status, result.reason) == (Status.APPLIED, "")
        while self.subscription.mirror.nodes[uid].readings["led"].value != value:
            await self.subscription.changes()


@asynccontextmanager
async def suite() -> AsyncIterator[Suite]:
    """A broker, a websocket gateway, a node called ``Good``, and a client."""
    adapter = WebsocketAdapter("127.0.0.1", 0, grace=0.2)
    thing = Thing(("name", "led", "temperature"), random.Random(SEED), period=0.05, name="Good")
    # The client asks as often as it is answered, which is more than one may in the long run.
    async with running_broker(client_rate=1e6) as broker, asyncio.TaskGroup() as tasks:
        link: Link[ForGateway] = Link(
            link_url("127.0.0.1", broker.port, tls=False),
            broker.ring,
            Backoff(random.random, base=0.05, cap=0.1),
            time.time,
            codec=to_gateway(),
            name="hostile",
        )
        gateway = Gateway(
            adapter,
            link,
            GatewayCore("hostile", adapter.protocol),
            Spool(1000),
            lambda: Moment(time.time(), time.monotonic()),
        )
        ready = asyncio.Event()
        running = [tasks.create_task(gateway.run(ready.set))]
        await ready.wait()
        node = WebsocketNode(thing, url_of(adapter), random.Random(SEED), uid="good")
        running.append(tasks.create_task(node.run()))
        await eventually(lambda: broker.core.nodes.roll)
        subscriber = Subscriber(client_url("127.0.0.1", broker.port, tls=False), [], time.time)
        async with subscriber.connected() as subscription:
            while not any(subscription.mirror.name(uid) for uid in subscription.mirror.nodes):
                await subscription.changes()
            yield Suite(broker, adapter, subscription)
        for task in running:
            task.cancel()


async def frames(url: str) -> None:
    """Each bad frame on a connection of its own, all the useless ones on one."""
    for frame in GARBAGE:
        with contextlib.suppress(ConnectionClosed):
            async with connect(url, compression=None) as socket:
                await socket.send(frame)
                await socket.wait_closed()
    async with connect(url, compression=None) as socket:
        for frame in USELESS:
            await socket.send(frame)
        await (await socket.ping())


async def mutants(url: str) -> None:
    """Valid frames with bytes changed, left out, doubled; text and binary."""
    chance = random.Random(SEED)
    for _ in range(150):
        frame = bytearray(chance.choice(VALID).encode())
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(frame))
            change = chance.randrange(3)
            if change == 0:
                frame[at] = chance.randrange(256)
            elif change == 1:
                del frame[at]
            else:
                frame[at:at] = frame[at : at + chance.randrange(9)]
        with contextlib.suppress(ConnectionClosed):
            async with connect(url, compression=None) as socket:
                await socket.send(bytes(frame), text=chance.random() < 0.8)
                await (await socket.ping())


async def broken(url: str) -> None:
    """Frames that are none."""
    for raw in RAW:
        with contextlib.suppress(ConnectionClosed):
            async with connect(url, compression=None, ping_interval=None) as socket:
                socket.transport.write(raw)
                await (await socket.ping())


async def noise(url: str) -> None:
    """Bytes that are no request, requests that are none to upgrade, and silence."""
    chance = random.Random(SEED)
    port = int(url.rpartition(":")[2].partition("/")[0])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for chunk in (
        b"GET /node HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /node HTTP/1.1\r\n" + b"a: b\r\n" * 1000,
        b"GET /" + b"x" * 100_000,
        *(chance.randbytes(chance.randrange(1, 300)) for _ in range(50)),
    ):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(chunk)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    for _, writer in silent:
        writer.transport.abort()


async def impostors(url: str) -> None:
    """Names that are tried, changed and shared."""
    with contextlib.suppress(ConnectionClosed):
        async with connect(url, compression=None) as one, connect(url, compression=None) as two:
            for socket in (one, two, one, two):
                await socket.send('{"type":"new","id":"twin"}')
                await socket.send('{"type":"update","data":{"led":"1"}}')
    for name in ("\u202e", "a" * 128, "a" * 129, "é" * 128, "../../etc", "all", "alive"):
        with contextlib.suppress(ConnectionClosed):
            async with connect(url, compression=None) as socket:
                await socket.send(json.dumps({"type": "new", "id": name}))
                await socket.send('{"type":"update","data":{"led":"1"}}')
                await socket.send('{"type":"new","id":"another"}')
                await (await socket.ping())


async def flood(url: str) -> None:
    """More messages, and larger ones, than anybody should send."""
    with contextlib.suppress(ConnectionClosed):
        async with connect(url, compression=None) as socket:
            while True:
                await socket.send('{"type":"update","data":{"text":"' + "x" * 10_000 + '"}}')


async def crowd(url: str) -> None:
    """Many who come at once and do not stay."""

    async def visit() -> None:
        with contextlib.suppress(ConnectionClosed, OSError, InvalidHandshake):
            async with connect(url, compression=None) as socket:
                await socket.send('{"type":"update","data":{"led":"1"}}')

    await asyncio.gather(*(visit() for _ in range(100)))


@pytest.mark.parametrize("attack", [frames, mutants, broken, noise, impostors, flood, crowd])
async def test_node_stays_in_control(
    attack: Callable[[str], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async with suite() as running:
        await running.led("1")
        assault = asyncio.ensure_future(attack(url_of(running.adapter)))
        value = 0
        while not assault.done():
            await running.led(str(value % 2))
            value += 1
        await assault
        await running.led("1")
        await running.led("0")
        # Nobody else is left, and of those who had no name nothing at all.
        await eventually(lambda: len(running.adapter._nodes) == 1)
        await eventually(
            lambda: all(
                each.readings.get("id")
                for each in running.subscription.mirror.nodes.values()
                if each.availability == "online"
            )
        )
    assert [record for record in caplog.records if record.exc_info] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "Traceback" not in caplog.text
    # A line for each that was sent away, but not for all that come.
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) < 60


async def test_clicks_go_on_working() -> None:
    # The first one ended the original's reader for good.
    async with suite() as running:
        for count in range(10):
            await running.led(str(count % 2))


async def test_node_keeps_its_uid() -> None:
    async with suite() as running:
        uid = running.subscription.mirror.find("Good")
        running.adapter._named["good"].socket.transport.abort()
        await eventually(lambda: not running.adapter._named)
        await eventually(lambda: running.adapter._named)
        await running.led("1")
        assert running.subscription.mirror.find("Good") == uid
        assert len(running.broker.core.nodes.roll) == 1
