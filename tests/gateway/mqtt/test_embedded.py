# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from pyaiot.errors import LinkFailed, StartFailed
from pyaiot.gateway.mqtt import bounded, embedded, packets, streams
from pyaiot.gateway.mqtt.bounded import BoundedBroker
from pyaiot.gateway.mqtt.embedded import embedded_broker
from pyaiot.gateway.mqtt.packets import Cutter, Frame, Publish, Version
from pyaiot.gateway.mqtt.session import Refused, Server, Session, connected
from tests.waiting import eventually

V3 = Version.V3_1_1
WANTED = Server("embedded", 0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with embedded_broker(WANTED) as server:
        yield server


@asynccontextmanager
async def client(
    server: Server, *filters: str, heard: list[Publish] | None = None, name: str = "test"
) -> AsyncIterator[Session]:
    take = [] if heard is None else heard
    async with connected(server, None, name, V3, take.append) as session:
        if filters:
            await session.subscribe(filters)
        yield session


class Raw:
    """A client that sends whatever bytes it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *data: bytes) -> None:
        with suppress(ConnectionError):
            self.writer.writelines(data)
            await self.writer.drain()

    async def answers(self) -> list[Frame]:
        """All that the broker sends until it ends the connection."""
        data = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                data = await self.reader.read()
        return list(Cutter().feed(data))


@asynccontextmanager
async def raw(server: Server, *first: bytes) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        peer = Raw(reader, writer)
        await peer.send(*first)
        yield peer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def connect(name: str = "raw", keep_alive: int = 60) -> bytes:
    return packets.connect(name, V3, keep_alive=keep_alive)


async def assert_works(server: Server) -> None:
    heard: list[Publish] = []
    async with (
        client(server, "a/+", heard=heard, name="subscriber"),
        client(server, name="publisher") as publisher,
    ):
        await publisher.publish("a/b", b"works")
        await eventually(lambda: heard)
    assert (heard[0].topic, heard[0].payload) == ("a/b", b"works")


class TestListening:
    async def test_on_both_loopbacks(self, server: Server) -> None:
        assert server.host == "127.0.0.1"
        await assert_works(server)
        if socket.has_ipv6:
            await assert_works(Server("::1", server.port))

    async def test_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert await embedded._hosts("embedded") == embedded.LOOPBACK
        assert await embedded._hosts("embedded:") == embedded.EVERYWHERE
        assert await embedded._hosts("embedded:::1") == ("::1",)

        async def resolve(*_: object, **__: object) -> list[tuple[Any, ...]]:
            return [(0, 0, 0, "", (host, 0)) for host in ("192.0.2.1", "192.0.2.1", "2001:db8::1")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        assert await embedded._hosts("embedded:board.example") == ("192.0.2.1", "2001:db8::1")

        async def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
        with pytest.raises(StartFailed, match="no such address"):
            await embedded._hosts("embedded:board.example")

    @pytest.mark.parametrize("host", ["embedded:localhost", "embedded:127.0.0.1"])
    async def test_on_loopback_by_name(self, host: str) -> None:
        async with embedded_broker(Server(host, 0)) as server:
            await assert_works(server)

    def test_address_of_what_listens_everywhere(self) -> None:
        assert embedded._reachable("0.0.0.0") == "127.0.0.1"
        assert embedded._reachable("::") == "::1"
        assert embedded._reachable("127.0.0.2") == "127.0.0.2"

    @pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
    async def test_port_that_is_taken(self, loopback: str) -> None:
        if loopback == "::1" and not socket.has_ipv6:
            pytest.skip("no IPv6 here")
        taken = await asyncio.start_server(lambda *_: None, loopback, 0)
        async with taken:
            port = taken.sockets[0].getsockname()[1]
            with pytest.raises(StartFailed, match=f"port {port}"):
                async with embedded_broker(Server("embedded", port)):
                    pass

    async def test_machine_without_ipv6(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "LOOPBACK", ("127.0.0.1", "2001:db8::1"))
        async with embedded_broker(WANTED) as server:
            await assert_works(server)

    @pytest.mark.parametrize(
        ("wanted", "reason"),
        [
            (Server("embedded:" + "x" * 70 + ".invalid", 0), "no such address"),
            (Server("embedded", 0, tls=True), "TLS"),
        ],
    )
    async def test_what_cannot_be(self, wanted: Server, reason: str) -> None:
        with pytest.raises(StartFailed, match=reason):
            async with embedded_broker(wanted):
                pass

    async def test_ends_at_once_with_clients_about(self) -> None:
        before = asyncio.all_tasks()
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as clients:
            async with embedded_broker(WANTED) as server:
                await clients.enter_async_context(raw(server, connect()))
                await clients.enter_async_context(raw(server))
                await clients.enter_async_context(client(server, "#"))
                await eventually(lambda: _connections() == 3)
                started = loop.time()
            assert loop.time() - started < embedded.CLOSE_TIMEOUT * 2 + 0.5
            assert _connections() == 0
        await eventually(lambda: asyncio.all_tasks() <= before)

    async def test_does_not_wait_for_amqtt_to_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "CLOSE_TIMEOUT", 0.05)

        async def never(_: object) -> None:
            await asyncio.get_running_loop().create_future()

        async with embedded_broker(WANTED):
            original = BoundedBroker.shutdown
            monkeypatch.setattr(
                BoundedBroker, "shutdown", lambda broker: _both(original(broker), never(0))
            )

    async def test_fault_within_amqtt(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fail(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(BoundedBroker, "external_connected", fail)
            async with raw(server, connect()) as peer:
                assert await peer.answers() == []
        await assert_works(server)
        assert not [each for each in caplog.records if each.exc_info]


async def _both(first: Awaitable[None], then: Awaitable[None]) -> None:
    await first
    await then


class TestAccess:
    async def test_with_user_and_password(self) -> None:
        wanted = Server("embedded", 0, user="me", password="secret")
        async with embedded_broker(wanted) as server:
            await assert_works(server)
            for user, password in ((None, None), ("me", None), ("me", "no"), ("you", "secret")):
                stranger = Server(server.host, server.port, user=user, password=password)
                with pytest.raises(Refused, match="not authorized"):
                    async with client(stranger):
                        pass

    async def test_user_without_password(self) -> None:
        async with embedded_broker(Server("embedded", 0, user="me")) as server:
            await assert_works(server)

    @pytest.fixture
    async def beyond(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
        """A broker that listens everywhere, as far as it can tell."""
        start_server = asyncio.start_server

        async def on_loopback(accept: Any, host: str, port: int) -> asyncio.Server:
            assert host in embedded.EVERYWHERE
            loopback = embedded.LOOPBACK[":" in host]
            return await start_server(accept, loopback, port)  # tests stay on loopback

        monkeypatch.setattr(asyncio, "start_server", on_loopback)
        async with embedded_broker(Server("embedded:", 0)) as server:
            yield server

    async def test_beyond_loopback_the_gateway_may_do_anything(self, beyond: Server) -> None:
        assert beyond.user
        await assert_works(beyond)

    async def test_beyond_loopback_strangers_are_nodes(self, beyond: Server) -> None:
        stranger = replace(beyond, user=None, password=None)
        heard: list[Publish] = []
        set_to: list[Publish] = []
        async with (
            client(beyond, "node/+/+", "gateway/#", heard=heard, name="gateway") as gateway,
            client(stranger, "gateway/a/+/set", heard=set_to, name="node") as node,
        ):
            for topic_filter in ("#", "node/#", "gateway/+/discover"):
                with pytest.raises(LinkFailed, match="subscription refused"):
                    await node.subscribe([topic_filter])
            await node.publish("gateway/a/led/set", b"from a stranger")
            await node.publish("node/a/led", b"from a node")
            await gateway.publish("gateway/a/led/set", b"from the gateway")
            await eventually(lambda: set_to and len(heard) == 2)
        assert [message.payload for message in set_to] == [b"from the gateway"]
        assert {message.payload for message in heard} == {b"from the gateway", b"from a node"}

    async def test_beyond_loopback_strangers_leave_no_commands(self, beyond: Server) -> None:
        will = b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01w\x00\x11gateway/a/led/set\x00\x011"
        async with raw(beyond, Frame(packets.CONNECT, 0, will, whole=True).raw()) as peer:
            (answer,) = await peer.answers()
        assert answer.body == b"\x00\x05"
        will = will.replace(b"\x00\x11gateway/a/led/set", b"\x00\x0anode/a/led")
        async with raw(beyond, Frame(packets.CONNECT, 0, will, whole=True).raw()) as peer:
            assert await peer.reader.readexactly(4) == b"\x20\x02\x00\x00"

    async def test_beyond_loopback_with_a_password(self) -> None:
        wanted = Server("embedded:", 0, user="me", password="secret")
        access = embedded._access(wanted, embedded.EVERYWHERE)
        assert (access.user, access.password, access.strangers) == ("me", "secret", False)

    async def test_other_versions_are_told(self, server: Server) -> None:
        with pytest.raises(Refused) as caught:
            async with connected(server, None, "five", Version.V5, lambda _: None):
                pass
        assert caught.value.version

    async def test_number_of_connections(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(embedded, "MAX_CONNECTIONS", 1)
        async with client(server):
            with pytest.raises(LinkFailed):
                async with client(server, name="other"):
                    pass

    async def test_who_says_little_or_nothing_keeps_nobody_out(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(embedded, "MAX_CONNECTIONS", 2)
        silent = []
        for number in range(4):
            silent.append(await asyncio.open_connection(server.host, server.port))
            silent[-1][1].write(b"\x10"[: number % 2])
        for reader, _ in silent[:2]:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
        async with client(server), client(server, name="other"):
            with pytest.raises(LinkFailed):
                async with client(server, name="third"):
                    pass
        for _, writer in silent:
            writer.close()

    async def test_a_first_packet_that_comes_bit_by_bit_is_not_waited_for(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyaiot.gateway.mqtt.streams.FIRST_PACKET", 0.3)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        ended = asyncio.create_task(reader.read())
        connect = packets.connect("slow", Version.V3_1_1, keep_alive=60)
        with suppress(ConnectionError):
            for byte in connect:
                writer.write(bytes((byte,)))
                await writer.drain()
                done, _ = await asyncio.wait({ended}, timeout=0.1)
                if done:
                    break
        assert await asyncio.wait_for(ended, 5) == b""
        writer.close()


class TestQuiet:
    async def test_no_system_topics(self, server: Server) -> None:
        heard: list[Publish] = []
        async with client(server, "$SYS/#", "#", heard=heard) as session:
            await session.publish("last", b"")
            await eventually(lambda: heard)
        assert [message.topic for message in heard] == ["last"]

    async def test_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        async with embedded_broker(WANTED) as server:
            await assert_works(server)
        lines = [each.getMessage() for each in caplog.records if each.levelno >= logging.INFO]
        assert lines == [f"embedded MQTT broker listening on 127.0.0.1 and ::1 port {server.port}"]


PUBLISH = packets.publish("a/b", b"x", V3)

MISBEHAVIOUR: Sequence[tuple[bytes, ...]] = (
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",),
    (b"\x10\xff\xff\xff\xff\x7f",),
    (b"\x10\xff\xff\xff\x7f",),
    (PUBLISH,),
    (connect(), connect()),
    (connect(), b"\x00\x00"),
    (connect(), b"\xf0\x00"),
    (connect(), b"\x20\x02\x00\x00"),
    (connect(), b"\x36\x05\x00\x01t\x00\x01"),
    (connect(), b"\x30\x03\x00\x01#"),
    (connect(), b"\x30\x03\x00\x01\xff"),
    (connect(), b"\x30\x02\x00\x00"),
    (connect(), b"\x30\x00"),
    (connect(), b"\x82\x02\x00\x01"),
    (connect(), b"\x82\x06\x00\x01\x00\x01a\x07"),
    (connect(), b"\x30\xff\xff\xff\x7f" + b"x" * 200_000),
    (connect(), packets.publish("$SYS/x", b"x", V3)),
)


class TestMisbehaviour:
    @pytest.mark.parametrize("sent", MISBEHAVIOUR)
    async def test_ends_the_connection_alone(
        self,
        server: Server,
        sent: tuple[bytes, ...],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(streams, "FIRST_PACKET", 1.0)
        async with client(server, "a/b", name="innocent") as innocent:
            async with raw(server, *sent) as peer:
                await peer.answers()
            await innocent.publish("a/b", b"still here")
        await assert_works(server)
        gc.collect()
        assert not [each for each in caplog.records if each.exc_info]

    async def test_topic_that_no_filter_could_match(self, server: Server) -> None:
        """A will is published for its client, who is not asked any more."""
        will = b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01w\x00\x03a/b\x00\x03bye"
        heard: list[Publish] = []
        async with client(server, "a/b", heard=heard):
            async with raw(server, Frame(packets.CONNECT, 0, will, whole=True).raw()) as peer:
                await peer.reader.readexactly(4)
                peer.writer.transport.abort()
            await eventually(lambda: heard)
        assert heard[0].payload == b"bye"

    async def test_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams, "FIRST_PACKET", 0.05)
        async with embedded_broker(WANTED) as server, raw(server) as peer:
            assert await peer.answers() == []

    async def test_says_half_a_packet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams, "FIRST_PACKET", 0.05)
        async with embedded_broker(WANTED) as server, raw(server, connect()[:9]) as peer:
            assert await peer.answers() == []

    async def test_breaks_its_promise_to_keep_alive(self, server: Server) -> None:
        async with raw(server, connect(keep_alive=1)) as peer:
            (answer,) = await peer.answers()
        assert answer.kind == packets.CONNACK

    async def test_does_not_read(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams, "MAX_UNSENT", 50_000)
        heard: list[Publish] = []
        async with (
            raw(server, connect(), packets.subscribe(1, ["flood"], V3)) as lazy,
            client(server, "flood", heard=heard, name="busy") as busy,
        ):
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            async with asyncio.timeout(30):
                for count in range(1, 400):
                    await busy.publish("flood", b"x" * 30_000)
                    await eventually(lambda count=count: len(heard) == count)  # type: ignore[misc]
                    if _connections() == 1:
                        break
            assert count < 399
            lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]
            await lazy.answers()
        await assert_works(server)

    async def test_is_too_fast(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What comes faster than it may waits; nothing is lost."""
        monkeypatch.setattr(streams, "RATE", 200.0)
        heard: list[Publish] = []
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with (
            embedded_broker(WANTED) as server,
            client(server, "a/b", heard=heard),
            raw(server, connect(), PUBLISH * 260) as peer,
        ):
            await eventually(lambda: len(heard) == 260)
            assert loop.time() - started > (260 - streams.RATE) / streams.RATE * 0.9
            assert not peer.reader.at_eof()

    async def test_does_not_acknowledge_what_was_retained(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """amqtt gives up after a while, in a task that nobody looks at."""
        async with client(server) as session:
            session._transport.write(packets.publish("kept", b"x", V3, packet_id=1, retain=True))
            await session.publish("a", b"")
        original = asyncio.wait_for

        async def soon(awaitable: Any, timeout: float | None) -> Any:  # noqa: ASYNC109 - amqtt's
            return await original(awaitable, 0.05 if timeout == 5 else timeout)

        monkeypatch.setattr(asyncio, "wait_for", soon)
        async with raw(server, connect(), packets.subscribe(1, ["kept"], V3)) as peer:
            await peer.reader.readexactly(4 + 5)
            await asyncio.sleep(0.2)
        await assert_works(server)
        gc.collect()
        assert not [each for each in caplog.records if each.exc_info]


def _connections() -> int:
    """How many clients the broker serves."""
    names = [getattr(each.get_coro(), "__name__", "") for each in asyncio.all_tasks()]
    return names.count("_serve")


class TestRetained:
    async def kept(self, server: Server, *filters: str) -> set[str]:
        heard: list[Publish] = []
        async with client(server, *filters, "end", heard=heard, name="late") as session:
            await session.publish("end", b"")
            await eventually(lambda: heard and heard[-1].topic == "end")
        return {message.topic for message in heard if message.retain}

    async def retain(self, session: Session, topic: str, payload: bytes) -> None:
        packet = packets.publish(topic, payload, V3, packet_id=60_000, retain=True)
        session._transport.write(packet)
        await session.publish("a", b"")

    async def test_number(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounded, "MAX_RETAINED", 2)
        async with client(server) as session:
            for topic in ("r/1", "r/2", "r/3"):
                await self.retain(session, topic, b"x")
            assert await self.kept(server, "r/+") == {"r/1", "r/2"}
            await self.retain(session, "r/1", b"")
            await self.retain(session, "r/4", b"x")
            assert await self.kept(server, "r/+") == {"r/2", "r/4"}

    async def test_goes_only_to_who_asked(self, server: Server) -> None:
        async with client(server, "r/+") as session:
            await self.retain(session, "r/1", b"x")
            assert await self.kept(server) == set()

    async def test_bytes(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounded, "MAX_RETAINED_BYTES", 100)
        async with client(server) as session:
            await self.retain(session, "r/1", b"x" * 60)
            await self.retain(session, "r/1", b"y" * 90)
            await self.retain(session, "r/2", b"x" * 20)
            assert await self.kept(server, "r/+") == {"r/1"}


class TestUnreadErrors:
    async def test_of_others_are_told_as_before(self) -> None:
        told: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        try:
            async with embedded_broker(WANTED):
                loop.call_exception_handler({"message": "of somebody else"})
        finally:
            loop.set_exception_handler(None)
        assert [each["message"] for each in told] == ["of somebody else"]

    async def test_without_a_handler(self, caplog: pytest.LogCaptureFixture) -> None:
        async with embedded_broker(WANTED):
            asyncio.get_running_loop().call_exception_handler({"message": "of somebody else"})
        assert "of somebody else" in caplog.text
        assert asyncio.get_running_loop().get_exception_handler() is None

    async def test_handler_set_meanwhile_stays(self) -> None:
        loop = asyncio.get_running_loop()
        async with embedded_broker(WANTED):
            loop.set_exception_handler(print)
        assert loop.get_exception_handler() is print
        loop.set_exception_handler(None)
