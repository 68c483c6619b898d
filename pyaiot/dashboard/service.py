# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard, put together from its settings."""

import asyncio
import base64
import contextlib
import logging
import random
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyaiot import __version__
from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Signer
from pyaiot.dashboard.address import BrokerAddress, BrokerUrl
from pyaiot.dashboard.api.endpoint import Routes
from pyaiot.dashboard.api.guard import Guard
from pyaiot.dashboard.api.handler import Api
from pyaiot.dashboard.api.services import House, Services
from pyaiot.dashboard.api.setup import hash_of
from pyaiot.dashboard.api.table import TABLE
from pyaiot.dashboard.appearance import Appearance
from pyaiot.dashboard.assets import Assets
from pyaiot.dashboard.away import waiting_server
from pyaiot.dashboard.book import StoreBook
from pyaiot.dashboard.directory import Directory
from pyaiot.dashboard.ground import FloorPlan, Grounds, Tiles
from pyaiot.dashboard.live import Live
from pyaiot.dashboard.roll import Roll
from pyaiot.dashboard.server import Site
from pyaiot.errors import SettingsInvalid, StoreAway
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, link_url
from pyaiot.link.keyfile import exposed, read_keys
from pyaiot.link.listen import only_loopback, open_sockets
from pyaiot.link.subscriber import Subscriber, client_url
from pyaiot.messages.codec import to_service
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.types import Feature, ForService
from pyaiot.model.access import LEVELS, NOTHING, Permission
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.settings import KEY_FILE, DashboardSettings
from pyaiot.store.store import Store

RETRY: Final = 1.0
"""Seconds until a store that is away is asked again."""

_log: Final = logging.getLogger(__name__)


