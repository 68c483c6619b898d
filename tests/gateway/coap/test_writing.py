# SPDX-License-Identifier: BSD-3-Clause
"""Setting resources of nodes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.adapter import Address, Written
from pyaiot.gateway.coap.transport import Tuning
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware
from tests.gateway.coap.gate import Gate, gate
from tests.waiting import eventually


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate() as running:
        yield running


@pytest.fixture
async def node(running_gate: Gate) -> AsyncIterator[Firmware]:
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"0", "js": b"", "cli/stats": b"0"}
        yield node


@pytest.fixture
async def address(running_gate: Gate, node: Firmware) -> Address:
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    node.sizes.clear()
    return address


def puts(node: Firmware) -> list[wire.Datagram]:
    return [each for each in node.asked if each.code == wire.PUT]


async def test_a_small_value(running_gate: Gate, node: Firmware, address: Address) -> None:
    assert await running_gate.adapter.write(address, "led", "1") == Written(confirmed=True)
    (asked,) = puts(node)
    assert asked.type == wire.CON
    assert asked.options == [(wire.URI_PATH, b"led")]
    assert asked.payload == b"1"


async def test_the_value_is_the_nodes_own(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.echoes = True
    assert await running_gate.adapter.write(address, "led", "1") == Written(True, "1")
    node.refused = {"led": (wire.CHANGED, b"led:0")}
    assert await running_gate.adapter.write(address, "led", "1") == Written(True, "0")


@pytest.mark.parametrize("code", [wire.CHANGED, wire.CONTENT, wire.CREATED])
async def test_what_counts_as_done(
    running_gate: Gate, node: Firmware, address: Address, code: int
) -> None:
    node.refused = {"led": (code, b"Updated")}
    assert await running_gate.adapter.write(address, "led", "1") == Written(confirmed=True)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ((wire.BAD_REQUEST, b"one byte\r\nonly\0"), "4.00 Bad Request: one byte only"),
        ((wire.NOT_ALLOWED, b""), "4.05 Method Not Allowed."),
        ((wire.SERVER_ERROR, b"\xff" * 500), "5.00 Internal Server Error: "),
        ((0x43, b"etag"), "2.03 Valid."),
        ((0x42, b""), "2.02 Deleted."),
    ],
)
async def test_refusals(
    running_gate: Gate, node: Firmware, address: Address, refusal: tuple[int, bytes], reason: str
) -> None:
    node.refused = {"led": refusal}
    with pytest.raises(CommandFailed) as caught:
        await running_gate.adapter.write(address, "led", "1")
    assert caught.value.reason.startswith(reason)
    assert len(caught.value.reason) < 200


async def test_nested_paths(running_gate: Gate, node: Firmware, address: Address) -> None:
    for name in ("cli/stats", "/cli/stats"):
        await running_gate.adapter.write(address, name, "1")
    assert [each.all(wire.URI_PATH) for each in puts(node)] == [[b"cli", b"stats"]] * 2


async def test_names_that_are_no_paths(running_gate: Gate, address: Address) -> None:
    for name in ("../x", "x" * 300):
        with pytest.raises(CommandFailed):
            await running_gate.adapter.write(address, name, "1")


async def test_what_is_no_text(running_gate: Gate, address: Address) -> None:
    with pytest.raises(CommandFailed, match="UTF-8"):
        await running_gate.adapter.write(address, "led", "\ud800")


@pytest.mark.parametrize("length", [0, 1, 60, 100, 115, 116, 117, 118, 130, 1000, 5000])
async def test_messages_stay_small(
    running_gate: Gate, node: Firmware, address: Address, length: int
) -> None:
    await running_gate.adapter.write(address, "js", "é" * length)
    assert node.written == [("js", b"\xc3\xa9" * length)]
    assert max(node.sizes) < 128


async def test_a_node_that_wants_smaller_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.block = 0
    await running_gate.adapter.write(address, "js", "x" * 200)
    assert node.written == [("js", b"x" * 200)]


async def test_a_node_that_knows_no_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.takes_blocks = False
    await running_gate.adapter.write(address, "js", "x" * 900)
    assert node.written == [("js", b"x" * 900)]
    with pytest.raises(CommandFailed, match=r"4\.02"):
        await running_gate.adapter.write(address, "js", "x" * 1100)


async def test_a_node_that_ignores_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.refused = {"js": (wire.CHANGED, b"")}
    with pytest.raises(CommandFailed, match="as long as this"):
        await running_gate.adapter.write(address, "js", "x" * 900)
    assert len(puts(node)) == 1


async def test_a_node_that_acknowledges_another_block(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    put = node._put

    def wrong(asked: wire.Datagram) -> wire.Datagram:
        response = put(asked)
        response.options = [(wire.BLOCK1, wire.block(5, True, 2))]
        return response

    node._put = wrong  # type: ignore[method-assign]
    with pytest.raises(CommandFailed, match="another block"):
        await running_gate.adapter.write(address, "js", "x" * 900)


async def test_a_node_that_rejects_the_message(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.serving.on_datagram = lambda asked, address: node.serving.send(
        wire.Datagram(wire.RST, wire.EMPTY, asked.mid), address
    )
    with pytest.raises(CommandFailed, match="rejected"):
        await running_gate.adapter.write(address, "led", "1")


async def test_no_answer() -> None:
    async with gate(patience=0.2) as running_gate, firmware(running_gate.port) as node:
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
        node.frozen = True
        with pytest.raises(CommandTimeout):
            await running_gate.adapter.write(address, "led", "1")


async def test_nothing_is_repeated_once_it_is_given_up(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    """And what comes next does not queue behind it."""
    node.frozen = True
    attempts = [
        asyncio.create_task(running_gate.adapter.write(address, "led", value)) for value in "12"
    ]
    await eventually(lambda: len(puts(node)) == 2)
    for attempt in attempts:
        attempt.cancel()
    await asyncio.wait(attempts)
    node.frozen = False
    async with asyncio.timeout(1):  # the first repetition would come after 2 s
        await running_gate.adapter.write(address, "led", "3")
    assert node.written == [("led", b"3")]
    assert [each.payload for each in puts(node)] == [b"1", b"2", b"3"]


async def test_lost_messages_are_repeated(
    running_gate: Gate, node: Firmware, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tuning, "ACK_TIMEOUT", 0.2)
    node.frozen = True
    attempt = asyncio.create_task(running_gate.adapter.write(address, "led", "1"))
    await eventually(lambda: puts(node))
    node.frozen = False
    assert (await attempt).confirmed
    assert puts(node)[0] == puts(node)[1]


async def test_a_node_that_gives_no_end_of_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    """It answers that the block is too large, however small it gets."""
    node.refused = {"js": (wire.TOO_LARGE, b"")}
    with pytest.raises(CommandFailed, match=r"4\.13"):
        await running_gate.adapter.write(address, "js", "x" * 900)
    assert len(puts(node)) == 3
