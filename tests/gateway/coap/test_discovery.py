# SPDX-License-Identifier: BSD-3-Clause
"""What is learnt of a node by asking it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.adapter import Address
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware
from tests.gateway.coap.gate import Gate, gate
from tests.waiting import eventually


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate(patience=0.5) as running:
        yield running


@pytest.fixture
async def node(running_gate: Gate) -> AsyncIterator[Firmware]:
    async with firmware(running_gate.port) as node:
        yield node


@pytest.fixture
async def address(running_gate: Gate, node: Firmware) -> Address:
    return await running_gate.announced(node, "a")


async def discover(running_gate: Gate, address: Address) -> dict[str, object]:
    await running_gate.adapter.discover(address)
    return dict(running_gate.heard.values(address))


async def test_as_firmwares_answer(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.links = b"</.well-known/core>;ct=40,</led>;ct=0,</cli/stats>,</temperature>,</imu>,</raw>"
    node.resources = {
        "led": b"0",
        "cli/stats": b"7",
        "temperature": "23.4°C".encode().ljust(64, b"\0"),
        "imu": b'imu:[{"type":"acc","values":[1,2,3]}]',
        "raw": b"\x00\x01\xff",
    }
    assert await discover(running_gate, address) == {
        "led": "0",
        "cli/stats": "7",
        "temperature": "23.4°C",
        "imu": '[{"type":"acc","values":[1,2,3]}]',
        "raw": "AAH/",
    }
    assert len(node.requests(".well-known/core")) == 1
    assert max(node.sizes) < 128
    assert node.asked[0].all(wire.CONTENT_FORMAT) == []


async def test_politely(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.resources = {f"r{number}": b"x" for number in range(8)}
    node.slow = 0.02
    assert len(await discover(running_gate, address)) == 8
    assert node.most_outstanding == 2


async def test_slow_answers_come_separately(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = {"led": b"0"}
    node.slow = 0.15
    assert await discover(running_gate, address) == {"led": "0"}
    # They are confirmable, and were acknowledged.
    await eventually(lambda: [each for each in node.serving.heard if each.type == wire.ACK])


async def test_long_values_come_in_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.block = 1
    node.resources = {f"a-rather-long-name-{number}": b"%d" % number for number in range(30)}
    node.resources["js"] = b"x" * 1000
    values = await discover(running_gate, address)
    assert values["js"] == "x" * 1000
    assert len(values) == 31


async def test_only_values_are_forwarded(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = dict.fromkeys(("a", "b", "c", "d", "e"), b"good")
    node.errors = {
        "b": (wire.NOT_FOUND, b"nope"),
        "c": (wire.SERVER_ERROR, b""),
        "d": (wire.CHANGED, b"what?"),
    }
    assert await discover(running_gate, address) == {"a": "good", "e": "good"}


async def test_a_resource_that_is_never_answered(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = dict.fromkeys(("a", "b", "c"), b"good")
    node.asleep = {"a"}
    assert await discover(running_gate, address) == {"b": "good", "c": "good"}


async def test_a_node_that_stops_answering(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = {f"r{number}": b"x" for number in range(20)}
    node.asleep = {f"r{number}" for number in range(1, 20)}
    with pytest.raises(CommandTimeout):
        await running_gate.adapter.discover(address)
    assert running_gate.heard.values(address) == {"r0": "x"}
    assert {each.path for each in node.asked} <= {".well-known/core", "r0", "r1", "r2", "r3"}


async def test_values_are_bounded(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.resources = {"endless": bytes(200_000), "said": b"x", "led": b"0"}
    node.links = b"</endless>,</said>;sz=100000,</led>"
    assert await discover(running_gate, address) == {"led": "0"}
    assert len(node.requests("endless")) <= 66
    assert node.requests("said") == []


async def test_blocks_that_do_not_fit(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.resources = {"bad": b"x" * 200, "led": b"0"}
    node.block = 2
    cut = node._cut

    def wrong(response: wire.Datagram, number: int) -> None:
        cut(response, number)
        if number == 1:
            response.payload += b"more"

    node._cut = wrong  # type: ignore[method-assign]
    assert await discover(running_gate, address) == {"led": "0"}


async def test_resources_are_bounded(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.resources = {f"r{number}": b"x" for number in range(300)}
    assert len(await discover(running_gate, address)) == 256


async def test_a_path_that_its_name_does_not_say(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = {"a/b": b"0", "c d": b"1"}
    node.links = b"</a%2Fb>,</c%20d>"
    assert await discover(running_gate, address) == {"a/b": "0", "c d": "1"}
    await running_gate.adapter.write(address, "a/b", "1")
    await running_gate.adapter.write(address, "c d", "1")
    asked = [each.all(wire.URI_PATH) for each in node.asked if each.code == wire.PUT]
    assert asked == [[b"a/b"], [b"c d"]]


async def test_no_list(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.links = b""
    assert await discover(running_gate, address) == {}


async def test_a_cancelled_discovery_leaves_nothing(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.resources = {"led": b"0"}
    node.asleep = {"led"}
    attempt = asyncio.create_task(running_gate.adapter.discover(address))
    await eventually(lambda: node.requests("led"))
    attempt.cancel()
    await asyncio.wait({attempt})
    assert attempt.cancelled()
    transport = running_gate.adapter._transport
    assert transport is not None
    assert not transport._waiting
    assert not any(each.exchanges._active_exchanges for each in transport._sockets)


async def test_not_while_it_does_not_run(node: Firmware) -> None:
    async with gate() as other:
        node.gateway = ("127.0.0.1", other.port)
        address = await other.announced(node, "a")
    with pytest.raises(CommandFailed, match="not running"):
        await other.adapter.discover(address)
