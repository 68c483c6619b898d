# SPDX-License-Identifier: BSD-3-Clause
"""Resources that tell of their changes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pyaiot.errors import CommandFailed
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.coap import adapter as adapters
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware
from tests.gateway.coap.gate import Gate, gate
from tests.waiting import eventually

OVERDUE = 0.15


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Max-Age counts hundredths of a second here."""
    monkeypatch.setattr(
        "pyaiot.gateway.coap.observation.patience",
        lambda age, _chance: 3600.0 if age is None else age / 100,
    )


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate(patience=0.5) as running:
        yield running


@pytest.fixture
async def node(running_gate: Gate) -> AsyncIterator[Firmware]:
    async with firmware(running_gate.port) as node:
        node.resources = {"count": b"1", "led": b"0"}
        node.observable = {"count"}
        yield node


@pytest.fixture
async def address(running_gate: Gate, node: Firmware) -> Address:
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    return address


def registrations(node: Firmware) -> list[wire.Datagram]:
    return [each for each in node.requests("count") if each.uint(wire.OBSERVE) == 0]


async def test_changes_are_reported(running_gate: Gate, node: Firmware, address: Address) -> None:
    assert running_gate.heard.values(address) == {"count": "1", "led": "0"}
    node.notify("count", b"2")
    await running_gate.value(address, "count", "2")
    node.notify("count", b"3", type=wire.CON)
    await running_gate.value(address, "count", "3")
    assert len(registrations(node)) == 1
    assert not [each for each in node.requests("led") if each.uint(wire.OBSERVE) is not None]
    await eventually(lambda: [each for each in node.serving.heard if each.type == wire.ACK])


