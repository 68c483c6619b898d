# SPDX-License-Identifier: BSD-3-Clause
"""Where nodes serve, whichever port they post from."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyaiot.errors import CommandFailed, CommandTimeout
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import firmware, udp
from tests.gateway.coap.gate import Gate, gate
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.gateway.coap.node.SECOND_TRY", 0.1)


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate() as running:
        yield running


async def test_where_it_posts_from(running_gate: Gate) -> None:
    async with (
        firmware(running_gate.port) as node,
        firmware(running_gate.port, port=running_gate.node_port) as other,
    ):
        node.resources = {"led": b"0"}
        other.resources = {"led": b"not mine"}
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"led": "0"}


async def test_it_never_reads_where_it_posts_from(running_gate: Gate) -> None:
    async with firmware(running_gate.port, apart=True, port=running_gate.node_port) as node:
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"led": "0"}
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed
        silent = [each for each in node.posting.heard if each.code == wire.GET]
        # Once it is known where the node answers, nobody asks elsewhere.
        assert {each.path for each in silent} == {".well-known/core"}


async def test_each_message_from_a_port_that_is_closed_then(running_gate: Gate) -> None:
    async with firmware(running_gate.port, port=running_gate.node_port) as node:
        node.resources = {"led": b"0"}
        gateway = ("127.0.0.1", running_gate.port)

        async def post(path: str, body: bytes) -> None:
            async with udp() as once:
                asked = wire.request(wire.POST, path, body, token=b"once")
                assert (await once.exchange(asked, gateway)).code == wire.CHANGED

        await post("alive", b"Alive:1234")
        address = await running_gate.seen("1234")
        await post("server", b"temperature:20")
        await running_gate.value(address, "temperature", "20")
        began = asyncio.get_running_loop().time()
        await running_gate.adapter.discover(address)
        assert asyncio.get_running_loop().time() - began < 3  # far from any timeout
        assert running_gate.heard.values(address)["led"] == "0"
        await post("alive", b"Alive:1234")
        assert await running_gate.seen("1234", 2) == address
        await post("server", b"temperature:21")
        await running_gate.value(address, "temperature", "21")
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed


async def test_a_client_that_is_no_server(running_gate: Gate) -> None:
    """The original's test node posts from a client, which answers until it is closed."""
    async with (
        firmware(running_gate.port, port=running_gate.node_port) as node,
        firmware(running_gate.port) as client,
    ):
        node.resources = {"led": b"0"}
        client.errors = {".well-known/core": (wire.NOT_FOUND, b"not a server")}
        client.links = b""
        client.serving.on_datagram = lambda asked, address: client.serving.send(
            wire.Datagram(wire.ACK, wire.NOT_FOUND, asked.mid, asked.token), address
        )
        address = await running_gate.announced(client, "a")
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"led": "0"}


async def test_its_server_comes_up_a_little_later(running_gate: Gate) -> None:
    """The original's test node posts first, from a client that answers all with 4.04."""
    async with firmware(running_gate.port) as client:
        client.serving.on_datagram = lambda asked, address: client.serving.send(
            wire.Datagram(wire.ACK, wire.NOT_FOUND, asked.mid, asked.token), address
        )
        address = await running_gate.announced(client, "a")
        discovery = asyncio.create_task(running_gate.adapter.discover(address))
        await eventually(lambda: client.serving.heard[1:])
    async with firmware(running_gate.port, port=running_gate.node_port) as node:
        node.resources = {"led": b"0"}
        await discovery
        assert running_gate.heard.values(address) == {"led": "0"}


async def test_it_says_where_it_serves(running_gate: Gate) -> None:
    async with firmware(running_gate.port, apart=True) as node:
        node.resources = {"led": b"0"}
        node.post("alive", "alive:a", query=f"port={node.serving.port}")
        address = await running_gate.seen("a")
        assert address == f"127.0.0.1:{node.serving.port}"
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"led": "0"}
        async with udp() as elsewhere:
            query = f"port={node.serving.port}"
            node.post("server", "led:1", query=query, source=elsewhere)
            await running_gate.value(address, "led", "1")
        assert not [each for each in node.posting.heard if each.code == wire.GET]


