# SPDX-License-Identifier: BSD-3-Clause
"""The subscriber against brokers played by the test; `tests.cli` has it against a real one."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from pyaiot.errors import LinkFailed, PermissionDenied, SettingsInvalid
from pyaiot.link import subscriber as module
from pyaiot.link.mirror import Mirror
from pyaiot.link.subscriber import Subscriber, client_url
from pyaiot.messages.keys import KeyPair
from pyaiot.messages.signing import FEATURES_HEADER
from pyaiot.messages.types import Result, Status, Target

Play = Callable[[ServerConnection], Awaitable[None]]
LED = Target("a", "led", "1")
WELCOME = {"type": "welcome", "client": "c", "version": "1", "wire": 1, "permissions": []}
SNAPSHOT = {
    "type": "snapshot",
    "nodes": [{"uid": "a", "availability": "online", "seen": 1, "resources": {"led": ["0", 1]}}],
}


@asynccontextmanager
async def played(play: Play, *, ours: bool = True) -> AsyncIterator[Subscriber]:
    """A subscriber of a broker that does what `play` says; the original's if it is not `ours`."""

    def answer(_: ServerConnection, __: Request, response: Response) -> None:
        if ours:
            response.headers[FEATURES_HEADER] = "snapshot"

    async with serve(play, "127.0.0.1", 0, process_response=answer, close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = client_url("127.0.0.1", port, tls=False)
        yield Subscriber(url, [], time.time, patience=0.3)


@asynccontextmanager
async def refusing(status: HTTPStatus, body: str, **headers: str) -> AsyncIterator[Subscriber]:
    """A subscriber of a broker that lets nobody in."""

    def refuse(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(status, body)
        response.headers.update(Headers(headers))
        return response

    async def never(_: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = client_url("127.0.0.1", port, tls=False)
        pair = KeyPair.generate(os.urandom)
        yield Subscriber(url, [pair, None], time.time, patience=0.3)


async def say(connection: ServerConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await connection.send(json.dumps(message))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET", 0.1)
    monkeypatch.setattr(module, "OPENING", 0.3)
    monkeypatch.setattr(module, "GRACE", 0.1)


def test_addresses() -> None:
    assert client_url("localhost", 8000, tls=False) == "ws://localhost:8000/ws"
    assert client_url("::1", 443, tls=True) == "wss://[::1]:443/ws"
    with pytest.raises(SettingsInvalid):
        client_url("a/b", 1, tls=False)


class TestOurs:
    async def test_asks_for_everything(self) -> None:
        async def play(connection: ServerConnection) -> None:
            assert json.loads(await connection.recv()) == {
                "type": "new",
                "data": "client",
                "features": ["snapshot", "availability", "result", "names"],
            }
            await say(connection, {**WELCOME, "time": 1000.0}, SNAPSHOT)
            await connection.wait_closed()

        async with played(play) as subscriber, subscriber.connected() as subscription:
            assert subscription.mirror.complete
            assert list(subscription.mirror.nodes) == ["a"]
            assert 1000 <= subscription.now < 1010

    async def test_ignores_what_it_does_not_know(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.send("[]")
            await connection.send('{"type":"news"}')
            await connection.send('{"type":"update","uid":5}')
            await connection.send(b"\xff")
            await say(connection, SNAPSHOT)
            await connection.wait_closed()

        async with played(play) as subscriber, subscriber.connected() as subscription:
            assert list(subscription.mirror.nodes) == ["a"]

    async def test_waits_so_long_and_no_longer(self) -> None:
        async with played(ServerConnection.wait_closed) as subscriber:
            with pytest.raises(LinkFailed, match="does not tell which nodes there are"):
                async with subscriber.connected():
                    pass

    async def test_end_of_the_connection(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.recv()
            await say(connection, SNAPSHOT)
            await connection.close(1008, "enough")

        async with played(play) as subscriber, subscriber.connected() as subscription:
            with pytest.raises(LinkFailed, match="enough"):
                await subscription.changes()
            with pytest.raises(LinkFailed, match="enough"):
                await subscription.set(LED, 0.1)

    async def test_result_that_does_not_come(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await say(connection, SNAPSHOT, {"type": "result", "id": "x", "status": "applied"})
            await say(connection, {"type": "update", "uid": "a", "endpoint": "led", "data": "1"})
            await connection.wait_closed()

        async with played(play) as subscriber, subscriber.connected() as subscription:
            assert (await subscription.set(LED, 0.1)).status is Status.TIMEOUT
            # What came meanwhile has not been lost.
            assert subscription.mirror.nodes["a"].readings["led"].value == "1"

    async def test_queued_is_not_the_result(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.recv()
            await say(connection, SNAPSHOT)
            command = json.loads(await connection.recv())
            assert command["data"] == {"uid": "a", "endpoint": "led", "payload": "1"}
            assert command["timeout"] == 5
            for status in ("queued", "applied"):
                await say(connection, {"type": "result", "id": command["id"], "status": status})
            await connection.wait_closed()

        told: list[Result] = []
        async with played(play) as subscriber, subscriber.connected() as subscription:
            result = await subscription.set(LED, 5, told.append)
            assert result.status is Status.APPLIED
            assert [each.status for each in told] == [Status.QUEUED]
            result = await subscription.set(LED, 0.1)
            assert result.status is Status.TIMEOUT

    async def test_leaves_a_broker_that_does_not_let_it_go(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.recv()
            await say(connection, SNAPSHOT)
            connection.transport.pause_reading()
            await connection.wait_closed()

        async with played(play) as subscriber, asyncio.timeout(5):
            async with subscriber.connected() as subscription:
                subscription._connection.transport.write(bytes(20_000_000))
            with pytest.raises(LinkFailed):
                await subscription.changes()


class TestOriginal:
    async def test_takes_what_comes_until_it_is_quiet(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.recv()
            await say(connection, {"type": "new", "uid": "a", "dst": "c"})
            await say(connection, {"type": "update", "uid": "a", "endpoint": "led", "data": "0"})
            await connection.wait_closed()

        async with (
            played(play, ours=False) as subscriber,
            subscriber.connected() as subscription,
        ):
            assert subscription.mirror.nodes["a"].readings["led"].value == "0"

    async def test_takes_what_comes_for_so_long(self) -> None:
        async def play(connection: ServerConnection) -> None:
            async def chatter() -> None:
                for count in range(1000):
                    told = {"type": "update", "uid": "a", "endpoint": "imu", "data": count}
                    await say(connection, told)
                    await asyncio.sleep(0.01)

            task = asyncio.create_task(chatter())
            await connection.wait_closed()
            task.cancel()

        async with (
            played(play, ours=False) as subscriber,
            subscriber.connected() as subscription,
        ):
            assert "a" in subscription.mirror.nodes

    async def test_report_confirms(self) -> None:
        async def play(connection: ServerConnection) -> None:
            await connection.recv()
            await say(connection, {"type": "new", "uid": "a"})
            command = json.loads(await connection.recv())
            for uid, endpoint, value in (
                ("b", "led", "1"),
                ("a", "text", "1"),
                ("a", "led", "0"),
                ("a", "led", command["data"]["payload"]),
            ):
                told = {"type": "update", "uid": uid, "endpoint": endpoint, "data": value}
                await say(connection, {"type": "reset", "uid": "a"}, told)
            await connection.wait_closed()

        async with (
            played(play, ours=False) as subscriber,
            subscriber.connected() as subscription,
        ):
            assert (await subscription.set(LED, 5)).status is Status.APPLIED
            assert subscription.mirror.nodes["a"].readings["led"].value == "1"


class TestRefusal:
    @pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
    async def test_reason_is_that_of_the_first_proof(self, status: HTTPStatus) -> None:
        async with refusing(status, "No,\nnot you.") as subscriber:
            with pytest.raises(PermissionDenied, match=r"^No, not you\.$"):
                async with subscriber.connected(Mirror()):
                    pass

    async def test_without_a_reason(self) -> None:
        async with refusing(HTTPStatus.UNAUTHORIZED, "") as subscriber:
            with pytest.raises(PermissionDenied, match=r"^not let in$"):
                async with subscriber.connected():
                    pass

    async def test_nobody_there(self) -> None:
        subscriber = Subscriber("ws://127.0.0.1:1/ws", [], time.time)
        with pytest.raises(LinkFailed, match="connection refused"):
            async with subscriber.connected():
                pass

    async def test_trouble_is_no_refusal(self) -> None:
        async with refusing(HTTPStatus.BAD_GATEWAY, "proxy") as subscriber:
            with pytest.raises(LinkFailed, match="502 Bad Gateway"):
                async with subscriber.connected():
                    pass

    async def test_token_does_not_follow_a_redirect(self) -> None:
        elsewhere = {"Location": "ws://203.0.113.1/ws"}
        async with refusing(HTTPStatus.FOUND, "there", **elsewhere) as subscriber:
            with pytest.raises(LinkFailed, match="302 Found"):
                async with subscriber.connected():
                    pass
