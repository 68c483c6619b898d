# SPDX-License-Identifier: BSD-3-Clause
"""The broker as a service."""

import asyncio
import logging
import secrets
import socket
import ssl
import time
import uuid
from collections.abc import Callable
from typing import Final

from pyaiot import __version__
from pyaiot.broker.admission import PERMISSIONS, Doorkeeper, House
from pyaiot.broker.limits import Limits
from pyaiot.broker.reception import Capacity, Surroundings
from pyaiot.broker.server import BrokerServer
from pyaiot.errors import SettingsInvalid
from pyaiot.link.keyfile import exposed, read_keys
from pyaiot.link.listen import named, only_loopback, open_sockets
from pyaiot.messages.signing import TokenGate
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.settings import BrokerSettings

_new: Final = tuple.__new__

_log = logging.getLogger(__name__)


async def serve(settings: BrokerSettings, ready: Callable[[str], None]) -> None:
    """Run the broker until cancelled.

    Raises KeyFileInvalid, SettingsInvalid or StartFailed when it cannot start.
    """
    gate = TokenGate(read_keys(settings.key_file), settings.clock_skew)
    if exposed(settings.key_file):
        _log.warning("others may read key file %s: chmod 600 it", settings.key_file)
    tls = tls_context(settings)
    sockets = await open_sockets(settings.broker_host, settings.broker_port)
    server = build(settings, gate, sockets)
    try:
        await server.start(sockets, tls)
        ready(f"listening on {named(sockets)}{' by TLS' if tls else ''}")
        await asyncio.get_running_loop().create_future()
    finally:
        await server.stop()


def build(settings: BrokerSettings, gate: TokenGate, sockets: list[socket.socket]) -> BrokerServer:
    """A broker that is ready to be started on `sockets`, which its rules depend on."""
    loopback = only_loopback(sockets)
    anonymous = settings.anonymous or ("script" if loopback else "none")
    _log.info("clients without credentials may: %s", anonymous)
    house = House(
        PERMISSIONS[anonymous],
        settings.allow_origin,
        loopback,
        settings.accept_unsigned,
        settings.unclaimed,
        chosen=settings.anonymous is not None,
    )
    capacity = Capacity(
        max_clients=settings.max_clients,
        max_gateways=settings.max_gateways,
        max_message=settings.max_message,
        client_rate=settings.client_rate,
        client_queue=settings.client_queue,
        flush_window=settings.flush_window,
        ping_interval=settings.ping_interval,
        ping_timeout=settings.ping_timeout,
    )
    surroundings = Surroundings(
        clock=moment,
        random_bytes=secrets.token_bytes,
        new_id=lambda: str(uuid.uuid4()),
    )
    return BrokerServer(
        Doorkeeper(gate, house),
        Limits(
            max_nodes=settings.max_nodes,
            record_queue=settings.record_queue,
            store_readings=settings.store_readings,
            await_directory=settings.await_directory,
        ),
        capacity,
        surroundings,
        Health("aiot-broker", __version__, time.monotonic()),
    )


def moment() -> Moment:
    """Now."""
    # In half the time that the constructor takes; this is called for everything that is read.
    return _new(Moment, (time.time(), time.monotonic()))


def tls_context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """How to serve TLS; None if the settings do not say so. Raises SettingsInvalid."""
    if settings.ssl_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.ssl_cert, settings.ssl_key)
    except (OSError, ValueError) as exc:
        files = f"{settings.ssl_cert} and {settings.ssl_key}"
        reason = (exc.strerror if isinstance(exc, OSError) else None) or exc
        raise SettingsInvalid(f"Cannot use certificate and key {files}: {reason}.") from exc
    return context
