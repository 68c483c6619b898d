# SPDX-License-Identifier: BSD-3-Clause
"""Sockets to listen on: every address of a host, one port."""

import asyncio
import errno
import socket
from ipaddress import ip_address
from typing import Final

from pyaiot.errors import ListenFailed

BACKLOG: Final = 1024
"""Connections that may wait to be accepted: after a network failure all come back at once."""


async def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on `port` of all addresses of `host`; empty for all interfaces.

    With port 0 it is the same free port on each. Raises StartFailed.
    """
    sockets: list[socket.socket] = []
    try:
        for family, address in await _addresses(host, port):
            sock = _bound(family, address, sockets[0].getsockname()[1] if sockets else port)
            if sock is not None:
                sockets.append(sock)
    except OSError as exc:
        for sock in sockets:
            sock.close()
        where = f"{host or 'all interfaces'}, port {port}"
        raise ListenFailed(f"Cannot listen on {where}: {exc.strerror or exc}.") from exc
    if not sockets:
        raise ListenFailed(f"Cannot listen on {host}: no such address on this machine.")
    return sockets


def only_loopback(sockets: list[socket.socket]) -> bool:
    """Whether nobody but this machine can connect."""
    return all(ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback for sock in sockets)


def named(sockets: list[socket.socket]) -> str:
    """The addresses, as people write them."""
    names = []
    for sock in sockets:
        host, port = sock.getsockname()[:2]
        names.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return ", ".join(names)


async def _addresses(host: str, port: int) -> list[tuple[int, str]]:
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    # A host may be listed twice; IPv4 comes first, as in the log of the original.
    return sorted({(family, str(address[0])) for family, _, _, _, address in found})


def _bound(family: int, address: str, port: int) -> socket.socket | None:
    """A socket that listens there; None if this machine has no such address."""
    try:
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer to a
        # lone message waits 40 ms for the peer's acknowledgement.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError:  # it does not speak that protocol at all
        return None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as exc:
        sock.close()
        # `localhost` often has an IPv6 address in a container that has no IPv6.
        if exc.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return sock