async def test_old_changes_are_not_reported(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.notify("count", b"2")
    await running_gate.value(address, "count", "2")
    ((token, to),) = node.observers["count"].items()
    old = wire.Datagram(wire.NON, wire.CONTENT, 99, token, [(wire.OBSERVE, b"\x01")], b"old")
    node.serving.send(old, to)
    node.notify("count", b"3")
    await running_gate.value(address, "count", "3")
    assert "old" not in [said.value for said in running_gate.heard.reports]


async def test_silence_beyond_max_age(running_gate: Gate, node: Firmware) -> None:
    node.max_age = 15
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    node.resources["count"] = b"2"
    await running_gate.value(address, "count", "2")
    first, second = registrations(node)[:2]
    assert first.token == second.token
    assert first.mid != second.mid
    assert len(node.observers["count"]) == 1


async def test_discovering_again_is_no_second_observation(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    await asyncio.gather(
        running_gate.adapter.discover(address), running_gate.adapter.discover(address)
    )
    assert len({each.token for each in registrations(node)}) == 1
    assert len(node.observers["count"]) == 1
    node.notify("count", b"2")
    await running_gate.value(address, "count", "2")
    assert [said.value for said in running_gate.heard.reports].count("2") == 1


async def test_a_restart(running_gate: Gate, node: Firmware, address: Address) -> None:
    node.observers.clear()
    node.resources["count"] = b"0"
    node.post("alive", "reset:a")
    await running_gate.value(address, "count", "0")
    node.notify("count", b"1")
    await running_gate.value(address, "count", "1")


async def test_it_did_not_answer_and_is_heard_again(running_gate: Gate, node: Firmware) -> None:
    node.max_age = 10
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    node.frozen = True
    before = len(registrations(node))
    await eventually(lambda: len(registrations(node)) > before)
    await asyncio.sleep(0.7)  # longer than the gateway waits for an answer
    node.frozen, node.max_age = False, None
    node.resources["count"] = b"back"
    asked = len(registrations(node))
    node.post("alive", "alive:a")
    await running_gate.value(address, "count", "back")
    assert len(registrations(node)) == asked + 1


@pytest.mark.usefixtures("address")
async def test_it_moves_to_another_host(running_gate: Gate, node: Firmware) -> None:
    async with firmware(running_gate.port, host="127.0.0.2") as moved:
        moved.resources = {"count": b"moved", "led": b"0"}
        moved.observable = {"count"}
        new = await running_gate.announced(moved, "a")
        await running_gate.value(new, "count", "moved")
        moved.notify("count", b"5")
        await running_gate.value(new, "count", "5")
        # What the node still sends from its old address nobody waits for; it is told so.
        node.notify("count", b"stale")
        await eventually(lambda: node.resets)
        assert "stale" not in running_gate.heard.values(new).values()


@pytest.mark.usefixtures("address")
async def test_another_node_takes_its_place(running_gate: Gate, node: Firmware) -> None:
    node.post("alive", "alive:b")
    await running_gate.seen("b")
    node.notify("count", b"2", type=wire.CON)
    await eventually(lambda: node.resets)
    assert not running_gate.adapter._observed


async def test_another_node_answers_there(running_gate: Gate) -> None:
    async with (
        firmware(running_gate.port, port=running_gate.node_port, apart=True) as node,
        firmware(running_gate.port) as other,
    ):
        node.resources, node.observable = {"count": b"1"}, {"count"}
        old = await running_gate.announced(node, "old")
        await running_gate.adapter.discover(old)
        other.frozen = True
        new = await running_gate.announced(other, "new")
        await running_gate.adapter.discover(new)
        assert len(running_gate.adapter._observed) == 1
        node.notify("count", b"2")
        await running_gate.value(new, "count", "2")


async def test_the_node_ends_it(running_gate: Gate, node: Firmware) -> None:
    node.max_age = 30
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    node.end_observation("count")
    await eventually(lambda: len(registrations(node)) == 2)
    node.notify("count", b"again")
    await running_gate.value(address, "count", "again")


async def test_it_cannot_be_observed_after_all(running_gate: Gate, node: Firmware) -> None:
    node.links = b"</count>;obs,</led>"
    node.observable = set()
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    assert running_gate.heard.values(address) == {"count": "1", "led": "0"}
    await eventually(lambda: not running_gate.adapter._observed)
    node.resources["count"] = b"2"
    await running_gate.adapter.discover(address)
    assert running_gate.heard.values(address)["count"] == "2"


async def test_long_values_come_in_blocks(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.block = 2
    node.notify("count", b"x" * 300)
    await running_gate.value(address, "count", "x" * 300)


async def test_a_long_value_whose_end_does_not_come(
    running_gate: Gate, node: Firmware, address: Address
) -> None:
    node.block = 2
    node.asleep = {"count"}
    node.notify("count", b"x" * 300)
    await eventually(lambda: [each for each in node.requests("count") if each.block(wire.BLOCK2)])
    node.asleep = set()
    node.block = 6
    node.notify("count", b"short")
    await running_gate.value(address, "count", "short")


async def test_an_observable_resource_that_fails(
    running_gate: Gate, node: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again, but not each time that the node is heard."""
    monkeypatch.setattr("pyaiot.gateway.coap.observation.REFUSED", 0.3)
    node.errors = {"count": (wire.SERVER_ERROR, b"broken")}
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    assert running_gate.heard.values(address) == {"led": "0"}
    node.errors = {}
    asked = len(registrations(node))
    await running_gate.announced(node, "a")
    await running_gate.announced(node, "a")
    assert len(registrations(node)) == asked
    await asyncio.sleep(0.3)
    await running_gate.announced(node, "a")
    await running_gate.value(address, "count", "1")


async def test_more_than_may_be(running_gate: Gate, node: Firmware) -> None:
    """What is too long is not asked for again and again, and the node is told to stop."""
    node.resources["count"] = bytes(70_000)
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    assert running_gate.heard.values(address) == {"led": "0"}
    asked = len(node.requests("count"))
    await running_gate.announced(node, "a")
    node.notify("count", b"1")
    await eventually(lambda: node.resets)
    assert len(node.requests("count")) == asked


async def test_observations_are_bounded(
    running_gate: Gate, node: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "MAX_OBSERVATIONS", 2)
    node.resources = {f"r{number}": b"x" for number in range(5)}
    node.observable = set(node.resources)
    address = await running_gate.announced(node, "a")
    await running_gate.adapter.discover(address)
    assert len(running_gate.heard.values(address)) == 5
    assert len(node.observers) == 2
    monkeypatch.setattr(adapters, "MAX_ALL_OBSERVATIONS", 2)
    async with firmware(running_gate.port) as other:
        other.resources, other.observable = {"count": b"1"}, {"count"}
        address = await running_gate.announced(other, "b")
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"count": "1"}
        assert not other.observers


async def test_values_that_nobody_waits_for(running_gate: Gate, node: Firmware) -> None:
    """A node that observes for us since before our restart is told to stop."""
    stale = wire.Datagram(wire.NON, wire.CONTENT, 5, b"old!", [(wire.OBSERVE, b"\x07")], b"1")
    node.serving.send(stale, node.gateway)
    await eventually(lambda: node.resets == [5])
    assert running_gate.heard.reports == []


async def test_the_end_of_the_gateway_ends_a_discovery() -> None:
    async with gate() as running_gate, firmware(running_gate.port) as node:
        node.resources, node.observable = {"count": b"1"}, {"count"}
        address = await running_gate.announced(node, "a")
        node.asleep = {"count"}
        attempt = asyncio.create_task(running_gate.adapter.discover(address))
        await eventually(lambda: registrations(node))
    async with asyncio.timeout(2):
        await asyncio.wait({attempt})
    failure = attempt.exception()
    assert failure is None or isinstance(failure, CommandFailed)
