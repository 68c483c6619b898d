# SPDX-License-Identifier: BSD-3-Clause
"""Everything that broke the original, on every socket of a running suite at once.

Afterwards each node is still seen and controlled, and no log holds a traceback.
"""

import asyncio
import contextlib
import json
import random
import socket
import urllib.error
from collections.abc import Sequence
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.commands import free_ports, running
from tests.end_to_end.client import Client, client, fetched
from tests.end_to_end.test_demo import NODES, options

DEADLY: Sequence[str | bytes] = (
    '{"type":"update"}',
    '{"type":"out"}',
    '{"type":"reset"}',
    '{"type":"update","data":null}',
    '{"type":"update","data":[]}',
    '{"type":"update","data":{"uid":"demo-rover","endpoint":"led","payload":"é"}}',
    '{"type":"update","data":{"uid":"demo-rover","endpoint":"led","payload":null}}',
    '{"type":"update","data":{"uid":"demo-rover","endpoint":"led","payload":{}}}',
    '{"type":"update","data":{"uid":"demo-rover","endpoint":"//led/../x","payload":"1"}}',
    '{"type":"update","data":{"uid":"alive","endpoint":"led","payload":"1"}}',
    '{"type":"new","data":{"a":' + "[" * 500 + "]" * 500 + "}}",
    '{"type":"new","uid":"x","dst":"all"}',
    '{"data":1}',
    '["type"]',
    "null",
    "not json " * 40,
    "é" * 200,
    "[" * 100_000,
    b"\x00\xff\xfe",
    "",
)
"""Frames that ended tasks, connections or services of the original (and some that might)."""

HTTP = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: " + b"x" * 100_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n" * 1000,
    (
        b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: nonsense\r\n\r\n"
    ),
)

COAP = (
    b"",
    b"\x40",
    b"\x40\x02\x00\x01\xb5alive\xffalive",
    b"\x40\x02\x00\x02\xb5alive\xff",
    b"\x40\x02\x00\x03\xb5alive\xffAlive:\xff\xfe",
    b"\x40\x02\x00\x04\xb6server\xffno colon",
    b"\x40\x02\x00\x05\xb6server\xff\xff\xfe:\xff",
    b"\x40\x01\x00\x06\xb5alive",
    b"\x5f\x02\x00\x07" + b"t" * 15,
    b"\x40\x02\x00\x08\xff",
)


async def talk_ws(url: str, frames: Sequence[str | bytes]) -> None:
    """Send each frame on a connection of its own."""
    for frame in frames:
        with contextlib.suppress(ConnectionClosed):
            async with connect(url, compression=None, proxy=None, max_queue=None) as socket_:
                await socket_.send(frame)
                await (await socket_.ping())  # what was sent has been read by then


async def talk_tcp(port: int, chunks: Sequence[bytes]) -> None:
    """Write each chunk to a connection of its own, and hang up."""
    for chunk in chunks:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(chunk)
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def talk_udp(port: int, datagrams: Sequence[bytes]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))


async def unwelcome_gateway(port: int) -> None:
    """No token, a wrong one, half of one: always 401, never 500."""
    for items in ([], ["token"], ["token", "garbage"], ["token", "a", "b"], ["x", "y"]):
        offer = [Subprotocol(item) for item in items]
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{port}/gw", subprotocols=offer or None, proxy=None)
        assert caught.value.response.status_code == 401


async def refused_path(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        await fetched(url)
    assert 400 <= caught.value.code < 500
    assert b"Traceback" not in caught.value.read()


async def in_control(browser: Client, attempt: str) -> None:
    """Every node still does what it is told."""
    for name in NODES:
        uid = await browser.uid_of(name)
        for payload in ("1", "0"):
            command = {"uid": uid, "endpoint": "led", "payload": payload}
            result = await browser.ask(
                {"type": "update", "data": command, "id": f"{attempt} {name} {payload}"}
            )
            assert result["status"] == "applied", (name, result)
            await browser.hears(uid, "led", payload)


async def test_what_broke_the_original_breaks_nothing(tmp_path: Path) -> None:
    ports = free_ports(5)
    broker, coap, mqtt, node, web = ports
    garbage = random.Random(20260101)
    noise = [garbage.randbytes(garbage.randrange(1, 200)) for _ in range(60)]
    async with running(tmp_path, "aiot", "demo", *options(ports)) as demo:
        await demo.says("The page is at")
        async with client(broker, "result", "batch", "availability") as browser:
            await in_control(browser, "before")

            await talk_ws(f"ws://127.0.0.1:{broker}/ws", DEADLY)
            await talk_ws(f"ws://127.0.0.1:{node}/node", DEADLY)
            await unwelcome_gateway(broker)
            for port in (broker, node, web, mqtt):
                await talk_tcp(port, [*HTTP, *noise])
            talk_udp(coap, [*COAP, *noise])
            for port in (broker, web):
                await refused_path(f"http://127.0.0.1:{port}/..%2f..%2fetc/passwd")

            await in_control(browser, "after")
            assert "x" not in browser.values(), "a client's frame made a node"
        health = json.loads(await fetched(f"http://127.0.0.1:{broker}/health"))
        assert health["gateways"] == 3
        assert await demo.end() == 0
    assert "Traceback" not in demo.log
    assert "exception" not in demo.log.lower()
