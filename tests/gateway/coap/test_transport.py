# SPDX-License-Identifier: BSD-3-Clause
"""What aiocoap does not do, or not as a gateway needs it."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.coap import transport as transports
from pyaiot.gateway.coap.blockwise import failure
from pyaiot.gateway.coap.client import Client
from pyaiot.gateway.coap.quiet import Quiet
from pyaiot.gateway.coap.transport import Transport, Tuning, Unreachable
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware, udp
from tests.gateway.coap.test_locating import link_local
from tests.waiting import eventually

LOGGER = logging.getLogger("tests.transport")


def refuse(_request: Message) -> Message:
    return failure(Code.FORBIDDEN, "go away")


@asynccontextmanager
async def opened(host: str = "127.0.0.1") -> AsyncIterator[Transport]:
    loop = asyncio.get_running_loop()
    transport = await Transport.open(host, 0, refuse, Random(1), Quiet(LOGGER, loop.time))
    try:
        yield transport
    finally:
        await transport.close()


def get(transport: Transport, node: Firmware, path: str = "led") -> Message:
    request = Message(code=Code.GET, transport_tuning=Tuning())
    request.remote = transport.remote("127.0.0.1", node.serving.port)
    request.opt.uri_path = (path,)
    return request


async def test_tokens_are_random_and_unlike() -> None:
    async with opened() as transport, firmware(1) as node:
        node.frozen = True
        tasks = [asyncio.create_task(transport.request(get(transport, node))) for _ in range(20)]
        await eventually(lambda: len(node.asked) == 20)
        tokens = [each.token for each in node.asked]
        assert len(set(tokens)) == 20
        assert all(len(token) == 4 for token in tokens)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not transport._waiting


async def test_a_token_that_is_in_use() -> None:
    class Stuck(Random):
        given = iter([b"aaaa", b"aaaa", b"aaaa", b"bbbb"])

        def randbytes(self, n: int) -> bytes:  # noqa: ARG002 - as it is called
            return next(self.given)

    async with opened() as transport, firmware(1) as node:
        node.frozen = True
        transport._random = Stuck()
        tasks = [asyncio.create_task(transport.request(get(transport, node))) for _ in range(2)]
        await eventually(lambda: len(node.asked) == 2)
        assert [each.token for each in node.asked] == [b"aaaa", b"bbbb"]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_one_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when several requests to it are given up at the same time."""
    monkeypatch.setattr(Tuning, "ACK_TIMEOUT", 0.02)
    async with opened() as transport, firmware(1) as node:
        node.resources = {"led": b"0"}
        node.frozen = True
        outcomes = await asyncio.gather(
            *(transport.request(get(transport, node)) for _ in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, CommandTimeout) for outcome in outcomes)
        assert 4 <= len(node.asked) <= 12
        assert not transport._waiting
        (datagrams,) = transport._sockets
        assert not datagrams.exchanges._active_exchanges
        await asyncio.sleep(0.3)  # what is left of timers would fire, and log
        node.frozen = False
        assert (await transport.request(get(transport, node))).payload == b"0"
        await eventually(lambda: not datagrams.exchanges._backlogs)


async def test_one_of_two_is_answered_the_other_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tuning, "ACK_TIMEOUT", 0.02)
    async with opened() as transport, firmware(1) as node:
        node.resources = {"a": b"0", "b": b"0"}
        node.asleep = {"a"}
        silent = asyncio.create_task(transport.request(get(transport, node, "a")))
        assert (await transport.request(get(transport, node, "b"))).payload == b"0"
        with pytest.raises(CommandTimeout):
            await silent


async def test_the_end_tells_those_who_wait() -> None:
    async with firmware(1) as node:
        node.frozen = True
        async with opened() as transport:
            attempt = asyncio.create_task(transport.request(get(transport, node)))
            await eventually(lambda: node.asked)
        with pytest.raises(CommandFailed, match="stopping"):
            await attempt


async def test_what_cannot_be_encoded() -> None:
    async with opened() as transport, firmware(1) as node:
        request = get(transport, node, "\ud800")
        with pytest.raises(CommandFailed, match="cannot be sent"):
            await transport.request(request)
        assert not transport._waiting


async def test_what_the_system_does_not_send() -> None:
    async with opened() as transport:
        request = Message(code=Code.GET, transport_tuning=Tuning())
        request.remote = transport.remote("2001:db8::1", 5683)  # IPv6, from a socket of IPv4
        with pytest.raises(Unreachable):
            await transport.request(request)


