# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pyaiot.errors import StartFailed
from pyaiot.link import listen
from pyaiot.link.listen import named, only_loopback, open_sockets


@contextlib.asynccontextmanager
async def opened(host: str, port: int = 0) -> AsyncIterator[list[socket.socket]]:
    sockets = await open_sockets(host, port)
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


async def test_localhost_is_one_port_on_each_of_its_addresses() -> None:
    async with opened("localhost") as sockets:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert only_loopback(sockets)
        assert "127.0.0.1:" in named(sockets)


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
async def test_all_interfaces_are_not_loopback(host: str) -> None:
    async with opened(host) as sockets:
        assert not only_loopback(sockets)


async def test_ipv6_is_written_in_brackets() -> None:
    class Named:
        def getsockname(self) -> tuple[Any, ...]:
            return "::1", 8000, 0, 0

    assert named([Named()]) == "[::1]:8000"  # type: ignore[list-item]


async def test_a_port_that_is_taken() -> None:
    async with opened("127.0.0.1") as (sock,):
        port = sock.getsockname()[1]
        with pytest.raises(StartFailed, match=rf"Cannot listen on 127.0.0.1, port {port}: Address"):
            await open_sockets("127.0.0.1", port)


async def test_a_name_that_nobody_has() -> None:
    with pytest.raises(StartFailed, match=r"Cannot listen on no-such-host\.invalid"):
        await open_sockets("no-such-host.invalid", 0)


async def test_an_address_of_another_machine() -> None:
    with pytest.raises(StartFailed, match="no such address on this machine"):
        await open_sockets("192.0.2.1", 0)


async def test_what_the_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def addresses(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "192.0.2.1"), (999, "nowhere")]

    monkeypatch.setattr(listen, "_addresses", addresses)
    async with opened("whatever") as sockets:
        assert [sock.getsockname()[0] for sock in sockets] == ["127.0.0.1"]


async def test_one_that_fails_later_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("127.0.0.1") as (taken,):

        async def addresses(_host: str, _port: int) -> list[tuple[int, str]]:
            return [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]

        monkeypatch.setattr(listen, "_addresses", addresses)
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed):
            await open_sockets("whatever", port)
        with socket.socket() as again:
            again.bind(("127.0.0.2", port))