async def test_several_behind_one_host(running_gate: Gate) -> None:
    async with firmware(running_gate.port) as one, firmware(running_gate.port) as two:
        one.resources, two.resources = {"led": b"1"}, {"led": b"2"}
        first = await running_gate.announced(one, "one")
        second = await running_gate.announced(two, "two")
        assert first != second
        await asyncio.gather(
            running_gate.adapter.discover(first), running_gate.adapter.discover(second)
        )
        assert running_gate.heard.values(first) == {"led": "1"}
        assert running_gate.heard.values(second) == {"led": "2"}
        await running_gate.adapter.write(second, "led", "9")
        assert (one.written, two.written) == ([], [("led", b"9")])


async def test_nobody_answers_anywhere(running_gate: Gate) -> None:
    async with firmware(running_gate.port) as node:
        address = await running_gate.announced(node, "a")
    with pytest.raises(CommandFailed) as caught:
        await running_gate.adapter.discover(address)
    assert "answers neither" in caught.value.reason
    with pytest.raises(CommandFailed):
        await running_gate.adapter.write(address, "led", "1")


async def test_it_is_silent_everywhere() -> None:
    async with (
        gate(patience=0.2) as running_gate,
        firmware(running_gate.port, apart=True, port=running_gate.node_port) as node,
    ):
        node.frozen = True
        address = await running_gate.announced(node, "a")
        with pytest.raises(CommandTimeout):
            await running_gate.adapter.discover(address)


async def test_it_answers_but_has_no_list(running_gate: Gate) -> None:
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        serving = node.serving.on_datagram
        assert serving is not None

        def unlisted(asked: wire.Datagram, address: tuple[object, ...]) -> None:
            if asked.path == ".well-known/core":
                answer = wire.Datagram(wire.ACK, wire.NOT_FOUND, asked.mid, asked.token)
                node.serving.send(answer, address)
            else:
                serving(asked, address)

        node.serving.on_datagram = unlisted
        with pytest.raises(CommandFailed, match=r"4\.04"):
            await running_gate.adapter.discover(address)
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed


async def test_it_moves_to_another_port_of_its_host(running_gate: Gate) -> None:
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"old"}
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"new"}
        assert await running_gate.announced(node, "a") == address
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == {"led": "new"}


async def test_it_moves_to_another_host(running_gate: Gate) -> None:
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"old"}
        old = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(old)
    async with firmware(running_gate.port, host="127.0.0.2") as node:
        node.resources = {"led": b"new"}
        new = await running_gate.announced(node, "a")
        assert new == f"127.0.0.2:{node.serving.port}"
        await running_gate.adapter.discover(new)
        assert running_gate.heard.values(new) == {"led": "new"}
    with pytest.raises(CommandFailed, match="no node"):
        await running_gate.adapter.discover(old)


async def test_it_serves_elsewhere_after_a_restart(running_gate: Gate) -> None:
    """It is still known by the port it posted from; that one now turns messages away."""
    async with firmware(running_gate.port) as node:
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
    async with firmware(running_gate.port, port=running_gate.node_port) as node:
        node.resources = {"led": b"0"}
        with pytest.raises(CommandFailed):
            await running_gate.adapter.write(address, "led", "1")
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed


async def test_another_node_takes_its_place(running_gate: Gate) -> None:
    async with firmware(running_gate.port, port=running_gate.node_port) as node:
        node.resources = {"led": b"0"}
        async with udp() as first, udp() as second:
            node.post("alive", "alive:old", source=first)
            old = await running_gate.seen("old")
            await running_gate.adapter.discover(old)
            node.post("alive", "alive:new", source=second)
            new = await running_gate.seen("new")
            await running_gate.adapter.discover(new)
        with pytest.raises(CommandFailed, match="Another node"):
            await running_gate.adapter.write(old, "led", "1")
        assert (await running_gate.adapter.write(new, "led", "1")).confirmed


