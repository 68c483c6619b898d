# SPDX-License-Identifier: BSD-3-Clause
"""The gateway's UDP socket, and what its addresses mean."""

import asyncio
import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from pyaiot.errors import CommandFailed, ListenFailed

SocketAddress: TypeAlias = tuple[str, int, int, int]
"""Of an IPv6 socket: IP, port, flow, and the number of the interface for link-local IPs."""

_RECEIVE_BUFFER: Final = 1 << 20
_REMEMBERED: Final = 4096
"""Addresses whose texts are kept; making them takes longer than all else about a message."""

_ADDRESS: Final = struct.Struct("16s")
_PKTINFO: Final = struct.Struct("16sI")
"""``struct in6_pktinfo`` (RFC 3542 section 6)."""


class Sender(NamedTuple):
    """Where a message came from."""

    host: str
    """IPv4 in its own notation; link-local IPv6 with its zone."""
    port: int
    local: str = ""
    """Our address to which it was sent; empty where that is nobody's own (multicast)."""

    @property
    def ip(self) -> str:
        """The host without its zone."""
        return self.host.partition("%")[0]


async def bound_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on `host`; one for IPv6 and IPv4 if it is empty: on all interfaces.

    A name gets one for each of its addresses: ``localhost`` often has two. They share their port
    with nobody, or of two gateways each would hear some of the messages. Raises StartFailed when
    that is not possible.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]") or "::", port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as exc:
        raise ListenFailed(f"Cannot listen on '{host}': {error_text(exc)}.") from exc
    return bind_all([address for *_, address in found], port)


def bind_all(addresses: Iterable[tuple[Any, ...]], port: int) -> list[socket.socket]:
    """A socket for each of `addresses` that this machine has, all on one port.

    Raises StartFailed when the port is taken at one of them, or none is this machine's.
    """
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for ip, _, *rest in dict.fromkeys(addresses):
            try:
                sockets.append(_bind(mapped(ip), port, *rest))
            except OSError as exc:
                # A name may stand for an IPv6 address where IPv6 is switched off.
                if exc.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise
                absent = exc
            else:
                port = sockets[-1].getsockname()[1]
        if not sockets and absent is not None:
            raise absent
    except OSError as exc:
        for sock in sockets:
            sock.close()
        raise ListenFailed(f"Cannot listen on UDP port {port}: {error_text(exc)}.") from exc
    return sockets


def _bind(*address: Any) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Nodes do not repeat what is lost while the gateway is busy.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def mapped(ip: str) -> str:
    """`ip` as an IPv6 socket takes it."""
    return ip if ":" in ip else f"::ffff:{ip}"


def socket_address(host: str, port: int) -> SocketAddress:
    """Where to send for `host`, an IP with or without a zone.

    Raises CommandFailed when there is no such zone.
    """
    ip, _, zone = host.partition("%")
    if not zone:
        return mapped(ip), port, 0, 0
    try:
        scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    except OSError as exc:
        raise CommandFailed(f"There is no network interface '{zone}'.") from exc
    return ip, port, 0, scope


def sender(address: tuple[Any, ...], pktinfo: bytes | None, interface: str = "") -> Sender:
    """Who sent a datagram; `interface` is the zone of link-local hosts that come without one."""
    host, is_link_local = _readable(address[0])
    if is_link_local:
        zone = _interface_name(address[3]) if address[3] else interface
        host = f"{host}%{zone}" if zone else host
    return Sender(host, address[1], local_address(pktinfo))


def local_address(pktinfo: bytes | None) -> str:
    """Our address to which a datagram was sent; empty where that is a group's."""
    return "" if pktinfo is None else _own(pktinfo[: _ADDRESS.size])


def source(local: str) -> bytes | None:
    """What makes a datagram leave from our address `local`, by whichever interface."""
    return _PKTINFO.pack(socket.inet_pton(socket.AF_INET6, mapped(local)), 0) if local else None


def error_text(exc: Exception) -> str:
    """What the system says, without a number and a full stop."""
    return str(getattr(exc, "strerror", None) or exc).rstrip(".")


@lru_cache(_REMEMBERED)
def _readable(ip: str) -> tuple[str, bool]:
    """An address as people write it, and whether it is link-local."""
    parsed = ipaddress.IPv6Address(ip.partition("%")[0])
    return str(parsed.ipv4_mapped or parsed), parsed.is_link_local


@lru_cache(_REMEMBERED)
def _own(packed: bytes) -> str:
    parsed = ipaddress.IPv6Address(packed)
    ours = parsed.ipv4_mapped or parsed
    return "" if ours.is_multicast else str(ours)


def _interface_name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:  # it has gone meanwhile
        return str(index)