async def test_a_full_buffer_is_a_lost_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tuning, "ACK_TIMEOUT", 0.05)

    class Full:
        """A socket that takes nothing the first time."""

        def __init__(self, real: socket.socket) -> None:
            self.real = real
            self.refused = 0

        def sendmsg(self, *args: Any) -> int:
            if not self.refused:
                self.refused += 1
                raise BlockingIOError(errno.EAGAIN, "full")
            return self.real.sendmsg(*args)

    async with opened() as transport, firmware(1) as node:
        node.resources = {"led": b"0"}
        (datagrams,) = transport._sockets
        inner = datagrams.transport
        full = Full(inner.get_extra_info("socket"))
        with monkeypatch.context() as patch:
            patch.setattr(inner, "get_extra_info", lambda _name: full)
            assert (await transport.request(get(transport, node))).payload == b"0"
        assert full.refused == 1


async def test_a_response_that_comes_twice() -> None:
    async with opened() as transport, firmware(1) as node:
        node.resources = {"led": b"0"}
        node.slow = 0.01
        response = await transport.request(get(transport, node))
        assert response.payload == b"0"
        (asked,) = node.asked
        again = wire.Datagram(wire.CON, wire.CONTENT, 4242, asked.token, [], b"0")
        node.serving.send(again, ("127.0.0.1", transport.port))
        await eventually(lambda: 4242 in node.resets)


async def test_no_error_is_raised_whatever_comes(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as transport, udp() as stranger:
        (datagrams,) = transport._sockets
        datagrams.datagram_errqueue_received(b"", [], 0, ("::1", 1, 0, 0))
        broken = wire.request(wire.GET, "x", token=b"1")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transport, "process_request", None)
            stranger.send(broken, ("127.0.0.1", transport.port))
            await eventually(lambda: "TypeError" in caplog.text)
        broken.mid, broken.token = 2, b"2"
        answer = await stranger.exchange(broken, ("127.0.0.1", transport.port))
        assert answer.payload == b"go away"
    assert "error message about" in caplog.text
    assert not any(record.exc_info for record in caplog.records)


async def test_a_group_hears_no_errors() -> None:
    ip, interface, index = link_local()
    async with opened("") as transport, udp(f"{ip}%{interface}") as node:
        asked = wire.request(wire.GET, "x", type=wire.NON)
        node.send(asked, ("ff02::1", transport.port, 0, index))
        asked.mid, asked.token = 2, b"own"
        answer = await node.exchange(asked, (ip, transport.port, 0, index))
        assert answer.payload == b"go away"
        assert len(node.heard) == 1


async def test_posting() -> None:
    """Bodies that do not fit one message go in blocks as large as there are."""
    bodies: list[bytes] = []

    def take(request: Message) -> Message:
        bodies.append(request.payload)
        block = request.opt.block1
        code = Code.CONTINUE if block is not None and block.more else Code.CHANGED
        return Message(code=code, block1=block)

    loop = asyncio.get_running_loop()
    server = await Transport.open("127.0.0.1", 0, take, Random(2), Quiet(LOGGER, loop.time))
    async with opened() as transport:
        client = Client(transport)
        await client.post(transport.remote("127.0.0.1", server.port), ("server",), b"x" * 1024)
        await client.post(transport.remote("127.0.0.1", server.port), ("server",), b"x" * 1025)
        assert [len(body) for body in bodies] == [1024, 1024, 1]
        with pytest.raises(CommandFailed, match=r"4\.03 Forbidden: go away"):
            await Client(server).post(server.remote("127.0.0.1", transport.port), ("x",), b"x")
    await server.close()
    assert transports.TOKEN_LENGTH == 4


@pytest.mark.parametrize("turns", range(8))
async def test_nothing_is_left_open_when_it_is_cancelled(turns: int) -> None:
    """Sockets that nobody closes are errors here."""
    loop = asyncio.get_running_loop()
    log = Quiet(LOGGER, loop.time)
    opening = asyncio.create_task(Transport.open("127.0.0.1", 0, refuse, Random(1), log))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    try:
        transport = await opening
    except asyncio.CancelledError:
        return
    await transport.close()


async def test_closing_is_not_to_be_interrupted(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    transport = await Transport.open("127.0.0.1", 0, refuse, Random(1), Quiet(LOGGER, loop.time))
    closing = asyncio.create_task(transport.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    await asyncio.sleep(0.01)
    assert caplog.text == ""
    port = transport.port
    again = await Transport.open("127.0.0.1", port, refuse, Random(1), Quiet(LOGGER, loop.time))
    await again.close()