async def test_ipv6() -> None:
    async with gate("::1") as running_gate, firmware(running_gate.port, host="::1") as node:
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        assert address == f"[::1]:{node.serving.port}"
        assert running_gate.heard.sightings[0][1].facts == {"ip": "::1"}
        await running_gate.adapter.discover(address)
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed


async def test_ipv4_and_ipv6_at_once() -> None:
    async with (
        gate("") as running_gate,
        firmware(running_gate.port, host="::1") as six,
        firmware(running_gate.port) as four,
    ):
        for node, name in ((six, "six"), (four, "four")):
            node.resources = {"led": b"0"}
            address = await running_gate.announced(node, name)
            await running_gate.adapter.discover(address)
            assert (await running_gate.adapter.write(address, "led", "1")).confirmed


def link_local() -> tuple[str, str, int]:
    """A link-local address of this machine: the IP, its interface and that one's number."""
    table = Path("/proc/net/if_inet6")
    for line in table.read_text().splitlines() if table.exists() else []:
        digits, index, _, scope, _, name = line.split()
        if scope == "20":
            return str(ipaddress.IPv6Address(bytes.fromhex(digits))), name, int(index, 16)
    pytest.skip("this machine has no link-local address")


async def test_the_zone_is_kept() -> None:
    ip, interface, index = link_local()
    async with (
        gate("") as running_gate,
        firmware(running_gate.port, host=f"{ip}%{interface}") as node,
    ):
        node.gateway = (ip, running_gate.port, 0, index)
        node.resources = {"led": b"0"}
        address = await running_gate.announced(node, "a")
        assert address == f"[{ip}%{interface}]:{node.serving.port}"
        assert running_gate.heard.sightings[0][1].facts == {"ip": ip}
        await running_gate.adapter.discover(address)
        assert (await running_gate.adapter.write(address, "led", "1")).confirmed
        node.post("server", "led:2")
        await running_gate.value(address, "led", "2")


async def test_requests_come_from_where_the_node_posts_to() -> None:
    """Behind a NAT or firewall a node hears nobody but the address it spoke to."""
    async with gate("") as running_gate, firmware(running_gate.port) as node:
        node.gateway = ("127.0.0.9", running_gate.port)
        node.resources = {"led": b"0"}
        senders: set[object] = set()
        serving = node.serving.on_datagram
        assert serving is not None

        def watch(asked: wire.Datagram, address: tuple[object, ...]) -> None:
            senders.add(address[0])
            serving(asked, address)

        node.serving.on_datagram = watch
        address = await running_gate.announced(node, "a")
        await running_gate.adapter.discover(address)
        assert senders == {"127.0.0.9"}


async def test_a_zone_that_is_no_interface(running_gate: Gate) -> None:
    with pytest.raises(CommandFailed, match="no network interface"):
        running_gate.adapter._transport.remote("fe80::1%nonesuch0", 5683)  # type: ignore[union-attr]


async def test_one_that_is_gone_makes_nobody_else_look_gone(running_gate: Gate) -> None:
    """The system tells that a datagram was turned away when the next one is sent."""
    async with firmware(running_gate.port) as there:
        there.resources = {"led": b"0"}
        address = await running_gate.announced(there, "there")
        await running_gate.adapter.discover(address)
        gone = []
        for number in range(10):
            async with firmware(running_gate.port) as node:
                gone.append(await running_gate.announced(node, f"gone-{number}"))
        attempts = [asyncio.create_task(running_gate.adapter.discover(each)) for each in gone]
        for _ in range(20):
            assert (await running_gate.adapter.write(address, "led", "1")).confirmed
            await asyncio.sleep(0.01)
        for attempt in attempts:
            with pytest.raises(CommandFailed):
                await attempt
