# SPDX-License-Identifier: BSD-3-Clause
"""The broker over real sockets: who gets in, what the connection takes, how it ends."""

import asyncio
import contextlib
import json
import logging
import socket
import time
import urllib.error
import urllib.request
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from pyaiot.broker.gateway_link import GatewayLink
from tests.broker.peers import (
    ALL,
    PATIENCE,
    a_client,
    original_gateway,
    our_gateway,
)
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually

REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def refusal(broker: RunningBroker, path: str, **options: Any) -> tuple[int, str]:
    """Status and body with which a connection is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"{broker.url}{path}", **options):
            pass
    return caught.value.response.status_code, (caught.value.response.body or b"").decode()


async def exchange(broker: RunningBroker, request: bytes) -> bytes:
    """Everything that comes back for these bytes until the broker hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def get(broker: RunningBroker, path: str) -> tuple[int, str, str]:
    def fetch() -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(f"{broker.http}{path}", timeout=PATIENCE) as answer:  # noqa: S310 - our own
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.headers["Content-Type"], exc.read().decode()

    return await asyncio.to_thread(fetch)


def subprotocols(*items: str) -> list[Subprotocol]:
    return [Subprotocol(item) for item in items]


async def test_health() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker):
        await gateway.node("1234", led="0")
        await eventually(lambda: len(broker.core.nodes) == 1)
        status, kind, body = await get(broker, "/health?from=test")
        assert (status, kind) == (200, "application/json")
        health = json.loads(body)
        assert health.pop("uptime") >= 0
        assert health.pop("version")
        assert health == {
            "status": "ok", "service": "aiot-broker", "gateways": 1, "clients": 1, "nodes": 1
        }  # fmt: skip


async def test_metrics() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234", led="0")
        await c.until(type="update")
        await c.set("nobody", "led", "1", id="7")
        await c.until(type="result")
        status, kind, body = await get(broker, "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        for line in (
            "pyaiot_broker_gateways 1.0",
            "pyaiot_broker_accounts 0.0",
            "pyaiot_broker_record_lost_total 0.0",
            "pyaiot_broker_readings_total 1.0",
            'pyaiot_broker_nodes{availability="online"} 1.0',
            'pyaiot_broker_results_total{status="unknown_node"} 1.0',
        ):
            assert line in body.splitlines()


@pytest.mark.parametrize("path", ["/", "/wss", "/gw/", "/nothing?here"])
async def test_anything_else_is_not_there(path: str) -> None:
    async with running_broker() as broker:
        status, _, body = await get(broker, path)
        assert status == 404
        assert "/health" in body


async def test_a_page_is_no_websocket() -> None:
    async with running_broker() as broker:
        status, _, _ = await get(broker, "/ws")
        assert status == 426


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /ws HTTP/1.1\r\nHost: x\r\n\r\n", b"40"),
        (b"GET /health HTTP/2.0\r\n\r\n", b"400"),
        (b"garbage\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nbad header\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"4"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(200)), b"431"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: %b\r\n" % (n, b"x" * 900) for n in range(20)),
         b"431"),
        (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), b"400"),
    ],
)  # fmt: skip
async def test_requests_that_make_no_sense(request_bytes: bytes, status: bytes) -> None:
    async with running_broker() as broker:
        answer = await exchange(broker, request_bytes)
        assert answer.split(b"\r\n")[0].split(b" ")[1].startswith(status)


async def test_who_does_not_wait_for_the_answer_and_talks_nonsense() -> None:
    async with running_broker() as broker:
        assert await exchange(broker, REQUEST + b"\xff\xff\xff") == b""
        assert not broker.core.clients


async def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.connection.HANDSHAKE_TIME", 0.05)
    async with running_broker(ping_timeout=0.1) as broker:
        assert await exchange(broker, b"GET /ws HT") == b""


@pytest.mark.parametrize(
    ("offered", "text"),
    [
        (None, "Invalid subprotocols"),
        (["token"], "Invalid subprotocols"),
        (["basic", "x"], "Invalid subprotocols"),
        (["token", "a", "b"], "Invalid subprotocols"),
        (["token", "garbage"], "Invalid token"),
    ],
)
async def test_gateways_without_a_good_token(offered: list[str] | None, text: str) -> None:
    async with running_broker(accept_unsigned=True) as broker:
        options = {} if offered is None else {"subprotocols": subprotocols(*offered)}
        assert await refusal(broker, "/gw", **options) == (401, text)


