# SPDX-License-Identifier: BSD-3-Clause
"""The recorder as a service: the broker on one side, the store on the other."""

import asyncio
import contextlib
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable
from typing import Final

from pyaiot import __version__
from pyaiot.accounts.permissions import HouseRules
from pyaiot.errors import SettingsInvalid, StoreAway
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, link_url
from pyaiot.link.keyfile import read_keys
from pyaiot.link.listen import named, open_sockets
from pyaiot.messages.codec import recorded, to_service
from pyaiot.messages.types import Feature, ForService
from pyaiot.model.moment import Moment
from pyaiot.model.retention import Keep, Policy, duration
from pyaiot.observe.health import Health
from pyaiot.recorder.core import Core
from pyaiot.recorder.courier import Courier
from pyaiot.recorder.lookout import Lookout
from pyaiot.recorder.notify import Notifier
from pyaiot.recorder.page import server
from pyaiot.recorder.recorder import Recorder, Watcher
from pyaiot.recorder.rules import Engine
from pyaiot.recorder.sightlines import Sightlines
from pyaiot.recorder.status import Status
from pyaiot.recorder.upkeep import Upkeep
from pyaiot.recorder.writer import Writer
from pyaiot.settings import RecorderSettings
from pyaiot.store.store import Store

FEATURES: Final = frozenset({Feature.SIGNED, Feature.BATCH, Feature.RECORDER})
"""What a recorder asks of its broker."""

_OPENING: Final = "open"

_log: Final = logging.getLogger(__name__)


async def serve(settings: RecorderSettings, ready: Callable[[str], None]) -> None:
    """Record until cancelled.

    `ready` is called with words for the log once `/health` answers. Raises SettingsInvalid,
    KeyFileInvalid or StartFailed when it cannot start; a broker or a database that is not there
    yet is no reason.
    """
    policy = policy_of(settings)
    link = _link(settings)
    core = Core(recorded().decode_each, gather=settings.batch_time, rows=settings.batch_rows)
    status = Status(core.counts)
    page = server(
        Health("aiot-recorder", __version__, time.monotonic()),
        status,
        lambda: core.waiting,
        _now,
    )
    async with contextlib.AsyncExitStack() as closing:
        sockets = await open_sockets(settings.health_host, settings.health_port)
        for each in sockets:
            closing.callback(each.close)
        closing.push_async_callback(page.close_all_connections)
        closing.callback(page.stop)
        page.add_sockets(sockets)
        opening = asyncio.ensure_future(_opened(settings.store or "", status))
        closing.callback(opening.cancel)
        if await _soon(opening):
            # Others need not wait for a database.
            ready(f"listening on {named(sockets)} for /health, storing")
        else:
            ready(f"listening on {named(sockets)} for /health, not storing yet")
        store = await opening
        closing.push_async_callback(store.close)
        writer = Writer(Backoff(random.random), status, time.monotonic)
        recorder = Recorder(
            core, link, writer, status, _now, watchers=[_lookout(settings, store, status)]
        )
        upkeep = Upkeep(
            store.history, store.nodes, policy, status, _now, largest=settings.max_store
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recorder.run(store))
            tasks.create_task(upkeep.run())


def policy_of(settings: RecorderSettings) -> Policy:
    """For how long what is kept. Raises SettingsInvalid."""
    times = []
    for name in ("keep_raw", "keep_minutes", "keep_hours"):
        try:
            times.append(duration(getattr(settings, name)))
        except SettingsInvalid as exc:
            raise SettingsInvalid(f"{name}: {exc}") from None
    return Policy.parse(Keep(*times), settings.keep)


def _lookout(settings: RecorderSettings, store: Store, status: Status) -> Watcher:
    """Who raises alerts."""
    sight = Sightlines(HouseRules(unclaimed=settings.unclaimed))
    return Lookout(
        store,
        sight,
        Engine(sight, lambda: secrets.token_urlsafe(12)),
        Notifier(Courier(), time.monotonic),
        status=status,
        clock=_now,
        local=settings.local_channels,
    )


async def _soon(opening: "asyncio.Future[Store]") -> bool:
    """Whether the store is open after a moment; raises what keeps it from ever being."""
    await asyncio.wait({opening}, timeout=1)
    if opening.done():
        opening.result()
        return True
    return False


async def _opened(url: str, status: Status) -> Store:
    """The store, as soon as it is there. Raises StartFailed for one that never will be."""
    backoff = Backoff(random.random, cap=5)
    while True:
        try:
            store = await Store.open(url, time.time)
        except StoreAway as exc:
            if _OPENING not in status.trouble:
                _log.error("%s Trying again until it is there.", exc.reason)
            status.trouble[_OPENING] = exc.reason
        else:
            if status.trouble.pop(_OPENING, None):
                _log.warning("the store is there")
            return store
        await asyncio.sleep(max(0.1, backoff.next()))


def _link(settings: RecorderSettings) -> Link[ForService]:
    url = link_url(
        settings.broker_host, settings.broker_port, tls=settings.broker_ssl, route="/service"
    )
    return Link(
        url,
        read_keys(settings.key_file),
        Backoff(random.random),
        time.time,
        codec=to_service(),
        name="recorder",
        features=FEATURES,
        tls=_tls(settings.broker_ca) if settings.broker_ssl else None,
    )


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsInvalid(f"broker_ca: cannot use '{ca_file}': {exc}") from exc


def _now() -> Moment:
    return Moment(time.time(), time.monotonic())
