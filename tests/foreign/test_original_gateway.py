# SPDX-License-Identifier: BSD-3-Clause
"""The original's gateway with our broker."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from tests.broker.peers import a_client
from tests.broker.running import RunningBroker, running_broker
from tests.foreign.original_gateway import (
    OriginalGateway,
    original_client,
    original_gateway,
    original_token,
)
from tests.waiting import eventually


@pytest.fixture
async def broker() -> AsyncIterator[RunningBroker]:
    async with running_broker(accept_unsigned=True) as running:
        yield running


@pytest.fixture
async def gateway(broker: RunningBroker) -> AsyncIterator[OriginalGateway]:
    async with original_gateway(broker) as connected:
        yield connected


async def handshake(broker: RunningBroker, offer: str | None) -> tuple[int, str]:
    """Status and body for a request with this ``Sec-WebSocket-Protocol`` line."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    } | ({} if offer is None else {"Sec-WebSocket-Protocol": offer})
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /gw HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split()[1])
    body = "" if status == 101 else (await reader.read()).decode()
    writer.close()
    return status, body


@pytest.mark.parametrize("between", [",", ", ", " , ", ",   "])
async def test_spaces_round_the_items_do_not_matter(broker: RunningBroker, between: str) -> None:
    token = original_token(broker.ring.current)
    assert await handshake(broker, f"token{between}{token}") == (101, "")


@pytest.mark.parametrize("form", [None, "{t}", "token", "token,{t},x", "Token,{t}", "{t},token"])
async def test_any_other_form_is_401(broker: RunningBroker, form: str | None) -> None:
    token = original_token(broker.ring.current)
    offer = None if form is None else form.format(t=token)
    assert await handshake(broker, offer) == (401, "Invalid subprotocols")


async def test_garbage_is_401_and_not_500(broker: RunningBroker) -> None:
    assert await handshake(broker, "token,garbage") == (401, "Invalid token")
    with pytest.raises(HTTPClientError) as caught:
        await AsyncHTTPClient().fetch(f"{broker.http}/gw")
    assert caught.value.code == 401


async def test_nodes_and_values_arrive(broker: RunningBroker, gateway: OriginalGateway) -> None:
    gateway.add("1234", ip="::1", protocol="CoAP", name="é", temperature="23.4°C")
    async with original_client(broker) as client:
        await client.shows("1234", "temperature", "23.4°C")
        assert client.cards == {"1234": gateway.nodes["1234"]}
        gateway.report("1234", "temperature", "24°C")
        await client.shows("1234", "temperature", "24°C")


@pytest.mark.parametrize("value", ["", 7, 1.5, None, True, [1, [2]], {"a": {"b": None}}])
async def test_any_json_is_a_value(
    broker: RunningBroker, gateway: OriginalGateway, value: object
) -> None:
    async with original_client(broker) as client:
        gateway.add("1234", protocol="MQTT")
        await client.shows("1234", "protocol", "MQTT")
        gateway.report("1234", "x", value)
        await eventually(lambda: "x" in client.cards["1234"])
        assert client.cards["1234"]["x"] == value


async def test_a_command_arrives_as_it_is_used_to(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    gateway.add("1234", protocol="CoAP", led="0")
    async with original_client(broker) as client:
        await client.shows("1234", "led", "0")
        uid = client.frames[0]["dst"]
        client.set("1234", "led", "1")
        await client.shows("1234", "led", "1")
        assert gateway.commands == [
            {
                "type": "update",
                "data": {"uid": "1234", "endpoint": "led", "payload": "1"},
                "src": uid,
            }
        ]


async def test_the_broker_asks_it_for_nothing(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    gateway.add("1234", protocol="CoAP", led="0")
    for _ in range(3):
        async with original_client(broker) as client:
            await client.shows("1234", "led", "0")
    assert gateway.read == 0


async def test_a_command_for_another_gateways_node_does_not_reach_it(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    async with original_gateway(broker) as other, original_client(broker) as client:
        gateway.add("1234", protocol="CoAP", led="0")
        other.add("5678", protocol="MQTT", led="0")
        await client.shows("1234", "led", "0")
        await client.shows("5678", "led", "0")
        client.set("5678", "led", "1")
        await client.shows("5678", "led", "1")
        assert gateway.read == 0


async def test_reset_out_and_a_sign_of_life(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    async with original_client(broker) as client:
        gateway.add("1234", protocol="CoAP", led="0")
        gateway.alive()
        await client.shows("1234", "led", "0")
        gateway.reset("1234")
        await eventually(lambda: client.cards["1234"] == {})
        gateway.remove("1234")
        await eventually(lambda: not client.cards)
        assert client.frames[-2:] == [
            {"type": "reset", "uid": "1234"},
            {"type": "out", "uid": "1234"},
        ]


async def test_its_nodes_go_with_it(broker: RunningBroker) -> None:
    async with original_client(broker) as client:
        async with original_gateway(broker) as gateway:
            for uid in ("1", "2", "alive"):
                gateway.add(uid, protocol="MQTT")
            await client.shows("alive", "protocol", "MQTT")
        await eventually(lambda: not client.cards)
        assert client.frames[-3:] == [{"type": "out", "uid": uid} for uid in ("1", "2", "alive")]


async def test_when_it_comes_back_all_is_there_again(broker: RunningBroker) -> None:
    async with original_client(broker) as client:
        for value in ("0", "1"):
            async with original_gateway(broker) as gateway:
                gateway.nodes = {"1234": {"protocol": "MQTT", "led": value}}
                gateway.resend("all")
                await client.shows("1234", "led", value)
            await eventually(lambda: not client.cards)


async def test_what_ended_its_reader_does_not_reach_it(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    gateway.add("1234", protocol="CoAP", led="0")
    async with original_client(broker) as client:
        await client.shows("1234", "led", "0")
        for message in (
            {"type": "update"},
            {"type": "out"},
            {"type": "reset"},
            {"type": "update", "data": None},
            {"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": None}},
            {"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": {}}},
        ):
            client.say(message)
        client.set("1234", "led", "é")
        client.say({"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": 5}})
        await client.shows("1234", "led", "5")
        assert gateway.read == 1


async def test_together_with_features_of_ours(
    broker: RunningBroker, gateway: OriginalGateway
) -> None:
    """A client of ours gets its one result from a gateway that knows of none."""
    gateway.add("1234", protocol="CoAP", led="0")
    async with a_client(broker, "result") as client:
        await client.until(type="update", endpoint="led")
        await client.set("1234", "led", "1", id="7")
        assert (await client.until(type="result"))["status"] == "applied"
        gateway.obeys = False
        await client.set("1234", "led", "0", id="8", timeout=0.1)
        assert (await client.until(type="result"))["status"] == "timeout"
