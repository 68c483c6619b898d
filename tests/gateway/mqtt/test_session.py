# SPDX-License-Identifier: BSD-3-Clause
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyaiot.errors import CommandFailed, LinkFailed, StartFailed
from pyaiot.gateway.mqtt import packets, session
from pyaiot.gateway.mqtt.packets import Publish, Version
from pyaiot.gateway.mqtt.session import Refused, Server, Session, Unanswered, connected
from tests.gateway.mqtt.scripted import Peer, scripted
from tests.waiting import eventually


async def stay(peer: Peer) -> None:
    """Let the client in, and read whatever it says."""
    await peer.let_in()
    while True:
        await peer.receive()


@asynccontextmanager
async def joined(
    server: Server, version: Version = Version.V5, heard: list[Publish] | None = None
) -> AsyncIterator[Session]:
    take = [] if heard is None else heard
    async with connected(server, None, "test", version, take.append) as joined:
        yield joined


class TestServer:
    def test_is_shown_without_its_password(self) -> None:
        server = Server("::1", 8883, tls=True, user="me", password="hidden")
        assert str(server) == "mqtts://[::1]:8883"
        assert str(Server("a.example", 1886)) == "mqtt://a.example:1886"
        assert "hidden" not in repr(server)

    def test_tls_context(self, tmp_path: Path) -> None:
        assert Server("a", 1).tls_context() is None
        assert Server("a", 1, tls=True).tls_context() is not None
        (tmp_path / "empty.pem").write_text("no certificate")
        for name in ("missing.pem", "empty.pem"):
            with pytest.raises(StartFailed, match=name):
                Server("a", 1, tls=True, ca_file=str(tmp_path / name)).tls_context()


