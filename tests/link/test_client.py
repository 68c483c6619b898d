# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import base64
import logging
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyaiot.errors import SettingsInvalid
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, Timing, link_url
from pyaiot.link.conversation import BATCH, BATCH_BYTES
from pyaiot.messages.codec import to_gateway
from pyaiot.messages.signing import FEATURES_HEADER, NAME_HEADER, NONCE_HEADER, make_token
from pyaiot.messages.types import ClientJoined, Feature, ForGateway, Message, New, Relayed, Update
from tests.certificates import Certificates
from tests.gateway.driven import ALL, LEGACY
from tests.link.scripted import ScriptedBroker, new_ring, scripted_broker
from tests.waiting import eventually

FAST = Timing(opening=2.0, gathering=0.01, stable=0.2)


@dataclass
class Queue:
    """The simplest peer: what is put is sent, and kept until it has arrived."""

    waiting: list[Message] = field(default_factory=list)
    on_their_way: list[Message] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    got: list[ForGateway] = field(default_factory=list)
    linked: frozenset[Feature] | None = None
    links: int = 0
    refusals: int = 0

    def connected(self, granted: frozenset[Feature]) -> None:
        self.linked = granted
        self.links += 1

    def disconnected(self, *, refused: bool) -> None:
        self.linked = None
        self.refusals += refused
        if not refused:
            self.waiting[:0] = self.on_their_way
        self.on_their_way.clear()

    def received(self, message: ForGateway) -> None:
        self.got.append(message)

    def take(self, limit: int) -> Sequence[Message]:
        batch, self.waiting[:limit] = self.waiting[:limit], []
        self.on_their_way += batch
        return batch

    def confirmed(self, number: int) -> None:
        self.arrived += self.on_their_way[:number]
        del self.on_their_way[:number]


@dataclass
class Running:
    link: Link[ForGateway]
    peer: Queue
    task: asyncio.Task[None]

    def send(self, *messages: Message) -> None:
        self.peer.waiting += messages
        self.link.wake()

    async def linked(self) -> frozenset[Feature]:
        await eventually(lambda: self.peer.linked is not None)
        assert self.peer.linked is not None
        return self.peer.linked


@asynccontextmanager
async def linked(
    broker: ScriptedBroker, url: str | None = None, **more: Any
) -> AsyncIterator[Running]:
    settings: dict[str, Any] = {"name": "attic", "timing": FAST} | more
    link: Link[ForGateway] = Link(
        url or f"ws://127.0.0.1:{broker.port}/gw",
        broker.ring,
        Backoff(lambda: 1.0, base=0.01, cap=0.05),
        time.time,
        codec=to_gateway(),
        **settings,
    )
    peer = Queue()
    task = asyncio.create_task(link.run(peer))
    try:
        yield Running(link, peer, task)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done(), "the link did not end within a second"
        if not task.cancelled():
            task.result()


@asynccontextmanager
async def stranger(answer: bytes | None) -> AsyncIterator[int]:
    """A server that is no broker: it answers every request with `answer`, or never; its port."""
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        if answer is not None:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


def updates(count: int, size: int = 1) -> list[Message]:
    return [Update("1234", "led", f"{number:0{size}}") for number in range(count)]


