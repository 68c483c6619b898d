# SPDX-License-Identifier: BSD-3-Clause
"""Who may come in at the embedded MQTT broker, and what they may do there."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.errors import CommandFailed, LinkFailed, SettingsInvalid
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.mqtt import packets, topics
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.packets import Frame, Publish, Version
from pyaiot.gateway.mqtt.session import Refused, Server, Session, connected
from pyaiot.gateway.mqtt.visitor import MAX_FILTERS, Visitor
from pyaiot.gateway.registrar import Policy
from pyaiot.messages.types import Device
from pyaiot.model.access import Role
from pyaiot.model.node import derived_uid
from pyaiot.settings import MqttGatewaySettings
from tests.gateway.guarded import DESK, LAMP, NAME, SIGNER, guarded, token
from tests.gateway.mqtt.bench import node_at
from tests.link.scripted import new_ring
from tests.mosquitto import free_port
from tests.waiting import eventually

V3 = Version.V3_1_1
FREE = derived_uid(NAME, "MQTT", "4711")
"""The uid of a node that calls itself 4711, and shows no token."""


@pytest.fixture
def adapter() -> MqttAdapter:
    return MqttAdapter(Server("embedded:127.0.0.1", free_port()), Random(1))


def at(adapter: MqttAdapter, shown: str = "", user: str = "anybody") -> Server:
    plain = Server(adapter.server.host, adapter.server.port)
    return replace(plain, user=user, password=shown) if shown else plain


@asynccontextmanager
async def client(
    server: Server, *, name: str = "client", heard: list[Publish] | None = None
) -> AsyncIterator[Session]:
    take = [] if heard is None else heard
    async with connected(server, None, name, V3, take.append) as session:
        yield session


def value(of_resource: Any) -> bytes:
    return json.dumps({"value": of_resource}).encode()


async def refused(server: Server) -> str:
    with pytest.raises(Refused) as caught:
        async with client(server):
            pass
    return caught.value.reason


class TestTopics:
    @pytest.mark.parametrize(
        ("wanted", "topic", "expected"),
        [
            ("gateway/a/+/set", "gateway/a/led/set", True),
            ("gateway/a/#", "gateway/a/led/set", True),
            ("gateway/a/#", "gateway/a", True),
            ("gateway/a/led", "gateway/a/led/set", False),
            ("gateway/a/led/set", "gateway/a/led", False),
            ("gateway/b/+/set", "gateway/a/led/set", False),
        ],
    )
    def test_matches(self, wanted: str, topic: str, expected: bool) -> None:
        assert topics.matches(wanted, topic) is expected


class TestVisitor:
    def visitor(self) -> Visitor:
        visitor = Visitor(1, lambda _: None, lambda: None)
        visitor.token = "some"
        return visitor

    def test_is_the_first_node_that_it_says(self) -> None:
        visitor = self.visitor()
        assert visitor.may_publish("node/check")
        assert visitor.may_publish("node/a/led")
        assert not visitor.may_publish("node/b/led")
        assert not visitor.may_publish("gateway/a/led/set")
        assert not visitor.may_publish("anything")
        assert visitor.may_subscribe("gateway/check")
        assert visitor.may_subscribe("gateway/a/+/set")
        assert not visitor.may_subscribe("gateway/b/+/set")
        for other in ("#", "+/a/led", "gateway/+/led/set", "gateway/#", "node/a/led"):
            assert not visitor.may_subscribe(other)

    def test_filters_are_bounded(self) -> None:
        visitor = self.visitor()
        granted = [visitor.may_subscribe(f"gateway/a/{n}/set") for n in range(MAX_FILTERS + 1)]
        assert granted == [True] * MAX_FILTERS + [False]
        assert visitor.may_subscribe("gateway/a/0/set")
        visitor.unsubscribe("gateway/a/0/set")
        assert visitor.may_subscribe("gateway/a/x/set")

    def test_without_a_token_it_may_do_anything(self) -> None:
        visitor = Visitor(1, lambda _: None, lambda: None)
        assert visitor.may_publish("x")
        assert visitor.may_subscribe("#")
        assert visitor.may_receive("x")
        assert visitor.claims("a")
        assert visitor.claims("b")

    def test_gone(self) -> None:
        visitor = self.visitor()
        visitor.end()
        with pytest.raises(CommandFailed):
            visitor.deliver("gateway/a/led/set", b"")


async def test_a_token_says_which_node_it_is(adapter: MqttAdapter) -> None:
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        async with node_at(at(adapter, token()), "4711", {"led": "0"}) as node:
            await node.announce()
            await gateway.told("lamp", "led", "0")
            await gateway.told("lamp", "id", "4711")
            assert gateway.nodes == {"lamp": "online"}
            await adapter.write(gateway.address("lamp"), "led", "1")
            await gateway.told("lamp", "led", "1")
            assert node.written == [("led", "1")]
            with pytest.raises(LinkFailed, match="refused"):
                await node.session.subscribe(["gateway/4712/+/set"])
            await node.session.publish("node/4712/led", value("666"))
            await node.session.publish("node/check", b'{"id": "4712"}')
            await node.post("led", "2")
            await gateway.told("lamp", "led", "2")
            assert gateway.nodes == {"lamp": "online"}
            assert not gateway.said("666")
            address = gateway.address("lamp")
        # A node that is away may be asleep; it is not lost.
        await eventually(lambda: not adapter._parties)
        assert gateway.nodes == {"lamp": "online"}
        with pytest.raises(CommandFailed, match="not connected"):
            await adapter.write(address, "led", "1")


async def test_refusals(adapter: MqttAdapter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    access = Claims(Use.ACCESS, "lamp", "t1", 1e9, 9e9, Role.ADMIN, "n", "s")
    bad = {
        token(ident="t9"): "not authorized",
        token("stranger"): "bad user name or password",
        token(signer=Signer(new_ring())): "bad user name or password",
        SIGNER.make(access): "bad user name or password",
        token()[:-2] + "xx": "bad user name or password",
        "eyJ" + "x" * 3000 + ".x.x": "bad user name or password",
        "": "not authorized",
        "some password": "not authorized",
    }
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        for shown, reason in bad.items():
            assert reason in await refused(at(adapter, shown))
        assert gateway.nodes == {}
    said = [each.getMessage() for each in caplog.records]
    assert not any(shown and shown[:60] in line for shown in bad for line in said)


async def test_many_bad_tokens_log_little(
    adapter: MqttAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        for number in range(100):
            await refused(at(adapter, f"{token()[:-9]}{number:09}"))
        async with node_at(at(adapter, token()), "4711", {"led": "0"}) as node:
            await node.announce()
            await gateway.told("lamp", "led", "0")
    assert len([each for each in caplog.records if each.levelno >= logging.INFO]) < 20


async def test_not_ready(adapter: MqttAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.gateway.core.LISTS", 0.1)
    async with guarded(adapter, Policy.OPEN, ready=False) as gateway:
        assert "unavailable" in await refused(at(adapter, token()))
        async with client(at(adapter)) as session:
            await session.publish("node/4711/led", value("1"))
            await gateway.told(FREE, "led", "1")


@pytest.mark.parametrize("policy", [Policy.OPEN, Policy.APPROVE])
async def test_spoofed_id(adapter: MqttAdapter, policy: Policy) -> None:
    """Neither the uid that follows from an id, nor the id of who has a token, helps anybody."""
    bound = Device(FREE, ("t1",), bound=True)
    async with (
        guarded(adapter, policy, bound, DESK) as gateway,
        node_at(at(adapter, token(FREE)), "4711", {"led": "0"}) as node,
        client(at(adapter), name="spoof") as spoof,
        client(at(adapter, token("desk", "t2")), name="bench-4711") as rival,
    ):
        await node.announce()
        await gateway.told(FREE, "led", "0")
        await spoof.publish("node/check", b'{"id": "4711"}')
        await spoof.publish("node/4711/led", value("666"))
        await spoof.publish("gateway/4711/led/set", b"666")
        await rival.publish("node/4711/led", value("7"))
        await gateway.told("desk", "led", "7")
        await adapter.write(gateway.address(FREE), "led", "1")
        await gateway.told(FREE, "led", "1")
        assert node.written == [("led", "1")]
        assert gateway.said("7") == {"desk"}
        assert not gateway.said("666")


async def test_what_is_for_a_node_with_a_token_no_other_hears(adapter: MqttAdapter) -> None:
    heard: list[Publish] = []
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter), name="spy", heard=heard) as spy,
        node_at(at(adapter, token()), "4711", {"led": "0"}) as node,
    ):
        await spy.subscribe(["gateway/#"])
        await node.announce()
        await gateway.told("lamp", "led", "0")
        await adapter.write(gateway.address("lamp"), "led", "1")
        await gateway.told("lamp", "led", "1")
    assert {each.topic for each in heard} <= {"gateway/check"}


async def test_what_a_node_with_a_token_says_no_other_hears(adapter: MqttAdapter) -> None:
    """Its owner says who may see it; there is no other way to it."""
    heard: list[Publish] = []
    late: list[Publish] = []
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter), name="spy", heard=heard) as spy,
        client(at(adapter), name="open") as other,
    ):
        await spy.subscribe(["#", "node/#", "+/+/+"])
        async with node_at(at(adapter, token()), "4711", {"led": "0"}) as node:
            await node.announce()
            await gateway.told("lamp", "led", "0")
            kept = packets.publish("node/4711/led", value("kept"), V3, packet_id=9, retain=True)
            node.session._transport.write(kept)
            await gateway.told("lamp", "led", "kept")
        # Whoever has no token says it to all, as ever.
        await other.publish("node/plain/led", value("1"))
        await eventually(lambda: any(each.topic == "node/plain/led" for each in heard))
        async with client(at(adapter), name="late", heard=late) as newcomer:
            await newcomer.subscribe(["node/#"])
            await other.publish("node/plain/led", value("2"))
            await eventually(lambda: late)
    topics_heard = {each.topic for each in heard + late}
    assert not [each for each in topics_heard if each.startswith("node/4711")]
    assert "node/check" not in topics_heard


async def test_revoked_while_connected(adapter: MqttAdapter) -> None:
    async with (
        guarded(adapter, Policy.OPEN, LAMP, DESK) as gateway,
        client(at(adapter, token()), name="a") as lamp,
        client(at(adapter, token("desk", "t2")), name="b") as desk,
    ):
        await lamp.publish("node/x/led", value("1"))
        await desk.publish("node/x/led", value("1"))
        await eventually(lambda: gateway.nodes == {"lamp": "online", "desk": "online"})
        gateway.change(Device("lamp", (), bound=True))
        assert gateway.nodes == {"lamp": "offline", "desk": "online"}
        with pytest.raises(LinkFailed):
            async with asyncio.timeout(5):
                await lamp.publish("node/x/led", value("666"))
        assert "not authorized" in await refused(at(adapter, token()))
        await desk.publish("node/x/led", value("2"))
        await gateway.told("desk", "led", "2")
        assert not gateway.said("666")


async def test_revoked_before_it_said_anything(adapter: MqttAdapter) -> None:
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter, token())) as lamp,
    ):
        gateway.change(Device("lamp", (), bound=True))
        with suppress(LinkFailed):
            await lamp.publish("node/x/led", value("666"))
        async with asyncio.timeout(5):
            await lamp.run()
        assert not gateway.said("666")


async def test_revoked_while_it_only_listens(
    adapter: MqttAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyaiot.gateway.mqtt.adapter.TURN_OUT_PERIOD", 0.05)
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter, token())) as lamp,
    ):
        await lamp.subscribe(["gateway/check"])
        gateway.change(Device("lamp", (), bound=True))
        async with asyncio.timeout(5):
            await lamp.run()


async def test_newer_connection_is_the_node(adapter: MqttAdapter) -> None:
    both = Device("lamp", ("t1", "t2"), bound=True)
    async with (
        guarded(adapter, Policy.OPEN, both) as gateway,
        client(at(adapter, token()), name="a") as older,
        client(at(adapter, token(ident="t2")), name="b") as newer,
    ):
        await older.publish("node/x/led", value("1"))
        await gateway.told("lamp", "led", "1")
        await newer.publish("node/x/led", value("2"))
        await gateway.told("lamp", "led", "2")
        assert await older.run()
        await newer.publish("node/x/led", value("3"))
        await gateway.told("lamp", "led", "3")


async def test_one_node_may_have_several_connections(adapter: MqttAdapter) -> None:
    heard: list[Publish] = []
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter, token()), name="same", heard=heard) as listener,
    ):
        await listener.subscribe(["gateway/x/+/set"])
        for number in range(12):
            async with client(at(adapter, token()), name="same") as reporter:
                await reporter.publish("node/x/led", value(number))
            assert gateway.said(number) == {"lamp"}
            await adapter.write(gateway.address("lamp"), "led", str(number))
        await eventually(lambda: len(heard) == 12)
        async with AsyncExitStack() as stack:
            for _ in range(8):
                await stack.enter_async_context(client(at(adapter, token())))
            # The oldest has made room.
            async with asyncio.timeout(5):
                await listener.run()


async def test_strangers_cannot_end_its_connection(adapter: MqttAdapter) -> None:
    """Two clients with the same id end each other's connections (section 3.1.4)."""
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        client(at(adapter, token()), name="same") as lamp,
        client(at(adapter), name="same") as stranger,
    ):
        await stranger.publish("node/y/led", value("1"))
        await lamp.publish("node/x/led", value("2"))
        await gateway.told("lamp", "led", "2")


