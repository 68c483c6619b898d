# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard, put together from its settings."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from tornado.netutil import bind_sockets

from pyaiot import __version__
from pyaiot.dashboard.address import BrokerAddress
from pyaiot.dashboard.appearance import Appearance
from pyaiot.dashboard.assets import Assets
from pyaiot.dashboard.server import Site
from pyaiot.errors import StartFailed
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
        __version__,
    )
    sockets = _listen(settings.web_host, settings.web_port)
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


def _listen(host: str, port: int) -> list[socket.socket]:
    try:
        return bind_sockets(port, host or None)
    except OSError as exc:
        raise StartFailed(
            f"cannot listen on {_place(host, port)}: {exc.strerror or exc} (--web-host, --web-port)"
        ) from exc


def _place(host: str, port: int) -> str:
    host = host or "*"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