class TestHandshake:
    async def test_says_who_it_is_and_what_it_wants(self, broker: ScriptedBroker) -> None:
        async with linked(broker, name="ättic") as running:
            assert await running.linked() == ALL
        (request,) = broker.requests
        assert request.path == "/gw"
        assert re.fullmatch(r"token, ?\S+", request.headers["Sec-WebSocket-Protocol"])
        asked = request.headers[FEATURES_HEADER].split(", ")
        assert set(asked) == {"availability", "batch", "devices", "result", "signed", "stored"}
        assert request.headers[NAME_HEADER] == "?ttic"

    async def test_what_is_granted_counts(self, broker: ScriptedBroker) -> None:
        broker.grants = ("signed", "result", "snapshot", "teleport")
        async with linked(broker) as running:
            assert await running.linked() == {Feature.SIGNED, Feature.RESULT}

    async def test_a_fresh_token_for_each_attempt(self, broker: ScriptedBroker) -> None:
        async with linked(broker) as running:
            for _ in range(3):
                await running.linked()
                await broker.hang_up()
                await eventually(lambda: running.peer.linked is None)
            await running.linked()
        tokens = [request.headers["Sec-WebSocket-Protocol"] for request in broker.requests]
        assert len(set(tokens)) == len(tokens)

    async def test_an_older_key_where_the_newest_is_unknown(self) -> None:
        old, both = new_ring(), new_ring(2)
        both = type(both)((both.pairs[0], old.current))
        async with scripted_broker(ScriptedBroker(old)) as broker:
            broker_of_service = ScriptedBroker(both, port=broker.port)
            async with linked(broker_of_service) as running:
                await running.linked()
                running.send(New("1234"))
                await eventually(lambda: broker.short == ["new 1234"])

    async def test_an_unsigned_broker_only_where_that_is_accepted(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker.signs, broker.grants = False, ()
        async with linked(broker) as running:
            await eventually(lambda: len(broker.requests) > 2)
            assert running.peer.links == 0
        assert caplog.text.count("retrying: the broker cannot sign; --accept-unsigned") == 1
        async with linked(broker, accept_unsigned=True) as running:
            assert await running.linked() == LEGACY
            running.send(New("1234"), New("5678"))
            await eventually(lambda: broker.short == ["new 1234", "new 5678"])
        assert all(b"sig" not in frame for frame in broker.frames)
        assert "anybody on the way" in caplog.text


class TestFailures:
    """After each the link connects as soon as it can, and each is logged once."""

    @asynccontextmanager
    async def recovering(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture, reason: str, **more: Any
    ) -> AsyncIterator[Running]:
        """In the block the failure is to be mended, once it happened a few times."""
        caplog.set_level(logging.DEBUG, "pyaiot.link")
        async with linked(broker, **more) as running:

            def failures(level: int) -> list[str]:
                return [
                    record.getMessage()
                    for record in caplog.records
                    if record.levelno == level and "No link" in record.getMessage()
                ]

            await eventually(lambda: len(failures(logging.DEBUG)) >= 2)
            (said,) = failures(logging.WARNING)
            assert re.search(reason, said), said
            yield running
            await running.linked()

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (401, "Invalid token"),
            (401, "Stale token: made 3605 s ago by this broker's clock"),
            (403, "Forbidden"),
            (404, "Not here"),
            (500, "<h1>Internal Server Error</h1>"),
            (302, "Elsewhere"),
            (200, "A web page"),
        ],
    )
    async def test_status(
        self,
        broker: ScriptedBroker,
        caplog: pytest.LogCaptureFixture,
        status: int,
        text: str,
    ) -> None:
        broker.refuse = (status, text)
        async with self.recovering(broker, caplog, f"HTTP {status} .*: {re.escape(text)}"):
            broker.refuse = None

    async def test_a_broker_without_services(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker.refuse = (404, "Not here")
        async with linked(broker, f"ws://127.0.0.1:{broker.port}/service"):
            await eventually(lambda: "the broker has no /service; is it the" in caplog.text)

    async def test_clocks_that_differ(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker.clock_ahead = 3600
        async with self.recovering(broker, caplog, r"HTTP 401 .*3[56]\d\d s ago"):
            broker.clock_ahead = 0

    async def test_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        async with scripted_broker() as broker:
            pass
        async with linked(broker) as running:
            await eventually(lambda: "connection refused" in caplog.text)
            async with scripted_broker(broker, port=broker.port):
                await running.linked()

    async def test_host_not_found(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with linked(broker, "ws://broker.invalid/gw"):
            await eventually(lambda: "host not found" in caplog.text)

    async def test_a_name_that_cannot_be_one(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with linked(broker, f"ws://{'x' * 70}.example/gw"):
            await eventually(lambda: "No link" in caplog.text)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (b"SSH-2.0-OpenSSH_9\r\n", "no websocket answer"),
            (b"\x00\xff" * 5000, "no websocket answer"),
            (b"", "no websocket answer"),
            (b"HTTP/1.1 101 Switching\r\n\r\n", "no websocket answer"),
        ],
    )
    async def test_no_websocket_server(
        self, caplog: pytest.LogCaptureFixture, answer: bytes, reason: str
    ) -> None:
        broker = ScriptedBroker(new_ring())
        async with stranger(answer) as broker.port, linked(broker) as running:
            await eventually(lambda: reason in caplog.text)
            assert running.peer.links == 0
        async with scripted_broker(broker, port=broker.port), linked(broker) as running:
            await running.linked()

    async def test_silence(self, caplog: pytest.LogCaptureFixture) -> None:
        broker = ScriptedBroker(new_ring())
        async with (
            stranger(None) as broker.port,
            linked(broker, timing=Timing(opening=0.1)),
        ):
            await eventually(lambda: "no answer in time" in caplog.text)

    async def test_no_tls(self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture) -> None:
        async with linked(broker, f"wss://127.0.0.1:{broker.port}/gw"):
            await eventually(lambda: "No link" in caplog.text)
        assert re.search("TLS failed|connection lost|connection reset", caplog.text)

    async def test_tls(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        made = Certificates.make(tmp_path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(made.certificate, made.key)
        trusting = ssl.create_default_context(cafile=str(made.authority))
        async with scripted_broker(tls=server) as broker:
            url = f"wss://127.0.0.1:{broker.port}/gw"
            async with linked(broker, url):
                await eventually(lambda: "certificate not trusted" in caplog.text)
            async with linked(broker, url, tls=trusting) as running:
                running.send(New("1234"))
                await eventually(lambda: broker.short == ["new 1234"])

    @pytest.mark.parametrize(
        ("nonce", "reason"),
        [
            ("AAAAA", "not base64"),
            (base64.b64encode(b"short").decode(), "too short"),
            ("", "cannot sign"),
        ],
    )
    async def test_a_nonce_that_is_none(
        self,
        broker: ScriptedBroker,
        caplog: pytest.LogCaptureFixture,
        nonce: str,
        reason: str,
    ) -> None:
        broker.headers[NONCE_HEADER] = nonce
        async with self.recovering(broker, caplog, reason):
            broker.headers.clear()

    @pytest.mark.parametrize(
        ("code", "refusals"), [(1000, 0), (1001, 0), (1008, 0), (1003, 1), (1007, 1), (1009, 1)]
    )
    async def test_closed(
        self,
        broker: ScriptedBroker,
        caplog: pytest.LogCaptureFixture,
        code: int,
        refusals: int,
    ) -> None:
        async with linked(broker) as running:
            await running.linked()
            await broker.hang_up(code, "enough")
            await eventually(lambda: running.peer.links == 2)
            assert running.peer.refusals == refusals
        assert re.search(f"closed by the broker: {code} .*enough", caplog.text)

    async def test_torn(self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture) -> None:
        async with linked(broker) as running:
            await running.linked()
            connection = await broker.connected()
            connection.transport.abort()
            await eventually(lambda: running.peer.links == 2)
        assert "connection lost" in caplog.text

    async def test_a_broker_that_died_silently(self, broker: ScriptedBroker) -> None:
        timing = Timing(ping_interval=0.1, ping_timeout=0.1)
        async with linked(broker, timing=timing) as running:
            await running.linked()
            connection = await broker.connected()
            connection.transport.pause_reading()
            await eventually(lambda: running.peer.links == 2)

    async def test_no_secret_is_logged(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "pyaiot")
        async with linked(broker) as running:
            await running.linked()
            await broker.hang_up(1008, "no")
            await eventually(lambda: running.peer.links == 2)
        for secret in (
            broker.ring.current.secret,
            broker.ring.current.private,
            *(r.headers["Sec-WebSocket-Protocol"].split(",")[1] for r in broker.requests),
        ):
            assert secret.strip() not in caplog.text


class TestTrust:
    @pytest.mark.parametrize(
        "frame",
        [
            b'{"type":"new","src":"c"}',
            b'{"type":"new","src":"c","seq":0,"sig":"00000000000000000000000000000000"}',
            b"",
            b"not JSON",
            b"\xff\xfe",
        ],
    )
    async def test_what_is_not_signed_ends_the_link(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture, frame: bytes
    ) -> None:
        async with linked(broker) as running:
            await running.linked()
            await broker.say_raw(frame)
            await eventually(lambda: running.peer.links == 2)
            assert running.peer.got == []
        assert caplog.text.count("not to be trusted") == 1

    async def test_a_replayed_message_ends_the_link(self, broker: ScriptedBroker) -> None:
        async with linked(broker) as running:
            await running.linked()
            assert broker.session is not None
            frame = broker.session.seal(b'{"type":"new","src":"c"}')
            await broker.say_raw(frame)
            await broker.say_raw(frame)
            await eventually(lambda: running.peer.links == 2)
            assert running.peer.got == [ClientJoined("c")]


class TestReceiving:
    async def test_commands(self, broker: ScriptedBroker) -> None:
        data = {"uid": "1234", "endpoint": "led", "payload": "1"}
        async with linked(broker) as running:
            await running.linked()
            await broker.say({"type": "update", "data": data, "src": "c", "id": "x"})
            (got,) = await eventually(lambda: running.peer.got)
            assert isinstance(got, Relayed)
            assert (got.data.uid, got.id) == ("1234", "x")

    async def test_batches(self, broker: ScriptedBroker) -> None:
        joins = [{"type": "new", "src": name} for name in "ab"]
        inner = {"type": "batch", "messages": joins}
        async with linked(broker) as running:
            await running.linked()
            await broker.say({"type": "batch", "messages": [*joins, {"type": "?"}, inner]})
            await broker.say({"type": "new", "src": "c"})
            await eventually(lambda: len(running.peer.got) == 3)
            assert running.peer.got == [ClientJoined(name) for name in "abc"]

    async def test_what_is_no_message_is_noted_once(
        self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker.signs, broker.grants = False, ()
        async with linked(broker, accept_unsigned=True) as running:
            await running.linked()
            for frame in (
                "not JSON",
                "[]",
                "null",
                '{"type":"teleport"}',
                '{"type":"update"}',
                '{"type":"out","src":"c"}',
                '{"type":"update","data":null,"src":"c"}',
                b"\xff",
                "[" * 5000,
            ):
                await broker.say_raw(frame)
            await broker.say({"type": "new", "src": "c"})
            await eventually(lambda: running.peer.got == [ClientJoined("c")])
            assert running.peer.links == 1
        warnings = [r for r in caplog.records if "sent what" in r.getMessage()]
        assert len([r for r in warnings if r.levelno == logging.WARNING]) == 1
        assert "Traceback" not in caplog.text


class TestSending:
    async def test_what_waits_goes_in_one_frame(self, broker: ScriptedBroker) -> None:
        async with linked(broker) as running:
            await running.linked()
            running.send(*updates(BATCH))
            await eventually(lambda: len(broker.messages) == BATCH)
            assert len(broker.frames) == 1
            running.send(New("alone"))
            await eventually(lambda: broker.short[-1:] == ["new alone"])
            assert msgspec.json.decode(broker.frames[-1])["type"] == "new"
            await eventually(lambda: len(running.peer.arrived) == BATCH + 1)
            assert running.peer.on_their_way == []

    async def test_frames_are_bounded(self, broker: ScriptedBroker) -> None:
        big = updates(10, BATCH_BYTES // 3) + updates(1, 2 * BATCH_BYTES) + updates(1)
        async with linked(broker) as running:
            await running.linked()
            running.send(*big)
            await eventually(lambda: len(running.peer.arrived) == len(big))
            assert len(broker.messages) == len(big)
            assert [len(frame) <= BATCH_BYTES + 4096 for frame in broker.frames].count(False) == 1

    async def test_without_batches_one_by_one(self, broker: ScriptedBroker) -> None:
        broker.grants = ("signed", "availability")
        async with linked(broker) as running:
            await running.linked()
            running.send(*updates(20))
            await eventually(lambda: len(broker.frames) == 20)
            assert [m["data"] for m in broker.messages] == [str(n) for n in range(20)]

    async def test_nothing_is_lost_when_connections_break(self, broker: ScriptedBroker) -> None:
        everything = updates(400)
        async with linked(broker) as running:
            for number in range(8):
                await running.linked()
                running.send(*everything[50 * number : 50 * number + 50])
                await asyncio.sleep(0.001 * number)
                connection = await broker.connected()
                connection.transport.abort()
                await eventually(lambda: running.peer.linked is None)
            await eventually(lambda: len(running.peer.arrived) == 400)
            assert running.peer.arrived == everything
            assert {m["data"] for m in broker.messages} == {str(n) for n in range(400)}

    async def test_a_broker_that_does_not_read_is_waited_for(self, broker: ScriptedBroker) -> None:
        broker.reads.clear()
        async with linked(broker) as running:
            await running.linked()
            running.send(*updates(400, 100_000))
            await eventually(lambda: len(running.peer.waiting) < 400)
            await asyncio.sleep(0.1)
            assert running.peer.arrived == []
            assert running.peer.waiting, "no more is taken than the connection carries"
            broker.reads.set()
            await eventually(lambda: len(running.peer.arrived) == 400)

    @pytest.mark.parametrize(("stable", "delay"), [(0.0, 1.0), (60.0, 2.0)])
    async def test_a_connection_that_lasted_is_a_success(
        self, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch, stable: float, delay: float
    ) -> None:
        drawn: list[float] = []
        backoff = Backoff(lambda: 0.0, base=1.0)

        def drawing() -> float:
            drawn.append(backoff._ceiling)
            return 0.0

        monkeypatch.setattr(backoff, "next", drawing)
        async with linked(broker, timing=Timing(stable=stable)) as running:
            running.link._backoff = backoff
            await running.linked()
            backoff._ceiling = 2.0
            await broker.hang_up()
            await eventually(lambda: drawn == [delay])

    async def test_restart(self, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture) -> None:
        async with linked(broker) as running:
            running.link.restart("not connected yet")
            running.link.wake()
            await running.linked()
            running.link.restart("too slow")
            running.link.restart("too slow")
            await eventually(lambda: running.peer.links == 2)
        assert caplog.text.count("too slow") == 1


class TestEnd:
    async def test_says_goodbye_and_sends_what_waits(self, broker: ScriptedBroker) -> None:
        async with linked(broker) as running:
            await running.linked()
            running.send(*updates(100))
        await eventually(lambda: broker.closings)
        assert broker.closings == [(1000, "")]
        assert len(broker.messages) == 100
        assert len(running.peer.arrived) == 100
        assert running.peer.linked is None

    @pytest.mark.parametrize("waiting", [0, 300])
    async def test_does_not_wait_for_a_broker_that_is_dead(
        self, broker: ScriptedBroker, waiting: int
    ) -> None:
        async with linked(broker) as running:
            await running.linked()
            connection = await broker.connected()
            connection.transport.pause_reading()
            running.send(*updates(waiting, 100_000))
            await asyncio.sleep(0.05)
        assert running.task.cancelled()

    async def test_while_it_connects(self) -> None:
        broker = ScriptedBroker(new_ring())
        async with stranger(None) as broker.port, linked(broker):
            await asyncio.sleep(0.05)

    async def test_in_the_moment_in_which_the_connection_breaks(
        self, broker: ScriptedBroker
    ) -> None:
        for turns in range(12):
            async with linked(broker) as running:
                await running.linked()
                connection = await broker.connected()
                connection.transport.abort()
                for _ in range(turns):
                    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("host", "port", "tls", "url"),
    [
        ("localhost", 8000, False, "ws://localhost:8000/gw"),
        ("localhost", "8000", False, "ws://localhost:8000/gw"),
        ("broker.example", None, False, "ws://broker.example/gw"),
        ("broker.example", "", True, "wss://broker.example/gw"),
        ("::1", 8000, False, "ws://[::1]:8000/gw"),
        ("[::1]", 8000, True, "wss://[::1]:8000/gw"),
    ],
)
def test_url(host: str, port: int | str | None, tls: bool, url: str) -> None:
    assert link_url(host, port, tls=tls) == url


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("", 8000),
        ("a/b", 8000),
        ("user:secret@host", 8000),
        ("user@host", 8000),
        ("host", "http"),
        ("host?x", None),
        ("host#x", None),
        ("[::1", None),
        ("host", 70000),
    ],
)
def test_no_url(host: str, port: int | str | None) -> None:
    with pytest.raises(SettingsInvalid, match="not the address"):
        link_url(host, port, tls=False)


def test_tokens_depend_on_the_time() -> None:
    pair = new_ring().current
    assert make_token(pair, 1.0) != make_token(pair, 1.0)