async def test_a_stale_token_says_by_how_much() -> None:
    async with running_broker(accept_unsigned=True) as broker:
        token = broker.token(age=7200)
        status, text = await refusal(broker, "/gw", subprotocols=subprotocols("token", token))
        assert status == 401
        assert "made 720" in text
    async with (
        running_broker(accept_unsigned=True, clock_skew=10_000.0) as broker,
        original_gateway(broker, broker.token(age=7200)),
    ):
        pass


async def test_a_token_is_good_once() -> None:
    async with running_broker(accept_unsigned=True) as broker:
        token = broker.token()
        async with original_gateway(broker, token) as gateway:
            assert gateway.connection.subprotocol == "token"
        offer = subprotocols("token", token)
        assert await refusal(broker, "/gw", subprotocols=offer) == (401, "Token already used")


async def test_unsigned_only_where_that_is_wanted() -> None:
    async with running_broker() as broker:
        offer = subprotocols("token", broker.token())
        status, text = await refusal(broker, "/gw", subprotocols=offer)
        assert (status, "--accept-unsigned" in text) == (401, True)


async def test_strangers(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker(anonymous="none") as broker:
        status, text = await refusal(broker, "/ws")
        assert (status, "--anonymous=view" in text) == (401, True)
        assert "was not let in to /ws: This broker wants credentials." in caplog.text
        async with a_client(
            broker, *ALL, subprotocols=subprotocols("token", broker.token())
        ) as client:
            assert (await client.receive())["permissions"] == ["view", "control", "script"]
    async with running_broker(anonymous="view") as broker, a_client(broker, *ALL) as client:
        assert (await client.receive())["permissions"] == ["view"]
        await client.set("1234", "led", "1", id="7")
        assert (await client.until(type="result"))["status"] == "denied"


async def test_beyond_loopback_strangers_need_permission() -> None:
    async with running_broker(host="0.0.0.0") as broker:
        assert (await refusal(broker, "/ws"))[0] == 401


async def test_pages_of_other_sites() -> None:
    async with running_broker(allow_origin=("https://friend.example",)) as broker:
        status, text = await refusal(broker, "/ws", origin=Origin("https://evil.example"))
        assert (status, "--allow-origin" in text) == (403, True)
        for origin in ("https://friend.example", "http://localhost:8080"):
            async with a_client(broker, origin=Origin(origin)):
                pass
        offer = subprotocols("token", broker.token())
        async with a_client(broker, origin=Origin("https://evil.example"), subprotocols=offer):
            pass


async def test_features_asked_for_by_header() -> None:
    async with running_broker() as broker:
        headers = {"Pyaiot-Features": "result, signed, teleport"}
        async with a_client(broker, greet=False, additional_headers=headers) as client:
            response = client.connection.response
            assert response is not None
            assert response.headers["Pyaiot-Features"] == "result"
            await client.raw('{"type":"out","uid":"1"}')
            assert (await client.receive())["code"] == "invalid_content"


async def test_too_many() -> None:
    async with running_broker(max_clients=1, max_gateways=1, accept_unsigned=True) as broker:
        async with a_client(broker), original_gateway(broker):
            assert (await refusal(broker, "/ws"))[0] == 503
            offer = subprotocols("token", broker.token())
            assert (await refusal(broker, "/gw", subprotocols=offer))[0] == 503
        await eventually(lambda: not broker.core.clients and not broker.core.gateways)
        async with a_client(broker), original_gateway(broker):
            pass


async def test_strangers_keep_nobody_out_who_is_known() -> None:
    async with running_broker(max_clients=10) as broker, AsyncExitStack() as stack:
        for _ in range(9):
            await stack.enter_async_context(a_client(broker))
        assert (await refusal(broker, "/ws"))[0] == 503
        known = subprotocols("token", broker.token())
        async with a_client(broker, subprotocols=known):
            offer = subprotocols("token", broker.token())
            assert (await refusal(broker, "/ws", subprotocols=offer))[0] == 503


async def test_too_many_who_have_not_said_what_they_want(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.server.STRANGERS", 0)
    monkeypatch.setattr("pyaiot.broker.server.MAX_SERVICES", 0)
    async with running_broker(max_clients=1, max_gateways=1) as broker:
        idle = [await asyncio.open_connection("127.0.0.1", broker.port) for _ in range(2)]
        await eventually(lambda: len(broker.server._connections) == 2)
        idle[1][1].write(b"GET /ws HTTP/1.1\r\nX-Slow:")
        # Who waits for longest makes room.
        async with a_client(broker):
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(idle[0][0].read(), 5) == b""
            idle.append(await asyncio.open_connection("127.0.0.1", broker.port))
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(idle[1][0].read(), 5) == b""
            # The one who is in is nobody's to send away.
            assert len(broker.core.clients) == 1
        for _, writer in idle:
            writer.close()


async def test_where_all_are_in_nobody_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.server.STRANGERS", 0)
    monkeypatch.setattr("pyaiot.broker.server.MAX_SERVICES", 0)
    async with (
        running_broker(max_clients=1, max_gateways=1, accept_unsigned=True) as broker,
        a_client(broker),
        original_gateway(broker),
    ):
        assert (await exchange(broker, b"")).startswith(b"HTTP/1.1 503 ")


async def test_refusals_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker(anonymous="none") as broker:
        for _ in range(40):
            await refusal(broker, "/ws")
        assert 20 <= caplog.text.count("was not let in") < 30
        assert broker.server.reception.turned_away == 40


async def test_everything_from_end_to_end() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway:
        await gateway.node("1234", protocol="CoAP", led="0")
        async with a_client(broker, *ALL) as client, a_client(broker) as plain:
            assert (await client.receive())["type"] == "welcome"
            node = (await client.receive())["nodes"][0]
            assert {k: v for k, (v, _) in node["resources"].items()} == {
                "protocol": "CoAP",
                "led": "0",
            }
            await plain.until(type="update", endpoint="led")
            await client.set("1234", "led", "1", id="7")
            command = await gateway.receive()
            await gateway.send(type="result", id=command["id"], status="applied")
            assert (await client.receive())["status"] == "applied"
            await gateway.value("1234", "led", "1")
            assert (await client.receive())["data"] == "1"
            assert (await plain.receive())["data"] == "1"


async def test_a_batch_of_a_gateway() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        messages: list[dict[str, Any]] = [
            {"type": "new", "uid": "1234"},
            {"type": "update", "uid": "1234", "endpoint": "a", "data": 1},
            {"type": "update", "uid": "1234", "endpoint": "b", "data": {"nested": [1, "é"]}},
            {"type": "nonsense"},
            {"type": "update", "uid": "1234"},
        ]
        await gateway.send(type="batch", messages=messages[:3])
        assert (await c.until(endpoint="b"))["data"] == {"nested": [1, "é"]}
        useless = [*messages[3:], {"type": "batch", "messages": []}]
        await gateway.send(type="batch", messages=[*useless, messages[1]])
        await c.until(endpoint="a")
        assert broker.core.counts.refused == 3
        await gateway.send(**messages[3])
        assert await gateway.closed() == (1003, "Invalid message type 'nonsense'.")


async def test_messages_in_pieces() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234")
        await c.until(type="new")
        await c.connection.send(
            iter(['{"type":"update","da', 'ta":{"uid":"1234","endpoint":"led",', '"payload":"é"}}'])
        )
        assert (await gateway.receive())["data"]["payload"] == "é"


async def test_binary_frames_are_messages_too() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234")
        await c.until(type="new")
        await c.connection.send(
            b'{"type":"update","data":{"uid":"1234","endpoint":"led","payload":"1"}}'
        )
        assert (await gateway.receive())["data"]["payload"] == "1"


@pytest.mark.parametrize("features", [(), ("result",)])
@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ("hello", 1003, "Invalid message received. Only JSON format is supported."),
        ("[]", 1003, "Invalid message: an object with a 'type' is expected."),
        ('{"type":"teleport"}', 1003, "Invalid message type 'teleport'."),
        ('{"type":"' + "é" * 500 + '"}', 1003, "Invalid message type '" + "é" * 32 + "'."),
        ("x" * 2000, 1009, ""),
    ],
)
async def test_what_ends_the_connection_of_a_client(
    features: tuple[str, ...], frame: str, code: int, reason: str
) -> None:
    async with running_broker(max_message=1024) as broker, a_client(broker, *features) as client:
        await client.raw(frame)
        if features and reason:
            assert (await client.receive())["type"] == "error"
        got = await client.closed()
        assert got[0] == code
        assert not reason or got[1] == reason