async def test_password_of_the_broker() -> None:
    adapter = MqttAdapter(
        Server("embedded:127.0.0.1", free_port(), user="me", password="secret"), Random(1)
    )
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        async with client(at(adapter, "secret", "me"), name="tool") as tool:
            await tool.publish("node/4711/led", value("666"))
        async with client(at(adapter, token(), "me"), name="node") as node:
            await node.publish("node/4711/led", value("1"))
            await gateway.told("lamp", "led", "1")
        assert "not authorized" in await refused(at(adapter, "wrong", "me"))
        assert not gateway.said("666")


async def test_will(adapter: MqttAdapter) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        for topic, shown in (("node/4711/led", ""), ("node/x/led", token())):
            reader, writer = await asyncio.open_connection(*_where(adapter))
            writer.write(_with_will(topic, value("bye"), shown))
            assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
            writer.transport.abort()
        await gateway.told(FREE, "led", "bye")
        await gateway.told("lamp", "led", "bye")
        reader, writer = await asyncio.open_connection(*_where(adapter))
        writer.write(_with_will("gateway/x/led/set", b"1", token()))
        assert await reader.readexactly(4) == b"\x20\x02\x00\x05"
        writer.close()


async def test_what_is_sent_again_at_qos_2_counts_once(adapter: MqttAdapter) -> None:
    message = b"\x00\x0bnode/4711/a\x00\x07" + value("1")
    sent = Frame(packets.PUBLISH, 4, message, whole=True).raw()
    again = Frame(packets.PUBLISH, 12, message, whole=True).raw()
    release = Frame(packets.PUBREL, 2, b"\x00\x07", whole=True).raw()
    async with guarded(adapter, Policy.OPEN) as gateway:
        _, writer = await asyncio.open_connection(*_where(adapter))
        writer.write(packets.connect("two", V3, keep_alive=60))
        writer.write(sent + again + release)
        await gateway.told(FREE, "a", "1")
        writer.write(sent + packets.PING)
        await eventually(
            lambda: sum(getattr(m, "data", 0) == "1" for m in gateway.wire.messages) == 2
        )
        writer.close()