class TestLogin:
    async def test_nobody_there(self) -> None:
        with pytest.raises(LinkFailed):
            async with joined(Server("127.0.0.1", 1)):
                pass

    async def test_host_that_is_no_name(self) -> None:
        with pytest.raises(LinkFailed):
            async with joined(Server("a" * 70 + ".example", 1883)):
                pass

    async def test_broker_that_is_mute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "CONNECT_TIMEOUT", 0.05)

        async def script(peer: Peer) -> None:
            await peer.connect()
            await peer.receive()

        async with scripted(script) as server:
            with pytest.raises(Unanswered, match="no answer"):
                async with joined(server):
                    pass

    async def test_host_that_never_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "CONNECT_TIMEOUT", 0.05)

        async def never(*_: object, **__: object) -> None:
            await asyncio.get_running_loop().create_future()

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
        with pytest.raises(LinkFailed, match="no connection within"):
            async with joined(Server("127.0.0.1", 1)):
                pass

    async def test_broker_that_closes(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.connect()

        async with scripted(script) as server:
            with pytest.raises(Unanswered, match="closed by the broker"):
                async with joined(server):
                    pass

    @pytest.mark.parametrize(
        ("answer", "reason", "version"),
        [
            (b"\x20\x02\x00\x01", "unacceptable protocol version", True),
            (b"\x20\x03\x00\x84\x00", "unsupported protocol version", True),
            (b"\x20\x02\x00\x05", "not authorized", False),
            (b"\x20\x03\x00\x86\x00", "bad user name or password", False),
        ],
    )
    async def test_refusal(self, answer: bytes, reason: str, version: bool) -> None:
        async with scripted(lambda peer: peer.let_in(answer)) as server:
            with pytest.raises(Refused, match=reason) as caught:
                async with joined(server):
                    pass
        assert caught.value.version is version

    @pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 50])
    async def test_garbage(self, garbage: bytes) -> None:
        async with scripted(lambda peer: peer.let_in(garbage)) as server:
            with pytest.raises(Unanswered):
                async with joined(server):
                    pass

    async def test_second_answer_changes_nothing(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in(b"\x20\x03\x00\x00\x00\x20\x03\x00\x87\x00")
            peer.send(b"\x20\x03\x00\x87\x00" + packets.publish("t", b"x", Version.V5))
            await peer.receive()

        heard: list[Publish] = []
        async with scripted(script) as server, joined(server, heard=heard):
            await eventually(lambda: heard)


class TestSubscribe:
    @pytest.mark.parametrize("version", Version)
    async def test_granted(self, version: Version) -> None:
        wanted: list[str] = []

        async def script(peer: Peer) -> None:
            wanted.extend(await peer.let_subscribe())
            await peer.receive()

        async with scripted(script) as server, joined(server, version) as client:
            await client.subscribe(["a", "b/+"])
        assert wanted == ["a", "b/+"]

    @pytest.mark.parametrize(("codes", "reason"), [((1, 0x87), "not authorized"), ((1,), "unex")])
    async def test_refused(self, codes: tuple[int, ...], reason: str) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_subscribe(*codes)
            await peer.receive()

        async with scripted(script) as server, joined(server) as client:
            with pytest.raises(LinkFailed, match=reason):
                await client.subscribe(["a", "b/+"])

    async def test_unanswered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scripted(stay) as server, joined(server) as client:
            monkeypatch.setattr(session, "CONNECT_TIMEOUT", 0.05)
            with pytest.raises(LinkFailed, match="no answer to a subscription"):
                await client.subscribe(["a"])


async def acknowledge(peer: Peer, code: bytes = b"") -> None:
    """Take every message."""
    await peer.let_in()
    while True:
        packet_id = (await peer.next_message()).packet_id
        body = packet_id.to_bytes(2, "big") + code
        peer.send(packets.Frame(packets.PUBACK, 0, body, whole=True).raw())


class TestPublish:
    async def test_taken(self) -> None:
        async with scripted(acknowledge) as server, joined(server) as client:
            assert await client.publish("t", b"x")

    async def test_nobody_has_subscribed(self) -> None:
        async with (
            scripted(lambda peer: acknowledge(peer, b"\x10")) as server,
            joined(server) as client,
        ):
            assert not await client.publish("t", b"x")

    async def test_refused(self) -> None:
        async with (
            scripted(lambda peer: acknowledge(peer, b"\x87\x00")) as server,
            joined(server) as client,
        ):
            with pytest.raises(CommandFailed, match="not authorized"):
                await client.publish("t", b"x")

    async def test_connection_ends_before(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in()
            await peer.next_message()

        async with scripted(script) as server, joined(server) as client:
            with pytest.raises(LinkFailed, match="closed by the broker"):
                await client.publish("t", b"x")
            with pytest.raises(LinkFailed, match="closed by the broker"):
                await client.publish("t", b"x")

    async def test_waits_for_room(self) -> None:
        """No more is under way than the broker allows (MQTT 5 section 4.9)."""
        under_way: list[int] = []
        go_on = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.let_in(b"\x20\x06\x00\x00\x03\x21\x00\x02")
            under_way.extend([(await peer.next_message()).packet_id for _ in range(2)])
            await go_on.wait()
            for packet_id in under_way:
                peer.send(packets.puback(packet_id))
            peer.send(packets.puback((await peer.next_message()).packet_id))
            await peer.receive()

        async with scripted(script) as server, joined(server) as client:
            third = [asyncio.create_task(client.publish("t", b"x")) for _ in range(3)][2]
            await eventually(lambda: len(under_way) == 2)
            assert not third.done()
            go_on.set()
            assert await third

    async def test_stray_acknowledgements(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in()
            peer.send(packets.puback(77))
            packet_id = (await peer.next_message()).packet_id
            peer.send(packets.puback(packet_id) * 3)
            await peer.receive()

        async with scripted(script) as server, joined(server) as client:
            assert await client.publish("t", b"x")

    async def test_given_up(self) -> None:
        async with scripted(stay) as server, joined(server) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.publish("t", b"x")
            assert not client._waiting

    async def test_packet_ids_are_used_again(self) -> None:
        async with scripted(acknowledge) as server, joined(server) as client:
            client._last_id = 65_534
            client._waiting[1] = asyncio.get_running_loop().create_future()
            for expected in (65_535, 2):
                assert await client.publish("t", b"x")
                assert client._last_id == expected
            del client._waiting[1]

    async def test_message_longer_than_the_broker_takes(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in(b"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x40")
            await peer.receive()

        async with scripted(script) as server, joined(server) as client:
            with pytest.raises(CommandFailed, match="longer"):
                await client.publish("t", b"x" * 64)

    async def test_broker_that_does_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "MAX_UNACKNOWLEDGED", 1000)
        frozen = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.let_in()
            await frozen.wait()

        async with scripted(script) as server, joined(server) as client, asyncio.timeout(10):
            failed = asyncio.get_running_loop().create_future()

            async def publish() -> None:
                try:
                    await client.publish("t", b"x" * 60_000)
                except CommandFailed as exc:
                    if not failed.done():
                        failed.set_result(exc.reason)

            tasks = [asyncio.create_task(publish()) for _ in range(300)]
            assert "no more messages" in await failed
            for task in tasks:
                task.cancel()
            frozen.set()


class TestReceive:
    async def test_is_handed_over_then_acknowledged(self) -> None:
        answers: list[packets.Frame] = []

        async def script(peer: Peer) -> None:
            await peer.let_in()
            for packet_id in (5, None, 6):
                peer.send(packets.publish("t", b"x", Version.V5, packet_id=packet_id))
            answers.extend([await peer.receive() for _ in range(2)])

        heard: list[Publish] = []
        async with scripted(script) as server, joined(server, heard=heard):
            await eventually(lambda: len(answers) == 2)
        assert [message.packet_id for message in heard] == [5, 0, 6]
        assert [answer.body for answer in answers] == [b"\x00\x05", b"\x00\x06"]

    async def test_message_that_is_too_long_is_acknowledged_too(self) -> None:
        """Otherwise a broker of 3.1.1 would send it again and again."""
        answers: list[packets.Frame] = []

        async def script(peer: Peer) -> None:
            await peer.let_in()
            long = b"x" * (packets.MAX_PACKET + 1)
            peer.send(packets.publish("t", long, Version.V3_1_1, packet_id=9))
            answers.append(await peer.receive())

        heard: list[Publish] = []
        async with scripted(script) as server, joined(server, Version.V3_1_1, heard):
            await eventually(lambda: answers)
        assert heard == [Publish("t", None, 1, False, 9)]


class TestEnd:
    async def test_goodbye(self) -> None:
        last: list[packets.Frame] = []

        async def script(peer: Peer) -> None:
            await peer.let_in()
            last.append(await peer.receive())

        async with scripted(script) as server:
            async with joined(server):
                pass
            await eventually(lambda: last)
        assert last[0].raw() == packets.GOODBYE

    @pytest.mark.parametrize(
        ("farewell", "reason"),
        [
            (b"", "closed by the broker"),
            (b"\xe0\x02\x8e\x00", "session taken over"),
            (b"\x34\x05\x00\x01t\x00\x01", "Unexpected MQTT message at QoS 2"),
            (b"\xff" * 6, "four bytes"),
        ],
    )
    async def test_run_tells_the_reason(self, farewell: bytes, reason: str) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in()
            peer.send(farewell)
            if farewell:
                await peer.receive()

        async with scripted(script) as server, joined(server) as client:
            assert reason in await client.run()

    async def test_connection_that_breaks(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in()
            peer.close()

        async with scripted(script) as server, joined(server) as client:
            assert "connection" in await client.run()

    async def test_broker_that_is_gone_without_a_word(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "KEEP_ALIVE", 0.1)
        monkeypatch.setattr(packets, "connect", _connect_without_fraction)
        pings: list[packets.Frame] = []

        async def script(peer: Peer) -> None:
            await peer.let_in()
            for _ in range(3):
                pings.append(await peer.receive())
                peer.send(b"\xd0\x00")
            while True:
                pings.append(await peer.receive())

        async with scripted(script) as server, joined(server) as client:
            assert await client.run() == "the broker does not answer any more"
        assert len(pings) >= 4
        assert {frame.kind for frame in pings} <= {packets.PINGREQ, packets.DISCONNECT}

    async def test_broker_may_want_a_shorter_keep_alive(self) -> None:
        async with (
            scripted(lambda peer: _with_keep_alive(peer, 10)) as server,
            joined(server) as client,
        ):
            assert client._keep_alive == 10

    async def test_longer_keep_alive_is_not_needed(self) -> None:
        async with (
            scripted(lambda peer: _with_keep_alive(peer, 600)) as server,
            joined(server) as client,
        ):
            assert client._keep_alive == session.KEEP_ALIVE

    async def test_end_does_not_wait_for_a_broker_that_does_not_read(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.let_in()
            await asyncio.get_running_loop().create_future()

        async with scripted(script) as server, asyncio.timeout(5), joined(server) as client:
            client._transport.write(b"\xc0\x00" * 4_000_000)


async def _with_keep_alive(peer: Peer, seconds: int) -> None:
    await peer.let_in(b"\x20\x06\x00\x00\x03\x13" + seconds.to_bytes(2, "big"))
    await peer.receive()


def _connect_without_fraction(client_id: str, version: Version, **_: object) -> bytes:
    return _connect(client_id, version, keep_alive=1)


_connect = packets.connect
