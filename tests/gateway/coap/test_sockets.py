# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import errno
import socket
from random import Random
from typing import Any

import pytest

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.coap import sockets
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.coap.sockets import (
    Sender,
    bind_all,
    bound_sockets,
    error_text,
    sender,
    socket_address,
    source,
)
from tests.contracts.adapter import Heard, running
from tests.gateway.coap.firmware import firmware, free_port


def addresses(bound: list[socket.socket]) -> list[str]:
    names = [sock.getsockname()[0] for sock in bound]
    for sock in bound:
        sock.close()
    return names


async def test_everywhere_is_one_socket() -> None:
    assert addresses(await bound_sockets("", 0)) == ["::"]


@pytest.mark.parametrize(
    ("host", "bound"),
    [("127.0.0.1", "::ffff:127.0.0.1"), ("::1", "::1"), ("[::1]", "::1")],
)
async def test_one_address(host: str, bound: str) -> None:
    assert addresses(await bound_sockets(host, 0)) == [bound]


async def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(StartFailed, match=r"nonesuch\.invalid"):
        await bound_sockets("nonesuch.invalid", 0)
    with pytest.raises(StartFailed):
        await bound_sockets("x" * 300, 0)


def test_all_addresses_of_a_name_share_one_port() -> None:
    bound = bind_all([("::1", 0, 0, 0), ("127.0.0.1", 0), ("127.0.0.1", 0)], 0)
    ports = {sock.getsockname()[1] for sock in bound}
    assert addresses(bound) == ["::1", "::ffff:127.0.0.1"]
    assert len(ports) == 1


def test_addresses_that_this_machine_lacks() -> None:
    assert addresses(bind_all([("203.0.113.1", 0), ("127.0.0.1", 0)], 0)) == ["::ffff:127.0.0.1"]
    with pytest.raises(StartFailed, match="assign"):
        bind_all([("203.0.113.1", 0)], 0)


def test_a_port_that_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(StartFailed, match=f"port {port}: Address already in use"):
            bind_all([("::1", 0, 0, 0), ("127.0.0.1", 0)], port)
        bind_all([("::1", 0, 0, 0)], port)[0].close()


async def test_two_gateways_do_not_share_a_port() -> None:
    first = CoapAdapter("127.0.0.1", 0)
    async with running(first):
        with pytest.raises(StartFailed, match="in use"):
            await CoapAdapter("127.0.0.1", first.port).run(Heard(), lambda: None)


async def test_both_addresses_of_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*_args: Any, **_kwargs: Any) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", ("::1", 0, 0, 0)), (0, 0, 0, "", ("127.0.0.1", 0))]

    adapter = CoapAdapter("localhost", 0, node_port=free_port(), random=Random(1))
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
        context = running(adapter)
        heard = await context.__aenter__()
    async with firmware(adapter.port, host="::1") as six, firmware(adapter.port) as four:
        for node, name in ((six, "six"), (four, "four")):
            node.resources, node.observable = {"led": b"0"}, {"led"}
            node.post("alive", f"alive:{name}")
            address = next(
                at for at, sighting in await heard_of(heard, name) if sighting.name == name
            )
            await adapter.discover(address)
            assert heard.values(address) == {"led": "0"}
            assert (await adapter.write(address, "led", "1")).confirmed
    await context.__aexit__(None, None, None)


async def heard_of(heard: Heard, name: str) -> list[Any]:
    from tests.waiting import eventually

    await eventually(lambda: any(sighting.name == name for _, sighting in heard.sightings))
    return heard.sightings


LOCAL = socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1") + bytes(4)


def test_senders() -> None:
    assert sender(("::ffff:10.0.0.1", 5, 0, 0), LOCAL) == Sender("10.0.0.1", 5, "127.0.0.1")
    assert sender(("2001:db8::1", 5, 0, 0), None) == Sender("2001:db8::1", 5)
    lo = socket.if_nameindex()[0]
    assert sender(("fe80::1", 5, 0, lo[0]), None) == Sender(f"fe80::1%{lo[1]}", 5)
    assert sender((f"fe80::1%{lo[1]}", 5, 0, lo[0]), None).host == f"fe80::1%{lo[1]}"
    assert sender(("fe80::1", 5, 0, lo[0]), None).ip == "fe80::1"
    # A zone says nothing about addresses that are the same everywhere.
    assert sender(("2001:db8::1", 5, 0, lo[0]), None).host == "2001:db8::1"


def test_a_sender_without_a_zone() -> None:
    assert sender(("fe80::1", 5, 0, 0), None, "tap0").host == "fe80::1%tap0"
    assert sender(("fe80::1", 5, 0, 0), None).host == "fe80::1"
    assert sender(("2001:db8::1", 5, 0, 0), None, "tap0").host == "2001:db8::1"


def test_an_interface_that_has_gone_meanwhile() -> None:
    assert sender(("fe80::1", 5, 0, 99_999), None).host == "fe80::1%99999"
    assert socket_address("fe80::1%99999", 5) == ("fe80::1", 5, 0, 99_999)


def test_a_group_is_nobodys_own_address() -> None:
    for group in ("ff02::fd", "::ffff:224.0.1.187"):
        pktinfo = socket.inet_pton(socket.AF_INET6, group) + bytes(4)
        assert sender(("fe80::1", 5, 0, 0), pktinfo).local == ""


def test_where_to_send() -> None:
    assert socket_address("10.0.0.1", 5) == ("::ffff:10.0.0.1", 5, 0, 0)
    assert socket_address("2001:db8::1", 5) == ("2001:db8::1", 5, 0, 0)
    index, name = socket.if_nameindex()[0]
    assert socket_address(f"fe80::1%{name}", 5) == ("fe80::1", 5, 0, index)
    with pytest.raises(CommandFailed, match="nonesuch0"):
        socket_address("fe80::1%nonesuch0", 5)


def test_from_where_to_send() -> None:
    assert source("") is None
    assert source("127.0.0.1") == LOCAL


def test_what_the_system_says() -> None:
    assert error_text(OSError(errno.ECONNREFUSED, "Connection refused")) == "Connection refused"
    assert error_text(ValueError("Odd.")) == "Odd"
    assert sockets.mapped("1.2.3.4") == "::ffff:1.2.3.4"
