# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import json
import logging
import socket as sockets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.websocket import adapter as module
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from tests.contracts.adapter import Heard, running
from tests.gateway.websocket.bench import GARBAGE, USELESS, close_of, connected, url_of
from tests.waiting import eventually

DISCOVER = '{"request": "discover"}'


@pytest.fixture
def names() -> Iterator[str]:
    return (f"passing-{number}" for number in count())


@pytest.fixture
def adapter(names: Iterator[str]) -> WebsocketAdapter:
    return WebsocketAdapter("127.0.0.1", 0, new_name=lambda: next(names))


@pytest.fixture
async def heard(adapter: WebsocketAdapter) -> AsyncIterator[Heard]:
    async with running(adapter) as heard:
        yield heard


def update(**values: object) -> str:
    return json.dumps({"type": "update", "data": values})


class TestServer:
    @pytest.mark.parametrize("route", ["/", "/nodes", "/node/", "/ws", "//node"])
    async def test_knows_one_route(
        self, adapter: WebsocketAdapter, heard: Heard, route: str
    ) -> None:
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{adapter.port}{route}")
        assert caught.value.response.status_code == 404
        assert not heard.sightings

    @pytest.mark.usefixtures("heard")
    async def test_ignores_a_query(self, adapter: WebsocketAdapter) -> None:
        async with connect(f"{url_of(adapter)}?a=b") as socket:
            assert await socket.recv() == DISCOVER

    @pytest.mark.usefixtures("heard")
    async def test_refuses_pages_of_other_sites(
        self, adapter: WebsocketAdapter, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(adapter), origin=Origin("http://example.org"))
        assert caught.value.response.status_code == 403
        assert "Pages of this origin may not connect" in caplog.text
        async with connect(url_of(adapter), origin=Origin("http://localhost:8080")) as socket:
            assert await socket.recv() == DISCOVER

    @pytest.mark.usefixtures("heard")
    async def test_refuses_repeated_origins(
        self, adapter: WebsocketAdapter, caplog: pytest.LogCaptureFixture
    ) -> None:
        twice = [("Origin", "http://localhost"), ("Origin", "http://example.org")]
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(adapter), additional_headers=twice)
        assert caught.value.response.status_code == 403
        assert "Traceback" not in caplog.text

    async def test_serves_so_many_nodes(self, caplog: pytest.LogCaptureFixture) -> None:
        adapter = WebsocketAdapter("127.0.0.1", 0, max_nodes=2)
        async with running(adapter):
            async with connected(adapter), connected(adapter):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(url_of(adapter))
                assert caught.value.response.status_code == 503
            await eventually(lambda: not adapter._nodes)
            async with connected(adapter):
                pass
        assert "more than 2 nodes want to connect" in caplog.text

    async def test_bounds_connections_that_ask_for_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_HANDSHAKES", 1)
        adapter = WebsocketAdapter("127.0.0.1", 0, max_nodes=1)
        async with running(adapter):
            silent = [await asyncio.open_connection("127.0.0.1", adapter.port) for _ in range(3)]
            # The first makes room: its stream ends, or is reset.
            with suppress(ConnectionError):
                assert await silent[0][0].read() == b""
            await eventually(lambda: len(adapter._sockets) == 2)
            silent[2][1].write(b"GET /node HTTP/1.1\r\nX-Slow:")
            async with connected(adapter):
                with suppress(ConnectionError):
                    assert await silent[1][0].read() == b""
                # Who is in need not go for whoever says nothing.
                silent.append(await asyncio.open_connection("127.0.0.1", adapter.port))
                with suppress(ConnectionError):
                    assert await silent[2][0].read() == b""
                assert len(adapter._nodes) == 1
            for _, writer in silent:
                writer.close()

    async def test_ends_soon_beside_a_connection_that_asks_for_nothing(
        self, adapter: WebsocketAdapter
    ) -> None:
        async with running(adapter):
            _, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
            await eventually(lambda: adapter._sockets)
        writer.close()

    async def test_says_goodbye(self, adapter: WebsocketAdapter) -> None:
        async with running(adapter):
            socket = await connect(url_of(adapter))
        assert (await close_of(socket))[0] == 1001

    async def test_says_which_port_is_taken(self) -> None:
        with sockets.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(StartFailed, match=f"cannot listen on 127.0.0.1:{port}: "):
                await WebsocketAdapter("127.0.0.1", port).run(Heard(), lambda: None)

    async def test_serves_all_interfaces(self) -> None:
        with sockets.create_server(("", 0)) as free:
            port = free.getsockname()[1]
        adapter = WebsocketAdapter("", port)
        async with running(adapter), connected(adapter):
            pass

    async def test_reports_a_fault_of_ours_with_its_traceback(
        self, adapter: WebsocketAdapter, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(Heard):
            def report(self, *_: object, **__: object) -> None:
                raise ArithmeticError("a bug")

        async with running(adapter, Broken()), connected(adapter) as node:
            await node.post("led", "1")
            await node.socket.wait_closed()
            assert node.socket.close_code == 1011
        assert "ArithmeticError: a bug" in caplog.text


class TestNames:
    async def test_nameless_node_is_announced_with_its_first_values(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connect(url_of(adapter)) as socket:
            assert await socket.recv() == DISCOVER
            assert not heard.sightings
            await socket.send(update(led="0", name="one"))
            await eventually(lambda: len(heard.reports) == 2)
        (address, sighting) = heard.sightings[0]
        assert (sighting.name, sighting.naming, sighting.facts) == (
            "passing-0",
            Naming.PASSING,
            {},
        )
        assert heard.values(address) == {"led": "0", "name": "one"}
        await eventually(lambda: heard.losses == [address])

    async def test_silent_node_is_announced_after_a_while(self) -> None:
        adapter = WebsocketAdapter("127.0.0.1", 0, grace=0.01)
        async with running(adapter) as heard, connect(url_of(adapter)):
            await eventually(lambda: heard.sightings)
            assert heard.sightings[0][1].naming is Naming.PASSING

    async def test_silent_node_that_said_its_name_too(self) -> None:
        adapter = WebsocketAdapter("127.0.0.1", 0, grace=0.05)
        async with running(adapter) as heard, connect(url_of(adapter)) as socket:
            await socket.send('{"type":"new","id":"desk"}')
            await eventually(lambda: heard.sightings)
            assert heard.sightings[0][1].name == "desk"

    async def test_named_node(self, adapter: WebsocketAdapter, heard: Heard) -> None:
        async with connect(url_of(adapter)) as socket:
            await socket.send('{"type":"new","id":"desk"}')
            await socket.send(update(led="0"))
            await eventually(lambda: heard.reports)
        (_, sighting) = heard.sightings[0]
        assert (sighting.name, sighting.naming) == ("desk", Naming.LOCAL)
        assert sighting.facts == {"id": "desk"}

    async def test_gone_before_it_was_announced(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connect(url_of(adapter)) as socket:
            await socket.send('{"type":"new","id":"desk"}')
        await eventually(lambda: not adapter._nodes)
        assert not heard.sightings
        assert not heard.losses

    async def test_late_name_makes_another_node(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connect(url_of(adapter)) as socket:
            assert await socket.recv() == DISCOVER
            await socket.send(update(led="0"))
            await socket.send('{"type":"new","id":"desk"}')
            await eventually(lambda: heard.losses)
            address = heard.losses[0]
            await eventually(lambda: heard.sightings[-1][1].name == "desk")
            assert heard.sightings[-1][0] == address
            # Its values went with the nameless node; they are asked for again.
            await adapter.discover(address)
            assert await socket.recv() == DISCOVER

    async def test_name_may_be_repeated_but_not_changed(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connected(adapter, "desk") as node:
            await node.announce()
            await node.announce()
            await node.send({"type": "new", "id": "chair"})
            await node.socket.wait_closed()
            assert node.socket.close_code == 1003
            assert node.socket.close_reason == "A node must not change its id."
        assert {sighting.name for _, sighting in heard.sightings} == {"desk"}

    async def test_newer_connection_takes_the_name(
        self, adapter: WebsocketAdapter, heard: Heard, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with connected(adapter, "desk") as older:
            await older.announce()
            first = await heard.address_of(older)
            async with connected(adapter, "desk") as newer:
                await newer.announce()
                await older.socket.wait_closed()
                assert older.socket.close_code == 1008
                assert older.socket.close_reason == "Replaced by a newer connection"
                await eventually(lambda: heard.losses == [first])
                second = heard.sightings[-1][0]
                assert second != first
                await adapter.write(second, "led", "1")
                await eventually(lambda: newer.written == [("led", "1")])
            await eventually(lambda: heard.losses == [first, second])
        assert "takes the place of" in caplog.text
        assert not adapter._named

    async def test_older_connection_is_heard_no_more(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connected(adapter, "desk") as older, connected(adapter, "desk") as newer:
            await older.announce()
            first = await heard.address_of(older)
            await older.freeze()
            await newer.announce()
            await eventually(lambda: heard.losses == [first])
            second = heard.sightings[-1][0]
            await older.post("led", "from the past")
            await newer.post("led", "1")
            await eventually(lambda: heard.values(second) == {"led": "1"})
            await eventually(lambda: len(adapter._sockets) == 1)
            assert heard.values(first) == {}
            assert heard.sightings[-1][0] == second


class TestTraffic:
    async def test_first_discovery_is_that_at_the_opening(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connect(url_of(adapter)) as socket:
            assert await socket.recv() == DISCOVER
            await socket.send(update(led="0"))
            await eventually(lambda: heard.sightings)
            address = heard.sightings[0][0]
            await adapter.discover(address)
            await adapter.write(address, "led", "1")
            assert await socket.recv() == '{"endpoint": "led", "payload": "1"}'
            await adapter.discover(address)
            assert await socket.recv() == DISCOVER

    async def test_old_values_are_no_answer(self) -> None:
        now = [0.0]
        adapter = WebsocketAdapter("127.0.0.1", 0, clock=lambda: now[0])
        async with running(adapter) as heard, connect(url_of(adapter)) as socket:
            assert await socket.recv() == DISCOVER
            await socket.send(update(led="0"))
            await eventually(lambda: heard.sightings)
            now[0] = 5.0
            await adapter.discover(heard.sightings[0][0])
            assert await socket.recv() == DISCOVER

    async def test_cannot_send_to_a_socket_that_is_closing(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connected(adapter) as node:
            await node.announce()
            address = await heard.address_of(node)
            closing = asyncio.create_task(adapter._nodes[address].socket.close())
            await asyncio.sleep(0)
            with pytest.raises(CommandFailed, match="ended"):
                await adapter.write(address, "led", "1")
            await closing

    async def test_pings_show_that_a_node_is_there(self) -> None:
        adapter = WebsocketAdapter("127.0.0.1", 0, grace=0.01, ping_interval=0.01)
        async with running(adapter) as heard, connect(url_of(adapter)):
            await eventually(lambda: len(heard.sightings) > 3)
            assert len({sighting.name for _, sighting in heard.sightings}) == 1

    async def test_node_that_answers_no_ping_is_lost(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        adapter = WebsocketAdapter(
            "127.0.0.1", 0, grace=0.01, ping_interval=0.01, ping_timeout=0.05
        )
        async with running(adapter) as heard, connected(adapter) as node:
            await eventually(lambda: heard.sightings)
            await node.freeze()
            await eventually(lambda: heard.losses == [heard.sightings[0][0]])
        assert "does not answer any more" in caplog.text

    async def test_node_that_does_not_read_keeps_nothing_waiting(
        self, adapter: WebsocketAdapter, heard: Heard
    ) -> None:
        async with connected(adapter) as node:
            await node.announce()
            address = await heard.address_of(node)
            await node.freeze()
            attempt = asyncio.create_task(self._fill(adapter, heard))
            await eventually(lambda: adapter._nodes[address].socket.paused)
            assert not attempt.done()
            await node.send({"type": "nope"})
            await eventually(lambda: heard.losses == [address])
            with pytest.raises(CommandFailed):
                await attempt

    async def _fill(self, adapter: WebsocketAdapter, heard: Heard) -> None:
        while True:
            await adapter.write(heard.sightings[0][0], "text", "x" * 60_000)

    async def test_node_that_pings_without_reading_is_dropped(
        self, adapter: WebsocketAdapter, heard: Heard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.gateway.websocket.socket.MAX_UNREAD", 1 << 12)
        async with connected(adapter) as node:
            await node.announce()
            address = await heard.address_of(node)
            await node.freeze()
            server = adapter._nodes[address].socket.transport.get_extra_info("socket")
            server.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 1 << 12)
            ping = b"\x89\xfd" + bytes(4) + bytes(125)

            def flooded() -> bool:
                node.socket.transport.write(ping * 1000)
                return heard.losses == [address]

            await eventually(flooded)


class TestBadInput:
    @pytest.mark.parametrize("frame", GARBAGE)
    @pytest.mark.usefixtures("heard")
    async def test_ends_the_connection_with_a_reason(
        self,
        adapter: WebsocketAdapter,
        caplog: pytest.LogCaptureFixture,
        frame: str | bytes,
    ) -> None:
        async with connect(url_of(adapter), compression=None) as socket:
            await socket.send(frame)
            code, reason = await close_of(socket)
        assert code in {1003, 1009}
        assert reason
        await eventually(lambda: not adapter._nodes)
        assert len(caplog.records) == 1
        assert "Traceback" not in caplog.text
        assert caplog.records[0].getMessage().isprintable()

    @pytest.mark.usefixtures("heard")
    async def test_reason_is_the_originals(self, adapter: WebsocketAdapter) -> None:
        async with connect(url_of(adapter)) as socket:
            await socket.send('{"type":"nope"}')
            assert await close_of(socket) == (1003, "Invalid message type 'nope'..")

    async def test_what_is_of_no_use_is_ignored(
        self, adapter: WebsocketAdapter, heard: Heard, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with connected(adapter, "desk") as node:
            for frame in USELESS:
                await node.socket.send(frame)
            await node.announce()
            address = await heard.address_of(node)
            await node.post("led", "1")
            await eventually(lambda: heard.values(address) == {"led": "1"})
        assert not any(record.exc_info for record in caplog.records)

    async def test_complaints_do_not_fill_the_log(
        self, adapter: WebsocketAdapter, heard: Heard, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with connect(url_of(adapter)) as socket:
            for _ in range(150):
                await socket.send('{"type":"update","data":3}')
            await socket.send(update(led="1"))
            await eventually(lambda: heard.reports)
        assert 20 <= len(caplog.records) < 30

    async def test_too_many_messages(
        self, heard: Heard, adapter: WebsocketAdapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "FRAMES", (1.0, 5.0))
        async with connect(url_of(adapter)) as socket:
            for _ in range(6):
                await socket.send(update(led="1"))
            assert await close_of(socket) == (1008, "More messages than one node may send.")
        assert len(heard.reports) == 5

    async def test_message_in_parts(self, adapter: WebsocketAdapter, heard: Heard) -> None:
        async with connect(url_of(adapter)) as socket:
            await socket.send(iter(update(led="°")))
            await eventually(lambda: [said.value for said in heard.reports] == ["°"])

    @pytest.mark.usefixtures("heard")
    async def test_message_in_parts_without_end(self, adapter: WebsocketAdapter) -> None:
        async with connect(url_of(adapter)) as socket:
            await socket.send([""] * 65)
            assert (await close_of(socket))[0] == 1009

    @pytest.mark.parametrize(
        "request_",
        [
            b"GET /node HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /node HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /node HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x16\x03\x01\x02\x00\r\n\r\n",
            b"GET /node HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n",
            b"G" * 10_000,
        ],
    )
    async def test_request_that_is_none(
        self,
        adapter: WebsocketAdapter,
        heard: Heard,
        caplog: pytest.LogCaptureFixture,
        request_: bytes,
    ) -> None:
        caplog.set_level(logging.DEBUG, "pyaiot")
        reader, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
        writer.write(request_)
        await asyncio.wait({asyncio.create_task(reader.read())}, timeout=5)
        writer.close()
        async with connected(adapter) as node:
            await node.announce()
            await heard.address_of(node)
        assert not any(record.exc_info for record in caplog.records)
        assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) <= 1
