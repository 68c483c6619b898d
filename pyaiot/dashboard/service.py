# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard, put together from its settings."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyaiot import __version__
from pyaiot.dashboard.address import BrokerAddress, BrokerUrl
from pyaiot.dashboard.appearance import Appearance
from pyaiot.dashboard.assets import Assets
from pyaiot.dashboard.ground import FloorPlan, Grounds, Tiles
from pyaiot.dashboard.server import Site
from pyaiot.errors import StartFailed
from pyaiot.link.listen import open_sockets
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.settings import DashboardSettings

_log: Final = logging.getLogger(__name__)


async def serve(settings: DashboardSettings, ready: Callable[[str], None]) -> None:
    """Serve the page until cancelled.

    Raises SettingsInvalid for an address or a title that cannot be used, StartFailed when the page
    or the floor plan is not there, or the port is taken.
    """
    site = Site(
        Assets.load(_folder(settings.static_path)),
        Appearance(
            settings.title,
            settings.logo,
            settings.favicon,
            settings.camera_url,
            settings.allow_picture,
        ),
        _grounds(settings),
        _broker(settings),
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


def _broker(settings: DashboardSettings) -> BrokerAddress | BrokerUrl:
    if settings.broker_url:
        return BrokerUrl.of(settings.broker_url)
    return BrokerAddress.of(settings.broker_host, settings.broker_port, secure=settings.broker_ssl)


def _grounds(settings: DashboardSettings) -> Grounds:
    if settings.map_api_key:
        _log.warning("map_api_key is not used: the map needs no key (see map_tiles)")
    plan = settings.floor_plan
    tiles = settings.map_tiles
    return Grounds(
        FloorPlan.load(Path(plan).expanduser()) if plan else None,
        Tiles(tiles, settings.map_attribution.strip()) if tiles else None,
    )


def _folder(chosen: str | None) -> Path:
    return Path(chosen).expanduser() if chosen else Path(__file__).parent / "static"


async def _listen(host: str, port: int) -> list[socket.socket]:
    # Tornado's own `bind_sockets` looks names up in the event loop's turn, and leaves sockets
    # behind when it fails.
    try:
        return await open_sockets(host, port)
    except StartFailed as exc:
        raise StartFailed(f"{exc} (--web-host, --web-port)") from exc


def _place(host: str, port: int) -> str:
    host = host or "*"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