async def test_text_that_is_none() -> None:
    async with running_broker() as broker, a_client(broker) as client:
        await client.raw(b'{"type":"new","data":"\xff"}')
        assert (await client.closed())[0] == 1007


async def test_who_does_not_keep_to_the_protocol_is_named(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker() as broker, a_client(broker) as client:
        client.connection.transport.write(b"\x81\x01x")
        assert (await client.closed())[0] == 1002
        assert "does not keep to the protocol: incorrect masking" in caplog.text


async def test_what_a_client_may_get_wrong(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker() as broker, a_client(broker, "result") as client:
        await client.raw('{"type":"update","data":null,"id":"7"}')
        assert (await client.receive())["id"] == "7"
        await client.raw('{"type":"update","data":null}')
        assert (await client.receive())["code"] == "invalid_content"
        await client.set("nobody", "led", "1")
        assert (await client.receive())["code"] == "unknown_node"
        assert caplog.text.count("refused a message") == 1, "one line is enough"


async def test_a_client_that_says_too_much() -> None:
    async with running_broker(client_rate=10.0) as broker, a_client(broker, "result") as client:
        for number in range(30):
            await client.set("nobody", "led", "1", id=str(number))
        statuses = [(await client.until(type="result"))["status"] for _ in range(30)]
        assert "unknown_node" in statuses
        assert "failed" in statuses
        for _ in range(300):
            await client.set("nobody", "led", "1")
        assert await client.closed() == (1008, "Far too many messages.")


async def test_a_client_that_pings_too_much() -> None:
    async with running_broker(client_rate=10.0) as broker, a_client(broker, "result") as client:
        for _ in range(300):
            client.connection.protocol.send_ping(b"")
        client.connection.send_data()
        assert await client.closed() == (1008, "Far too many frames.")


async def test_a_gateway_that_forges(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway:
        await gateway.node("1234")
        await gateway.raw('{"type":"out","uid":"1234","seq":1,"sig":"' + "0" * 32 + '"}')
        assert await gateway.closed() == (1008, "Invalid signature")
        assert caplog.text.count("Invalid signature") == 1


async def test_one_bad_value_does_not_cost_a_gateway_its_link() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234")
        deep = value = []  # type: ignore[var-annotated]
        for _ in range(40):
            value.append([])
            value = value[0]
        await gateway.value("1234", "led", deep)
        await gateway.value("1234", "led", "x" * 300_000)
        await gateway.value("1234", "led", "fine")
        assert (await c.until(type="update"))["data"] == "fine"
        assert broker.core.counts.refused == 2


async def test_a_gateway_that_reads_nothing_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.reception.GATEWAY_QUEUE", 1000)
    async with (
        running_broker(client_rate=1e6) as broker,
        our_gateway(broker) as gateway,
        a_client(broker, "result") as client,
    ):
        await gateway.node("1234")
        await client.until(type="new")
        gateway.connection.transport.pause_reading()
        for _ in range(300):
            await client.set("1234", "led", "x" * 60_000)
        await client.until(type="error", code="queue_full")
        await client.set("1234", "led", "1", id="7")
        result = await client.until(type="result", id="7")
        assert "waiting for the gateway" in result["reason"]
        gateway.connection.transport.abort()


async def slow_client(broker: RunningBroker) -> socket.socket:
    """A client that says hello and then does not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", broker.port))
    await loop.sock_sendall(sock, REQUEST)
    await loop.sock_recv(sock, 1000)
    hello = b'{"type":"new","features":["snapshot","availability"]}'
    await loop.sock_sendall(sock, bytes((0x81, 0x80 | len(hello), 0, 0, 0, 0)) + hello)
    return sock


async def test_a_client_that_does_not_read_costs_little_and_delays_nobody() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234", led="0")
        with await slow_client(broker) as sock:
            await eventually(lambda: len(broker.core.clients) == 2)
            for number in range(1000):
                await gateway.value("1234", "led", f"{number:05}" + "x" * 10_000)
            await gateway.node("later")
            await gateway.value("1234", "led", "last")
            await c.until(type="update", data="last")
            waiting = [each.waiting for each in broker.server._connections]
            assert max(waiting) < 65_536 + 2 * 32_768
            assert broker.server.fanout.behind == 1
            received = b""
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(PATIENCE):
                while b'"data":"last"' not in received:
                    received += await loop.sock_recv(sock, 1 << 20)
            assert b'"later"' in received
            assert received.count(b'"led","data"') < 900
            await eventually(lambda: broker.server.fanout.behind == 0)


async def test_a_large_snapshot_goes_as_fast_as_it_is_read() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway:
        for number in range(40):
            await gateway.node(f"n{number}", picture="x" * 100_000)
        await eventually(lambda: len(broker.core.nodes) == 40)
        with await slow_client(broker):
            await eventually(lambda: len(broker.core.clients) == 1)
            await asyncio.sleep(0)
            async with a_client(broker, *ALL, max_size=None) as client:
                nodes = 0
                while nodes < 40:
                    nodes += len((await client.until(type="snapshot"))["nodes"])
                assert max(each.waiting for each in broker.server._connections) < 400_000


async def test_pongs_are_not_piled_up_for_who_does_not_read() -> None:
    async with running_broker(client_rate=1e6) as broker, our_gateway(broker) as gateway:
        await gateway.node("1234")
        with await slow_client(broker) as sock:
            await eventually(lambda: len(broker.core.clients) == 1)
            while broker.server.fanout.behind == 0:
                await gateway.value("1234", "led", "x" * 100_000)
            loop = asyncio.get_running_loop()
            ping = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
            for _ in range(100):
                await loop.sock_sendall(sock, ping * 100)
            await asyncio.sleep(0.1)
            assert max(each.waiting for each in broker.server._connections) < 300_000
            received = b""
            async with asyncio.timeout(PATIENCE):
                while b"p" * 125 not in received:
                    received = received[-200:] + await loop.sock_recv(sock, 1 << 20)


async def test_a_dead_peer_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with (
        running_broker(ping_interval=0.1, ping_timeout=0.2) as broker,
        a_client(broker),
        our_gateway(broker),
    ):
        with await slow_client(broker):
            await eventually(lambda: len(broker.core.clients) == 2)
            await eventually(lambda: len(broker.core.clients) == 1)
            assert "does not answer" in caplog.text
        assert len(broker.core.gateways) == 1


async def test_no_pings_where_none_are_wanted() -> None:
    async with running_broker(ping_interval=0, ping_timeout=0.1) as broker:
        with await slow_client(broker):
            await eventually(lambda: len(broker.core.clients) == 1)
            await asyncio.sleep(0.3)
            assert len(broker.core.clients) == 1


async def test_a_client_that_says_goodbye() -> None:
    async with running_broker() as broker:
        async with a_client(broker) as client:
            await client.connection.close(4000, "bye")
            assert client.connection.close_code == 4000
        await eventually(lambda: not broker.server._connections)


async def test_a_client_that_just_vanishes() -> None:
    async with running_broker() as broker, a_client(broker) as client:
        client.connection.transport.abort()
        await eventually(lambda: not broker.core.clients)


async def test_who_is_sent_away_and_does_not_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.connection.CLOSE_TIME", 0.05)
    async with running_broker(ping_timeout=0.1) as broker:
        with await slow_client(broker) as sock:
            await eventually(lambda: len(broker.core.clients) == 1)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, b"\x81\x81\x00\x00\x00\x00x")
            await eventually(lambda: not broker.core.clients)
            await eventually(lambda: not broker.server._connections)


async def test_the_broker_says_goodbye_and_does_not_wait_long() -> None:
    async with running_broker() as broker:
        async with a_client(broker) as client, our_gateway(broker) as gateway:
            with await slow_client(broker):
                await eventually(lambda: len(broker.core.clients) == 2)
                began = time.monotonic()
                await broker.server.stop()
                assert time.monotonic() - began < 1
                assert await client.closed() == (1001, "The broker is stopping.")
                assert (await gateway.closed())[0] == 1001
        assert not broker.server._connections


async def test_deadlines_are_kept() -> None:
    async with running_broker() as broker, our_gateway(broker) as gateway, a_client(broker) as c:
        await gateway.node("1234")
        await c.until(type="new")
        await c.set("1234", "led", "1", id="slow", timeout=30)
        await c.set("1234", "led", "1", id="late", timeout=0.2)
        await c.set("1234", "led", "1", id="soon", timeout=0.05)
        results = [await c.until(type="result") for _ in range(2)]
        assert [(each["id"], each["status"]) for each in results] == [
            ("soon", "timeout"),
            ("late", "timeout"),
        ]


async def test_a_gateway_of_ours_that_reads_again_is_read_again() -> None:
    async with (
        running_broker() as broker,
        our_gateway(broker) as gateway,
        a_client(broker, "result") as client,
    ):
        await gateway.node("1234")
        await client.until(type="new")
        link = next(iter(broker.server.post.gateways.values()))
        assert isinstance(link, GatewayLink)
        link.paused()
        await gateway.value("1234", "led", "held back")
        await client.set("nobody", "led", "1", id="7")
        assert (await client.receive())["type"] == "result", "and not the value"
        link.resumed()
        assert (await client.receive())["data"] == "held back"


async def test_two_gateways_that_quarrel_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        running_broker(ping_timeout=0.1) as broker,
        our_gateway(broker, name="attic") as one,
        our_gateway(broker, name="cellar") as two,
        a_client(broker, "availability") as client,
    ):
        for gateway in (one, two, one, two, one):
            await gateway.send(type="new", uid="1234")
            await client.until(uid="1234")
        await eventually(lambda: "claim the same" in caplog.text)
        assert "attic (127.0.0.1:" in caplog.text