async def test_approval(adapter: MqttAdapter) -> None:
    async with (
        guarded(adapter, Policy.APPROVE) as gateway,
        node_at(at(adapter), "4711", {"led": "0"}) as node,
    ):
        await node.announce()
        await node.post("led", "666")
        assert [(each.uid, each.name) for each in gateway.pending] == [(FREE, "4711")]
        gateway.change(Device(FREE, approved=True))
        await node.announce()
        await gateway.told(FREE, "led", "0")
        assert not gateway.said("666")


async def test_expels_nobody_that_it_does_not_know(adapter: MqttAdapter) -> None:
    async with guarded(adapter, Policy.OPEN) as gateway:
        for address in ("mqtt#7:x", "mqtt:x", "nonsense", "mqtt#x:y", ""):
            adapter.expel(Address(address), _any())
        assert gateway.nodes == {}


def test_a_broker_of_its_own_cannot_tell_nodes_apart() -> None:
    with pytest.raises(SettingsInvalid, match="--mqtt-host=embedded"):
        MqttGatewaySettings(registration="token")
    MqttGatewaySettings(registration="token", mqtt_host="embedded")
    MqttGatewaySettings(registration="token", mqtt_host="embedded:")
    MqttGatewaySettings(registration="approve")


@pytest.mark.parametrize("shown", ["", token()])
async def test_what_is_acknowledged_is_with_the_gateway(adapter: MqttAdapter, shown: str) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway, client(at(adapter, shown)) as node:
        for number in range(50):
            await node.publish("node/4711/count", value(number))
            assert gateway.said(number) == {"lamp" if shown else FREE}


def _any() -> Any:
    return None


def _where(adapter: MqttAdapter) -> tuple[str, int]:
    return adapter.server.host, adapter.server.port


def _with_will(topic: str, message: bytes, shown: str) -> bytes:
    flags = 0x06 | (0xC0 if shown else 0)

    def text(raw: bytes) -> bytes:
        return len(raw).to_bytes(2, "big") + raw

    body = b"\x00\x04MQTT\x04" + bytes((flags, 0, 60)) + text(b"w" + topic.encode())
    body += text(topic.encode()) + text(message)
    if shown:
        body += text(b"me") + text(shown.encode())
    return Frame(packets.CONNECT, 0, body, whole=True).raw()
