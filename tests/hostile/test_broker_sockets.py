# SPDX-License-Identifier: BSD-3-Clause
"""Everything that broke the original's broker and the gateways behind it, and what a fuzzer thinks
of, on ``/ws`` and ``/gw``. Afterwards control still works, and the log holds no traceback."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.broker.peers import (
    PATIENCE,
    Peer,
    a_client,
    control_works,
    original_gateway,
    our_gateway,
)
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually

TARGET = '"uid":"1234","endpoint":"led"'

FROM_CLIENTS = [
    # One of these ended the reader of every gateway.
    '{"type":"update"}',
    '{"type":"out"}',
    '{"type":"reset"}',
    '{"type":"update","data":null}',
    '{"type":"out","data":null}',
    '{"type":"reset","data":null}',
    '{"type":"update","data":[]}',
    '{"type":"update","data":"uid endpoint payload"}',
    '{"type":"update","data":{}}',
    '{"type":"out","uid":"1234"}',
    '{"type":"reset","uid":"1234"}',
    # So did these, where the node spoke CoAP.
    f'{{"type":"update","data":{{{TARGET},"payload":"é"}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":null}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":{{}}}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":[]}}}}',
    # These ended the connection without a close frame, or with a traceback.
    '{"data":1}',
    '["type"]',
    "null",
    "1",
    '"type"',
    "",
    "x" * 64,
    "é" * 200,
    '{"type":null}',
    '{"type":["update"]}',
    '{"type":"upd"}',
    '{"type":"' + "x" * 5000 + '"}',
    '{"type":"new\n2026-01-01 forged log line"}',
    # And some more of the kind.
    '{"type":"new"',
    '{"type":"new","data":' + "[" * 100_000,
    '{"type":"new","data":' + "[" * 5000 + "]" * 5000 + "}",
    '{"type":"new","features":"snapshot"}',
    '{"type":"new","features":[1,2,3]}',
    '{"type":"new","features":' + json.dumps(["x"] * 1000) + "}",
    '{"type":"new","src":"all","dst":"all"}',
    '{"type":"new","data":"\\ud800"}',
    f'{{"type":"update","data":{{{TARGET},"payload":"\\ud800"}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":"{"x" * 70_000}"}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":1e400}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":{"9" * 5000}}}}}',
    f'{{"type":"update","data":{{{TARGET},"payload":"1","extra":1}}}}',
    '{"type":"update","data":{"uid":"","endpoint":"","payload":""}}',
    '{"type":"update","data":{"uid":"1234","endpoint":"a\\nb","payload":"1"}}',
    '{"type":"update","data":{"uid":"' + "u" * 500 + '","endpoint":"led","payload":"1"}}',
    f'{{"type":"update","data":{{{TARGET},"payload":"1"}},"id":"{"i" * 500}"}}',
    f'{{"type":"update","data":{{{TARGET},"payload":"1"}},"id":7,"timeout":-1}}',
    f'{{"type":"update","data":{{{TARGET},"payload":"1"}},"timeout":1e99}}',
    '{"type":"result","id":"1","status":"applied"}',
    '{"type":"batch","messages":[{"type":"new"}]}',
]

FROM_GATEWAYS = [
    '{"type":"new"}',
    '{"type":"new","uid":null}',
    '{"type":"new","uid":""}',
    '{"type":"new","uid":"a\\nb"}',
    '{"type":"new","uid":"' + "u" * 500 + '"}',
    '{"type":"new","uid":"other","dst":null}',
    '{"type":"new","uid":"other","dst":"nobody"}',
    '{"type":"new","uid":"other","availability":"asleep"}',
    '{"type":"update","uid":"1234"}',
    '{"type":"update","uid":"alive"}',
    '{"type":"update","uid":"alive","dst":"all"}',
    '{"type":"update","uid":"nobody","endpoint":"led","data":"1","dst":"all"}',
    '{"type":"update","uid":"1234","endpoint":"led","dst":"all"}',
    '{"type":"update","uid":"1234","endpoint":"","data":"1"}',
    '{"type":"update","uid":"1234","endpoint":"a\\u0000b","data":"1"}',
    '{"type":"update","uid":"1234","endpoint":"deep","data":' + "[" * 99 + "]" * 99 + "}",
    '{"type":"update","uid":"1234","endpoint":"deep","data":' + "[" * 9999 + "]" * 9999 + "}",
    '{"type":"update","uid":"1234","endpoint":"big","data":1e999}',
    '{"type":"update","uid":"1234","endpoint":"when","data":1,"time":-1}',
    '{"type":"update","uid":"1234","endpoint":"when","data":1,"time":1e300}',
    '{"type":"update","uid":"1234","endpoint":"long","data":"' + "x" * 500_000 + '"}',
    '{"type":"update","data":{"uid":"1234","endpoint":"led","payload":"1"}}',
    '{"type":"out"}',
    '{"type":"out","uid":["1234"]}',
    '{"type":"out","uid":"nobody"}',
    '{"type":"reset","uid":"nobody"}',
    '{"type":"reset"}',
    '{"type":"availability","uid":"1234","availability":"late"}',
    '{"type":"result","id":"nobody asked","status":"applied"}',
    '{"type":"result","id":"1","status":"perhaps"}',
    '{"type":"batch"}',
    '{"type":"batch","messages":[1,null,"x"]}',
    '{"type":"batch","messages":{}}',
]

ENDS_A_GATEWAY = ["", "null", "[]", "1", '{"uid":"1234"}', '{"type":"teleport"}', "{", "\x00"]


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, "pyaiot")
    yield
    records = caplog.get_records("call")
    assert not [each for each in records if each.exc_info or each.levelno > logging.WARNING]
    assert not [each for each in records if "Traceback" in each.getMessage()]


@asynccontextmanager
async def a_line() -> AsyncIterator[tuple[RunningBroker, Peer, Peer]]:
    """A broker, a gateway of the original with node 1234, and one of ours with node 5678."""
    async with (
        running_broker(accept_unsigned=True) as broker,
        original_gateway(broker) as original,
        our_gateway(broker) as ours,
    ):
        await original.node("1234", protocol="CoAP", led="0")
        await ours.node("5678", protocol="MQTT", led="0")
        await eventually(lambda: len(broker.core.nodes) == 2)
        yield broker, original, ours
        await control_works(broker, original, "1234")
        await control_works(broker, ours, "5678")


@pytest.mark.parametrize("greet", [True, False])
async def test_frames_of_clients(greet: bool) -> None:
    async with a_line() as (broker, original, ours):
        for frame in FROM_CLIENTS:
            with contextlib.suppress(ConnectionClosed):
                async with a_client(broker, "result", greet=greet) as client:
                    await client.raw(frame)
                    await client.raw("null")
                    code, _ = await client.closed()
                    assert code in {1003, 1007, 1009}, frame[:100]
        # What they got of all this they understand.
        await original.node("last")
        async with a_client(broker) as client:
            await client.until(type="new", uid="last")
            await client.set("last", "led", "1")
        while (command := await original.receive())["data"]["uid"] != "last":
            assert command["type"] == "update"
            assert set(command["data"]) == {"uid", "endpoint", "payload"}
            assert command["data"]["payload"].isascii()
        assert ours.connection.close_code is None


async def test_close_reasons_fit_a_close_frame() -> None:
    async with a_line() as (broker, _, _):
        for frame in FROM_CLIENTS:
            async with a_client(broker) as client:
                await client.raw(frame)
                await client.raw("null")
                _, reason = await client.closed()
                assert reason
                assert len(reason.encode()) <= 123


@pytest.mark.parametrize("signed", [True, False])
async def test_frames_of_gateways(signed: bool) -> None:
    async with a_line() as (broker, original, ours):
        gateway = ours if signed else original
        async with a_client(broker) as client:
            for number, frame in enumerate(FROM_GATEWAYS):
                await gateway.raw(
                    gateway.session.seal(frame.encode()) if gateway.session else frame
                )
                uid = "5678" if signed else "1234"
                await gateway.value(uid, "check", number)
                await client.until(uid=uid, endpoint="check", data=number)
        assert len(broker.core.gateways) == 2


@pytest.mark.parametrize("frame", ENDS_A_GATEWAY)
async def test_what_is_no_message_ends_the_link_of_its_sender_alone(frame: str) -> None:
    async with a_line() as (broker, _, _), original_gateway(broker) as third:
        await third.node("third")
        await eventually(lambda: len(broker.core.nodes) == 3)
        await third.raw(frame)
        assert (await third.closed())[0] == 1003
        await eventually(lambda: len(broker.core.nodes) == 2)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{}",
        '{"type":"out","uid":"5678"}',
        '{"type":"out","uid":"5678","seq":0,"sig":""}',
        '{"type":"out","uid":"5678","seq":0,"sig":"00000000000000000000000000000000"}',
        "x" * 1000,
        "é" * 100,
    ],
)
async def test_what_is_not_signed_ends_the_link_of_its_sender_alone(frame: str) -> None:
    async with a_line() as (broker, _, _), our_gateway(broker) as third:
        await third.raw(frame)
        assert (await third.closed())[0] == 1008


@pytest.mark.parametrize(
    "token", ["", "garbage", "=" * 100, "gAAAAA" + "A" * 134, "x" * 5000, "token", "%00", "'"]
)
async def test_bad_tokens_are_401(token: str) -> None:
    async with a_line() as (broker, _, _):
        for path in ("/gw", "/ws"):
            request = (
                f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Sec-WebSocket-Protocol: token, {token}\r\n\r\n"
            )
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            writer.write(request.encode())
            async with asyncio.timeout(PATIENCE):
                answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 401 "), answer
            assert token.encode() not in answer or len(token) < 8


async def test_a_page_of_somebody_else_is_not_let_in() -> None:
    async with a_line() as (broker, _, _):
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{broker.url}/ws", additional_headers={"Origin": "http://evil.example"})
        assert caught.value.response.status_code == 403


async def test_a_node_called_alive() -> None:
    async with a_line() as (broker, original, _):
        await original.node("alive", led="0")
        for _ in range(3):
            await original.send(type="update", uid="alive")
        await control_works(broker, original, "alive")


async def test_hello_without_end() -> None:
    async with a_line() as (broker, _, _), a_client(broker, "result") as client:
        for _ in range(50):
            await client.hello("result")
        await client.set("nobody", "led", "1", id="last")
        seen = [await client.receive()]
        while seen[-1].get("id") != "last":
            seen.append(await client.receive())
        # At most three times two nodes with two resources each.
        assert sum(each["type"] in {"new", "update"} for each in seen) <= 18
        assert sum(each.get("code") == "rate_exceeded" for each in seen) == 48


async def test_nodes_of_somebody_else_are_safe() -> None:
    async with a_line() as (broker, original, _), a_client(broker) as client:
        await client.until(uid="5678", endpoint="led")
        for kind in ("reset", "out"):
            await original.send(type=kind, uid="5678")
        await original.value("5678", "led", "forged")
        await original.value("1234", "led", "mine")
        assert (await client.receive())["data"] == "mine"


async def test_a_client_that_reads_nothing_while_much_happens() -> None:
    async with a_line() as (broker, original, _), a_client(broker) as lazy:
        lazy.connection.transport.pause_reading()
        for number in range(300):
            await original.value("1234", "webcam", f"{number}" + "x" * 50_000)
        await eventually(lambda: broker.core.counts.readings >= 300)
        waiting = sum(each.waiting for each in broker.server._connections)
        assert waiting < 1_000_000
        lazy.connection.transport.abort()


MASK = b"\x00\x00\x00\x00"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\xff" * 100,
        b"\x81\x05hello",  # not masked
        b"\xc1\x80" + MASK,  # a bit that nobody agreed on
        b"\x83\x80" + MASK,  # an opcode that does not exist
        b"\x80\x80" + MASK,  # the continuation of nothing
        b"\x01\x81" + MASK + b"{" + b"\x81\x80" + MASK,  # a message in the middle of another
        b"\x09\x80" + MASK,  # a ping in pieces
        b"\x89\xfe\x00\x7e" + MASK + b"x" * 126,  # a ping that is too long
        b"\x88\x81" + MASK + b"\x03",  # half a close code
        b"\x88\x82" + MASK + b"\x00\x01",  # one that must not be sent
        b"\x88\x84" + MASK + b"\x03\xe8\xff\xff",  # a reason that is no text
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + MASK,  # eight exabytes to come
        b"\x81\xfe\x00\x01" + MASK + b"x",
        (b"\x01\x80" + MASK) + (b"\x00\x80" + MASK) * 5000,  # a message of nothing without end
        b"\x8a\x80" + MASK,  # a pong that nobody asked for
        b"",
    ],
)  # fmt: skip
async def test_bytes_that_are_no_frames(data: bytes) -> None:
    async with a_line() as (broker, _, _):
        sock = await upgraded(broker)
        loop = asyncio.get_running_loop()
        with sock, contextlib.suppress(ConnectionError):
            await loop.sock_sendall(sock, data)
            sock.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(PATIENCE):
                while await loop.sock_recv(sock, 65_536):
                    pass
        await eventually(lambda: not broker.core.clients)


async def upgraded(broker: RunningBroker) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", broker.port))
    await loop.sock_sendall(
        sock,
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert (await loop.sock_recv(sock, 4096)).startswith(b"HTTP/1.1 101 ")
    return sock


WORDS = st.sampled_from(
    ["new", "update", "out", "reset", "availability", "result", "batch", "all", "1234", "5678",
     "alive", "led", "online", "applied", "", "\x00", "é", "\ud800"]
)  # fmt: skip
MEMBERS = st.sampled_from(
    ["type", "uid", "endpoint", "data", "payload", "dst", "src", "id", "timeout", "time", "seen",
     "availability", "features", "status", "reason", "messages", "seq", "sig"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=12,
)
MESSAGES = st.builds(
    lambda kind, rest: json.dumps({"type": kind, **rest}).encode(),
    WORDS,
    st.dictionaries(MEMBERS, VALUES, max_size=6),
)
FRAMES = MESSAGES | VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=300)
FUZZ = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(frames=st.lists(FRAMES, min_size=10, max_size=40))
async def test_anything_from_clients(frames: list[bytes]) -> None:
    async with a_line() as (broker, original, ours):
        for frame in frames:
            async with a_client(broker, "result", "snapshot") as client:
                with contextlib.suppress(ConnectionClosed):
                    await client.connection.send(frame, text=True)
        assert len(broker.core.gateways) == 2
        assert original.connection.close_code is None
        assert ours.connection.close_code is None


@FUZZ
@given(frames=st.lists(MESSAGES, min_size=10, max_size=40), signed=st.booleans())
async def test_anything_from_gateways(frames: list[bytes], signed: bool) -> None:
    async with a_line() as (broker, original, ours):
        for frame in frames:
            async with our_gateway(broker) if signed else original_gateway(broker) as gateway:
                await sent(gateway, frame)
        await eventually(lambda: len(broker.core.gateways) == 2)
        # It may have claimed their nodes; they have them again as soon as they say so.
        await original.node("1234", protocol="CoAP")
        await ours.node("5678", protocol="MQTT")


async def sent(gateway: Peer, frame: bytes) -> None:
    data: Any = gateway.session.seal(frame) if gateway.session else frame
    with contextlib.suppress(ConnectionClosed):
        await gateway.connection.send(data, text=True)


@FUZZ
@given(chunks=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=20))
async def test_any_bytes_at_all(chunks: list[bytes]) -> None:
    async with a_line() as (broker, _, _):
        for chunk in chunks:
            for opened in (upgraded(broker), plain(broker)):
                sock = await opened
                with sock, contextlib.suppress(ConnectionError):
                    await asyncio.get_running_loop().sock_sendall(sock, chunk)


async def plain(broker: RunningBroker) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", broker.port))
    return sock
