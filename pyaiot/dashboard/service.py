# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard, put together from its settings."""

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from pyaiot import __version__
from pyaiot.dashboard.address import BrokerAddress
from pyaiot.dashboard.appearance import Appearance
from pyaiot.dashboard.assets import Assets
from pyaiot.dashboard.server import Site
from pyaiot.errors import StartFailed
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.settings import DashboardSettings


async def serve(settings: DashboardSettings, ready: Callable[[str], None]) -> None:
    """Serve the page until cancelled.

    Raises SettingsInvalid for an address or a title that cannot be used, StartFailed when the page
    is not there or the port is taken.
    """
    site = Site(
        Assets.load(_folder(settings.static_path)),
        Appearance(settings.title, settings.logo, settings.favicon, settings.camera_url),
        BrokerAddress.of(settings.broker_host, settings.broker_port, secure=settings.broker_ssl),
        Health("aiot-dashboard", __version__, time.monotonic()),
        lambda: Moment(time.time(), time.monotonic()),
    )
    sockets = await _listen(settings.web_host, settings.web_port)
    server = site.server()
    server.add_sockets(sockets)
    try:
        ready(f"listening on http://{_place(settings.web_host, sockets[0].getsockname()[1])}")
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


def _folder(chosen: str | None) -> Path:
    return Path(chosen).expanduser() if chosen else Path(__file__).parent / "static"


async def _listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on all addresses of `host`, or of this machine if it is empty, on one port.

    Tornado's own `bind_sockets` looks names up in the event loop's turn, and leaves sockets behind
    when it fails.
    """
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as opened:
        try:
            for family, address in await _addresses(host):
                sock = _bound(family, address, sockets[0].getsockname()[1] if sockets else port)
                if sock is not None:
                    sockets.append(opened.enter_context(sock))
        except OSError as exc:
            raise _cannot_listen(host, port, exc.strerror) from exc
        if not sockets:
            raise _cannot_listen(host, port, os.strerror(errno.EADDRNOTAVAIL))
        opened.pop_all()
    return sockets


def _cannot_listen(host: str, port: int, reason: str | None) -> StartFailed:
    return StartFailed(f"cannot listen on {_place(host, port)}: {reason} (--web-host, --web-port)")


async def _addresses(host: str) -> list[tuple[int, str]]:
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return sorted({(family, str(address[0])) for family, _, _, _, address in found})


def _bound(family: int, address: str, port: int) -> socket.socket | None:
    """A socket that listens there; None where this machine has no such address.

    In a container `localhost` often has an address of IPv6, and the machine has no IPv6.
    """
    with contextlib.ExitStack() as opened:
        try:
            sock = opened.enter_context(socket.socket(family))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen()
            sock.setblocking(False)
        except OSError as exc:
            if exc.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                return None
            raise
        opened.pop_all()
        return sock


def _place(host: str, port: int) -> str:
    host = host or "*"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
