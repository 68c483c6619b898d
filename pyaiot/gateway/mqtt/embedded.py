# SPDX-License-Identifier: BSD-3-Clause
"""An MQTT broker within the gateway: amqtt, behind a door of our own.

amqtt serves MQTT 3.1.1. It trusts its clients with time and memory, and leaves tasks behind whose
errors nobody looks at. So the connections are accepted here, and amqtt gets only packets that
`door` lets in, through `streams` that have an end.

What nodes publish the gateway takes from their connections, before amqtt acknowledges it: so it
knows who said it, and what is acknowledged is in its spool.

No session outlives its connection, and there are no ``$SYS`` topics.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import amqtt
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from pyaiot.errors import ListenFailed, StartFailed
from pyaiot.gateway.mqtt.bounded import BoundedBroker, Doorkeeper, serving
from pyaiot.gateway.mqtt.guard import Guard
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.mqtt.streams import Reader, Writer
from pyaiot.gateway.mqtt.visitor import House, Visitor
from pyaiot.link.strangers import Strangers
from pyaiot.messages.origin import is_loopback

logger = logging.getLogger(__name__)

LOOPBACK: Final = ("127.0.0.1", "::1")
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - where the operator asks for it
MAX_CONNECTIONS: Final = 1000
CLOSE_TIMEOUT: Final = 0.5
"""Seconds that the broker may take to end."""

_LISTENER: Final = "default"
_OWN: Final = "gateway"
"""The user name of the gateway itself, where it needs one."""

_AMQTT: Final = str(Path(amqtt.__file__).parent)


@contextlib.asynccontextmanager
async def embedded_broker(wanted: Server, house: House | None = None) -> AsyncIterator[Server]:
    """A broker for as long as the block lasts; gives how its gateway reaches it.

    `wanted.host` is ``embedded`` for loopback only, or ``embedded:HOST``, where an empty HOST is
    everywhere. Its user and password, where set, are asked of every client. Where they are not,
    clients may do anything on loopback, and are strangers (`door`) beyond. Who comes with a device
    token is the node that the `house` takes it for, and nothing else.

    Raises StartFailed when it cannot listen.
    """
    if wanted.tls:
        raise StartFailed("The embedded MQTT broker does not speak TLS.")
    hosts = await _hosts(wanted.host)
    access = _access(wanted, hosts)
    for name in ("amqtt", "transitions"):
        # They tell of every packet, and of a client's faults with tracebacks.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    broker = BoundedBroker(_configuration(access))
    connections: set[asyncio.Task[None]] = set()
    strangers: Strangers[asyncio.StreamWriter] = Strangers()
    own = _own(access, house)
    numbers = count(1)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(connections) >= MAX_CONNECTIONS and not strangers.make_room(
            lambda longest: longest.transport.abort()
        ):
            writer.transport.abort()
            return
        strangers.came(writer)
        guard = None
        if house is not None:
            out = Writer(writer)
            visitor = Visitor(next(numbers), out.write, writer.close)
            guard = Guard(house, visitor, own)
        source = Reader(
            reader,
            writer,
            asyncio.get_running_loop().time(),
            guard,
            lambda: strangers.left(writer),
        )
        task = asyncio.create_task(_serve(broker, source, writer, guard))
        connections.add(task)
        task.add_done_callback(connections.discard)
        task.add_done_callback(lambda _: strangers.left(writer))

    listeners = await _listen(accept, hosts, wanted.port)
    host, port = listeners[0].sockets[0].getsockname()[:2]
    with _unread_errors_of_amqtt():
        try:
            await broker.start()
            logger.info("embedded MQTT broker listening on %s port %d", " and ".join(hosts), port)
            yield replace(own, host=_reachable(host), port=port)
        finally:
            for listener in listeners:
                listener.close()
            await _end(broker, connections)


async def _end(broker: Broker, connections: set[asyncio.Task[None]]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await broker.shutdown()
    for task in connections:
        task.cancel()
    if connections:
        await asyncio.wait(connections, timeout=CLOSE_TIMEOUT)


async def _hosts(wanted: str) -> tuple[str, ...]:
    """The addresses to listen on."""
    _, given, host = wanted.partition(":")
    if not given or host == "localhost":
        return LOOPBACK
    if not host:
        return EVERYWHERE
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise ListenFailed(f"The MQTT broker cannot listen on '{host}': no such address.") from exc
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


def _access(wanted: Server, hosts: tuple[str, ...]) -> Doorkeeper.Config:
    if wanted.user is not None:
        return Doorkeeper.Config(wanted.user, wanted.password or "")
    if all(is_loopback(host) for host in hosts):
        return Doorkeeper.Config()
    # The gateway itself is no stranger.
    return Doorkeeper.Config(_OWN, secrets.token_urlsafe(), strangers=True)


def _own(access: Doorkeeper.Config, house: House | None) -> Server:
    """How the gateway itself is known to the broker."""
    user, password = access.user, access.password if access.user else None
    if house is not None:
        user, password = _OWN, secrets.token_urlsafe()
    return Server("", 0, user=user, password=password)


def _reachable(host: str) -> str:
    address = ipaddress.ip_address(host)
    return LOOPBACK[address.version == 6] if address.is_unspecified else host


def _configuration(access: Doorkeeper.Config) -> BrokerConfig:
    return BrokerConfig(
        listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
        plugins={f"{Doorkeeper.__module__}.{Doorkeeper.__qualname__}": asdict(access)},
    )


async def _listen(accept: Any, hosts: tuple[str, ...], port: int) -> list[asyncio.Server]:
    listeners: list[asyncio.Server] = []
    for host in hosts:
        try:
            listeners.append(await asyncio.start_server(accept, host, port))
        except OSError as exc:
            if listeners and exc.errno != errno.EADDRINUSE:  # a machine without IPv6
                continue
            for listener in listeners:
                listener.close()
            raise ListenFailed(
                f"The MQTT broker cannot listen on {host} port {port}: {exc.strerror}."
            ) from exc
        port = listeners[0].sockets[0].getsockname()[1]
    return listeners


async def _serve(
    broker: Broker, source: Reader, writer: asyncio.StreamWriter, guard: Guard | None
) -> None:
    if guard is not None:
        serving.set(guard.visitor)
    try:
        await broker.external_connected(source, Writer(writer), _LISTENER)
    except Exception as exc:  # noqa: BLE001 - whatever amqtt makes of this client, others go on
        logger.debug("MQTT client dropped: %r", exc)
    finally:
        writer.close()
        if guard is not None:
            guard.ended()


@contextlib.contextmanager
def _unread_errors_of_amqtt() -> Iterator[None]:
    """Keep asyncio from logging tracebacks of tasks that amqtt started and forgot."""
    loop = asyncio.get_running_loop()
    previous = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        task = context.get("future")
        code = getattr(task.get_coro(), "cr_code", None) if isinstance(task, asyncio.Task) else None
        if code is not None and code.co_filename.startswith(_AMQTT):
            logger.debug("within amqtt: %r", context.get("exception"))
        elif previous is not None:
            previous(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        if loop.get_exception_handler() is handle:
            loop.set_exception_handler(previous)