async def serve(
    settings: DashboardSettings,
    ready: Callable[[str], None],
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve page and REST API until cancelled.

    `say` tells whoever started this what is in no log: where there is no account yet, the link
    that makes the first one.

    Raises SettingsInvalid for an address or a title that cannot be used, KeyFileInvalid, and
    StartFailed when the page or the floor plan is not there, the store cannot be used, or the port
    is taken.
    """
    site = _site(settings)
    ring = _keys(settings.key_file)
    link = _link(settings, ring)
    subscriber = _subscriber(settings, ring)
    async with contextlib.AsyncExitStack() as closing:
        # Tornado's own `bind_sockets` looks names up in the event loop's turn, and leaves sockets
        # behind when it fails.
        sockets = await open_sockets(settings.web_host, settings.web_port)
        for each in sockets:
            closing.callback(each.close)
        store = await _opened(settings.store or "", site, sockets)
        closing.push_async_callback(store.close)
        services = _services(settings, ring or _own_keys(), sockets, store, subscriber)
        services.recorder_health = settings.recorder_health or ""
        await services.directory.changed()
        guard = Guard(services.signer, services.roll, services.house)
        site.api = Api(Routes(TABLE), guard, services)
        server = site.server()
        closing.push_async_callback(server.close_all_connections)
        closing.callback(server.stop)
        server.add_sockets(sockets)
        async with asyncio.TaskGroup() as tasks:
            services.later = tasks.create_task
            tasks.create_task(services.live.run())
            tasks.create_task(services.directory.run(link))
            place = _place(settings.web_host, sockets[0].getsockname()[1])
            if say is not None:
                await _invite(services, settings.public_url or f"http://{_near(place)}/", say)
            ready(f"listening on http://{place}")


async def _invite(services: Services, page: str, say: Callable[[str], None]) -> None:
    """Let whoever reads what is said make the first account, until the next start."""
    token = base64.urlsafe_b64encode(services.token_bytes(32)).decode().rstrip("=")
    if await services.store.accounts.offer_setup(hash_of(token)):
        # Behind the #, which browsers keep to themselves.
        say(f"Nobody has an account yet. Make the first one at {page}#/setup?token={token}")


def _near(place: str) -> str:
    """A place that a browser on this machine can go to."""
    host, _, port = place.rpartition(":")
    return f"localhost:{port}" if host in {"*", "0.0.0.0", "[::]"} else place  # noqa: S104


def _site(settings: DashboardSettings) -> Site:
    return Site(
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
        _moment,
    )


def _services(
    settings: DashboardSettings,
    ring: KeyRing,
    sockets: list[socket.socket],
    store: Store,
    subscriber: Subscriber,
) -> Services:
    loopback = only_loopback(sockets)
    anonymous = settings.anonymous or ("script" if loopback else "none")
    house = House(
        HouseRules(
            NOTHING if anonymous == "none" else LEVELS[Permission(anonymous)], settings.unclaimed
        ),
        loopback,
        chosen=settings.anonymous is not None,
        access_life=settings.access_life,
        refresh_life=settings.refresh_life,
        public_url=settings.public_url or "",
        local_channels=settings.local_channels,
    )
    roll = Roll()
    return Services(
        Signer(ring),
        roll,
        house,
        _moment,
        secrets.token_bytes,
        store,
        Live(subscriber, Backoff(random.random)),
        Directory(StoreBook(store), roll),
    )


def _moment() -> Moment:
    return Moment(time.time(), time.monotonic())


def _keys(key_file: str) -> KeyRing | None:
    """The keys that are shared with the broker; None where there are none at the usual place."""
    if key_file == KEY_FILE and not Path(key_file).expanduser().exists():
        _log.warning(
            "there is no key file %s: the broker does not know this server, nor who logs in here;"
            " make one with aiot-generate-keys",
            key_file,
        )
        return None
    ring = read_keys(key_file)
    if exposed(key_file):
        _log.warning("others may read key file %s: chmod 600 it", key_file)
    return ring


def _own_keys() -> KeyRing:
    return KeyRing((KeyPair.generate(secrets.token_bytes),))


async def _opened(url: str, site: Site, sockets: list[socket.socket]) -> Store:
    """The store, as soon as it is there; until then, all who ask are told to come back.

    Raises StartFailed for one that never will be there.
    """
    async with contextlib.AsyncExitStack() as answering:
        told = False
        while True:
            try:
                return await Store.open(url, time.time)
            except StoreAway as exc:
                reason = exc.reason
            if not told:
                told = True
                _log.warning("%s Trying again until it is there.", reason)
                server = waiting_server(site.health, site.clock)
                answering.push_async_callback(server.close_all_connections)
                answering.callback(server.stop)
                # It closes its own; others wait in ours until there is somebody to answer.
                server.add_sockets([each.dup() for each in sockets])
            await asyncio.sleep(RETRY)


def _reached(settings: DashboardSettings) -> tuple[str, str, bool]:
    """The broker's host and port as this server reaches it, and whether by TLS."""
    if settings.broker_link is None:
        return settings.broker_host or "localhost", str(settings.broker_port), settings.broker_ssl
    place = settings.broker_link.removeprefix("wss://")
    tls = place != settings.broker_link
    host, port = place, ""
    if not place.endswith("]") and (place.count(":") == 1 or place.startswith("[")):
        host, _, port = place.rpartition(":")
    return host, port, tls


def _link(settings: DashboardSettings, ring: KeyRing | None) -> Link[ForService] | None:
    host, port, tls = _reached(settings)
    url = link_url(host, port, tls=tls, route="/service")
    if ring is None:
        return None
    return Link(
        url,
        ring,
        Backoff(random.random),
        time.time,
        codec=to_service(),
        name="dashboard",
        features=frozenset({Feature.SIGNED, Feature.BATCH, Feature.DIRECTORY}),
        tls=_trusted(settings.broker_ca) if tls else None,
    )


def _subscriber(settings: DashboardSettings, ring: KeyRing | None) -> Subscriber:
    host, port, tls = _reached(settings)
    return Subscriber(
        client_url(host, int(port) if port.isdecimal() else None, tls=tls),
        [None] if ring is None else ring.pairs,
        time.time,
        tls=_trusted(settings.broker_ca) if tls else None,
    )


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsInvalid(f"broker_ca: cannot use '{ca_file}': {exc}") from exc


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


def _place(host: str, port: int) -> str:
    host = host or "*"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
