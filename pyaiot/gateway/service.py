# SPDX-License-Identifier: BSD-3-Clause
"""Any gateway as a service: an adapter of some protocol, the core, the link to the broker."""

import asyncio
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pyaiot.accounts.tokens import Signer
from pyaiot.errors import SettingsInvalid, StartFailed
from pyaiot.gateway.adapter import Adapter
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.journal import DiskJournal
from pyaiot.gateway.registrar import Policy, Registrar
from pyaiot.gateway.shell import Gateway
from pyaiot.gateway.spool import Spool
from pyaiot.link.backoff import Backoff
from pyaiot.link.client import Link, link_url
from pyaiot.link.descriptors import room_for
from pyaiot.link.keyfile import read_keys
from pyaiot.messages.codec import to_gateway
from pyaiot.messages.types import ForGateway
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from pyaiot.settings import (
    CoapGatewaySettings,
    GatewaySettings,
    MqttGatewaySettings,
    WebsocketGatewaySettings,
)

Ready = Callable[[str], None]

SYNC: Final = 1.0
"""Seconds after which the disk has what was written, should the power fail."""


async def serve(settings: GatewaySettings, ready: Ready) -> None:
    """Run the gateway that `settings` are for, until cancelled.

    `ready` is called with words for the log once nodes can reach it. Raises SettingsInvalid or
    StartFailed when it cannot start; a broker that is not there yet is no reason.
    """
    adapter, where = adapter_of(settings)
    name = settings.name or socket.gethostname()
    ring = read_keys(settings.key_file)
    link: Link[ForGateway] = Link(
        link_url(settings.broker_host, settings.broker_port, tls=settings.broker_ssl),
        ring,
        Backoff(random.random),
        time.time,
        codec=to_gateway(),
        # What the broker's log calls it: one machine may run a gateway for each protocol.
        name=f"{name}/{adapter.protocol}",
        accept_unsigned=settings.accept_unsigned,
        tls=_tls(settings.broker_ca) if settings.broker_ssl else None,
    )
    core = GatewayCore(
        name,
        adapter.protocol,
        Liveness(settings.max_time),
        settings.max_nodes,
        Registrar(Policy(settings.registration), Signer(ring)),
    )
    async with _journal(settings.spool_file, adapter.protocol) as journal:
        gateway = Gateway(adapter, link, core, Spool(settings.spool, journal), _now)
        await gateway.run(lambda: ready(f"listening on {where()}"))


@asynccontextmanager
async def _journal(path: str | None, protocol: str) -> AsyncIterator[DiskJournal | None]:
    """The readings on disk at `path`, where that is set, for as long as the block lasts."""
    if path is None:
        yield None
        return
    # The gateways of one process may have the same settings.
    journal = DiskJournal(Path(f"{path}.{protocol.lower()}"), time.monotonic)
    syncing = asyncio.create_task(_sync(journal))
    try:
        yield journal
    finally:
        syncing.cancel()
        await asyncio.wait({syncing})
        journal.close()


async def _sync(journal: DiskJournal) -> None:
    while True:
        await asyncio.sleep(SYNC)
        await asyncio.to_thread(journal.sync)


def adapter_of(settings: GatewaySettings) -> tuple[Adapter, Callable[[], str]]:
    """The adapter that `settings` are for, and what tells where it listens once it runs."""
    make = next((_ADAPTERS[kind] for kind in type(settings).mro() if kind in _ADAPTERS), None)
    if make is None:
        raise StartFailed(f"There is no gateway for {type(settings).__name__}.")
    return make(settings)


# A new protocol adds a function that imports it only when it is wanted, and a line in the table.


def _coap(settings: CoapGatewaySettings) -> tuple[Adapter, Callable[[], str]]:
    from pyaiot.gateway.coap.adapter import CoapAdapter  # noqa: PLC0415 - as said above

    adapter = CoapAdapter(settings.coap_host, settings.coap_port, interface=settings.interface)
    return adapter, lambda: _url("coap", settings.coap_host, adapter.port)


def _mqtt(settings: MqttGatewaySettings) -> tuple[Adapter, Callable[[], str]]:
    from pyaiot.gateway.mqtt.adapter import MqttAdapter  # noqa: PLC0415 - as said above
    from pyaiot.gateway.mqtt.session import Server  # noqa: PLC0415 - as said above

    server = Server(
        settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_ssl,
        settings.mqtt_ca,
        settings.mqtt_user,
        settings.mqtt_password,
    )
    # Its names need to differ from each other, not to be hard to guess.
    adapter = MqttAdapter(server, random.Random())  # noqa: S311 - as said above
    return adapter, lambda: str(adapter.server)


def _websocket(settings: WebsocketGatewaySettings) -> tuple[Adapter, Callable[[], str]]:
    from pyaiot.gateway.websocket.adapter import WebsocketAdapter  # noqa: PLC0415 - as said above

    adapter = WebsocketAdapter(
        settings.gateway_host, settings.gateway_port, max_nodes=room_for(settings.max_nodes)
    )
    return adapter, lambda: _url("ws", settings.gateway_host, adapter.port) + "/node"


_Maker = Callable[[Any], tuple[Adapter, Callable[[], str]]]

_ADAPTERS: Final[Mapping[type[GatewaySettings], _Maker]] = {
    CoapGatewaySettings: _coap,
    MqttGatewaySettings: _mqtt,
    WebsocketGatewaySettings: _websocket,
}


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host or '*'}:{port}"


def _now() -> Moment:
    return Moment(time.time(), time.monotonic())


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsInvalid(f"broker_ca: cannot use '{ca_file}': {exc}") from exc
