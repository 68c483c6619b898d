# SPDX-License-Identifier: BSD-3-Clause
"""The original's client with our broker and gateways of either kind."""

from collections.abc import AsyncIterator

import pytest
from tornado.websocket import websocket_connect

from tests.broker.peers import Peer, our_gateway
from tests.broker.running import RunningBroker, running_broker
from tests.foreign.original_gateway import original_client
from tests.waiting import eventually


@pytest.fixture
async def broker() -> AsyncIterator[RunningBroker]:
    async with running_broker() as running:
        yield running


@pytest.fixture
async def gateway(broker: RunningBroker) -> AsyncIterator[Peer]:
    async with our_gateway(broker) as connected:
        yield connected


async def test_it_gets_everything_addressed_to_it(broker: RunningBroker, gateway: Peer) -> None:
    await gateway.node("1234", protocol="CoAP", ip="::1", led="0")
    await gateway.node("5678", protocol="MQTT")
    await eventually(lambda: len(broker.core.nodes) == 2)
    async with original_client(broker) as client:
        await client.shows("5678", "protocol", "MQTT")
        (uid,) = {frame["dst"] for frame in client.frames}
        for frame in client.frames:
            frame.pop("time", None)
        assert client.frames == [
            {"type": "new", "uid": "1234", "dst": uid},
            {"type": "update", "uid": "1234", "endpoint": "protocol", "data": "CoAP", "dst": uid},
            {"type": "update", "uid": "1234", "endpoint": "ip", "data": "::1", "dst": uid},
            {"type": "update", "uid": "1234", "endpoint": "led", "data": "0", "dst": uid},
            {"type": "new", "uid": "5678", "dst": uid},
            {"type": "update", "uid": "5678", "endpoint": "protocol", "data": "MQTT", "dst": uid},
        ]


async def test_until_it_says_hello_it_gets_nothing_but_may_command(
    broker: RunningBroker, gateway: Peer
) -> None:
    await gateway.node("1234", led="0")
    await eventually(lambda: len(broker.core.nodes) == 1)
    async with original_client(broker, hello=False) as client:
        client.set("1234", "led", "1")
        command = await gateway.receive()
        assert command["data"]["payload"] == "1"
        await gateway.value("1234", "led", "1")
        client.hello()
        await client.shows("1234", "led", "1")
        assert client.frames[0]["type"] == "new"
        assert client.frames[0]["dst"] == command["src"]


async def test_hello_again_is_everything_again(broker: RunningBroker, gateway: Peer) -> None:
    await gateway.node("1234", led="0")
    await eventually(lambda: len(broker.core.nodes) == 1)
    async with original_client(broker) as client:
        await client.shows("1234", "led", "0")
        first = list(client.frames)
        client.hello()
        await eventually(lambda: len(client.frames) == 2 * len(first))
        assert client.frames == first + first


async def test_hello_may_say_anything(broker: RunningBroker, gateway: Peer) -> None:
    await gateway.node("1234", led="0")
    async with original_client(broker, hello=False) as client:
        client.say({"type": "new", "data": "manager_client"})
        await client.shows("1234", "led", "0")


async def test_who_it_is_is_not_for_it_to_say(broker: RunningBroker, gateway: Peer) -> None:
    await gateway.node("1234", led="0")
    await eventually(lambda: len(broker.core.nodes) == 1)
    async with original_client(broker, hello=False) as client:
        data = {"uid": "1234", "endpoint": "led", "payload": "1"}
        client.say({"type": "update", "data": data, "src": "somebody else"})
        assert len((await gateway.receive())["src"]) == 36


@pytest.mark.parametrize(
    "data",
    [
        {"uid": "1234", "endpoint": "led"},
        {"uid": "1234", "endpoint": "led", "payload": "1", "extra": 1},
        {},
        None,
    ],
)
async def test_a_command_without_just_these_three_members_is_ignored(
    broker: RunningBroker, gateway: Peer, data: object
) -> None:
    await gateway.node("1234", led="0")
    async with original_client(broker) as client:
        await client.shows("1234", "led", "0")
        client.say({"type": "update", "data": data})
        client.say({"type": "out", "uid": "1234"})
        client.say({"type": "reset", "uid": "1234"})
        client.set("nobody", "led", "1")
        client.set("1234", "led", "last")
        assert (await gateway.receive())["data"]["payload"] == "last"
        assert client.cards == {"1234": {"led": "0"}}


@pytest.mark.parametrize("frame", ["no json", "[1]", "null", '{"data":1}', '{"type":"teleport"}'])
async def test_what_is_no_message_ends_its_connection(broker: RunningBroker, frame: str) -> None:
    connection = await websocket_connect(f"{broker.url}/ws")
    await connection.write_message(frame)
    assert await connection.read_message() is None
    assert connection.close_code == 1003
    assert connection.close_reason
    connection.close()


async def test_it_sees_out_where_ours_see_offline(broker: RunningBroker, gateway: Peer) -> None:
    await gateway.node("1234", protocol="CoAP", led="0")
    async with original_client(broker) as client:
        await client.shows("1234", "led", "0")
        away = {"type": "availability", "uid": "1234", "seen": 1_700_000_000}
        await gateway.send(**away, availability="late")
        await gateway.send(**away, availability="offline")
        await eventually(lambda: not client.cards)
        assert client.frames[-1] == {"type": "out", "uid": "1234"}
        await gateway.send(**away, availability="online")
        await client.shows("1234", "led", "0")
        assert client.cards["1234"] == {"protocol": "CoAP", "led": "0"}
        assert {frame["type"] for frame in client.frames} == {"new", "update", "out"}


async def test_it_sees_out_when_a_gateway_goes_and_all_again_when_it_is_back(
    broker: RunningBroker,
) -> None:
    async with original_client(broker) as client:
        async with our_gateway(broker) as gateway:
            await gateway.node("1234", protocol="CoAP", led="0")
            await client.shows("1234", "led", "0")
        await eventually(lambda: not client.cards)
        async with our_gateway(broker) as gateway:
            await gateway.send(type="new", uid="1234", availability="online", seen=1_700_000_000)
            await client.shows("1234", "led", "0")


async def test_it_is_not_shown_what_was_measured_long_ago(
    broker: RunningBroker, gateway: Peer
) -> None:
    await gateway.node("1234", led="now")
    async with original_client(broker) as client:
        await client.shows("1234", "led", "now")
        await gateway.send(
            type="update", uid="1234", endpoint="led", data="then", time=1_000_000_000
        )
        await gateway.value("1234", "name", "x")
        await client.shows("1234", "name", "x")
        assert client.cards["1234"]["led"] == "now"
