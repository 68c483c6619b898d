# SPDX-License-Identifier: BSD-3-Clause
"""An MQTT broker within the gateway: amqtt, behind a door of our own.

amqtt serves MQTT 3.1.1. By itself it reads packets of any length, waits for ever for the first one,
does not enforce keep-alive, queues without bounds for a client that does not read, and leaves tasks
behind whose errors nobody looks at. So the connections are accepted here, and amqtt gets only
packets that `door` lets in.

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
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import amqtt
from amqtt.adapters import ReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from pyaiot.errors import InvalidMessage, StartFailed
from pyaiot.gateway.mqtt import door, packets
from pyaiot.gateway.mqtt.guard import Guard, same
from pyaiot.gateway.mqtt.packets import Cutter
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.mqtt.visitor import House, Visitor
from pyaiot.messages.origin import is_loopback
from pyaiot.model.rate import Allowance

logger = logging.getLogger(__name__)

LOOPBACK: Final = ("127.0.0.1", "::1")
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - where the operator asks for it
MAX_CONNECTIONS: Final = 1000
MAX_RETAINED: Final = 1000
MAX_RETAINED_BYTES: Final = 4 << 20

FIRST_PACKET: Final = 10.0
"""Seconds that a client may take to send CONNECT."""

RATE: Final = 1000.0
"""Packets a second that are taken from one client in the long run; others wait in its socket."""

MAX_UNSENT: Final = 1 << 20
"""Bytes that may wait for a client which does not read; then its connection is cut."""

CLOSE_TIMEOUT: Final = 0.5
"""Seconds that the broker may take to end."""

_LISTENER: Final = "default"
_STRANGER: Final = "pyaiot.stranger"
_VISITOR: Final = "pyaiot.visitor"
_OWN: Final = "gateway"
"""The user name of the gateway itself, where it needs one."""

_AMQTT: Final = str(Path(amqtt.__file__).parent)

_serving: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
"""Whose connection amqtt is at work for; it does not pass that on to its plugins."""


class Reader(ReaderAdapter):
    """What one client sends, in packets that amqtt can take; then the end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        now: float,
        guard: Guard | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._guard = guard
        self._cutter = Cutter(door.MAX_PACKET)
        self._waiting: deque[packets.Frame] = deque()
        self._packet = memoryview(b"")
        self._begun = False
        self._greeted = False
        self._ended = False
        self._silence: float | None = FIRST_PACKET
        self._deadline: float | None = now + FIRST_PACKET
        self._allowance = Allowance(RATE, RATE)

    async def read(self, n: int = -1) -> bytes:
        """The next `n` bytes of a packet, as amqtt asks for its parts one by one."""
        # amqtt cancels this when the client is silent, and then calls it again: nothing may be
        # taken from the socket or the queue before an await that can be cancelled.
        if not n:
            return b""
        if not self._packet:
            self._packet = memoryview(await self._next())
        taken = bytes(self._packet[:n])
        self._packet = self._packet[n:]
        if len(taken) < n:
            self.feed_eof()
            raise asyncio.IncompleteReadError(taken, n)
        return taken

    def feed_eof(self) -> None:
        self._ended = True
        self._packet = memoryview(b"")
        self._waiting.clear()

    async def _next(self) -> bytes:
        loop = asyncio.get_running_loop()
        while not self._waiting:
            if self._ended:
                raise asyncio.IncompleteReadError(b"", 1)
            await self._receive(loop)
        while not self._allowance.take(loop.time()):  # noqa: ASYNC110 - time is what it waits for
            await asyncio.sleep(10 / RATE)
        frame = self._waiting.popleft()
        if self._guard is not None:
            try:
                self._guard.passes(frame)
            except InvalidMessage:
                self.feed_eof()
                raise asyncio.IncompleteReadError(b"", 1) from None
        return frame.raw()

    async def _receive(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                data = await self._reader.read(65_536)
        except OSError as exc:  # TimeoutError among them
            logger.debug("MQTT client dropped: %s", str(exc) or "silent for too long")
            data = b""
        if not data or not (self._begun or data[0] == packets.CONNECT << 4):
            # Of another protocol it might take long until a packet seems complete.
            self._ended = True
            return
        self._begun = True
        try:
            for frame in self._cutter.feed(data):
                self._admit(frame)
        except InvalidMessage as exc:
            logger.debug("MQTT client dropped: %s", exc.reason)
            if isinstance(exc, door.WrongVersion):
                self._writer.write(packets.connack_refusing_version())
            elif isinstance(exc, door.TurnedAway):
                self._writer.write(packets.connack_refusing(exc.answer))
            self._ended = True
        if self._silence:
            self._deadline = loop.time() + self._silence

    def _admit(self, frame: packets.Frame) -> None:
        if self._greeted:
            door.check(frame)
        else:
            # Half as much again as the client promises (MQTT 3.1.1 section 3.1.2.10).
            connect = door.check_connect(frame)
            self._silence = connect.keep_alive * 1.5 or None
            self._deadline = None
            self._greeted = True
            if self._guard is not None:
                frame = self._guard.admit(connect, frame)
        self._waiting.append(frame)


class Writer(StreamWriterAdapter):
    """Never waits for a client that does not read, but cuts it off."""

    def write(self, data: bytes) -> None:
        transport = self._writer.transport
        if self.is_closed or transport.is_closing():
            return
        self._writer.write(data)
        if transport.get_write_buffer_size() > MAX_UNSENT:
            logger.debug("MQTT client dropped: it does not read")
            transport.abort()

    async def drain(self) -> None:
        """Return at once: amqtt would hold a lock meanwhile, and queue without bounds."""

    async def close(self) -> None:
        self.is_closed = True
        self._writer.close()


class Doorkeeper(BaseAuthPlugin):
    """Says who a client is."""

    @dataclass
    class Config:
        """Filled by amqtt."""

        user: str | None = None
        """Nobody is asked who it is where this is None."""
        password: str = ""
        strangers: bool = False
        """Who does not know the password is a stranger, but let in."""

    async def authenticate(self, *, session: Session) -> bool:
        # What amqtt calls anonymous is forgotten when its connection ends.
        session.is_anonymous = True
        visitor = _serving.get()
        session.attributes[_VISITOR] = visitor
        admitted = self._admits(session, visitor)
        if visitor is not None:
            visitor.admitted = admitted
        return admitted

    def _admits(self, session: Session, visitor: Visitor | None) -> bool:
        if visitor is not None and (visitor.is_gateway or visitor.token):
            return not session.will_flag or visitor.may_publish(session.will_topic or "")
        if self.config.user is None or (
            same(session.username, self.config.user)
            and same(session.password, self.config.password)
        ):
            return True
        session.attributes[_STRANGER] = True
        # amqtt publishes a will without asking anybody.
        return self.config.strangers and (
            not session.will_flag or door.stranger_may_publish(session.will_topic or "")
        )


class BoundedBroker(Broker):
    """amqtt's broker, with as many retained messages as there is room for.

    They go to those who subscribed to them; amqtt also sends a client, when it connects, what the
    others subscribed to.
    """

    async def retain_message(
        self,
        source_session: Session | None,
        topic_name: str | None,
        data: bytes | bytearray | None,
        qos: int | None = None,
    ) -> None:
        others = [
            len(kept.data) for topic, kept in self.retained_messages.items() if topic != topic_name
        ]
        if data and (len(others) >= MAX_RETAINED or sum(others) + len(data) > MAX_RETAINED_BYTES):
            logger.debug("no room to retain the message at %r", topic_name)
            return
        await super().retain_message(source_session, topic_name, data, qos)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        # In place of a plugin, which would be asked in a task for each message and each client;
        # amqtt meanwhile loses messages when somebody subscribes.
        visitor: Visitor | None = session.attributes.get(_VISITOR)
        if visitor is not None and visitor.token:
            if action is Action.PUBLISH:
                return visitor.may_publish(topic)
            if action is Action.SUBSCRIBE:
                return visitor.may_subscribe(topic)
            return visitor.may_receive(topic)
        if _STRANGER not in session.attributes or action is Action.RECEIVE:
            return True
        if action is Action.PUBLISH:
            return door.stranger_may_publish(topic)
        return door.stranger_may_subscribe(topic)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        visitor: Visitor | None = session.attributes.get(_VISITOR)
        if visitor is not None and visitor.token:
            return
        subscribed = self.subscriptions.get(subscription[0], ())
        if any(each.client_id == session.client_id for each, _ in subscribed):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    def _del_subscription(self, a_filter: str, session: Session) -> int:
        visitor: Visitor | None = session.attributes.get(_VISITOR)
        if visitor is not None:
            visitor.unsubscribe(a_filter)
        return int(super()._del_subscription(a_filter, session))


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
    own = _own(access, house)
    numbers = count(1)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        guard = None
        if house is not None:
            out = Writer(writer)
            visitor = Visitor(next(numbers), out.write, writer.close)
            guard = Guard(house, visitor, own)
        task = asyncio.create_task(_serve(broker, reader, writer, guard))
        connections.add(task)
        task.add_done_callback(connections.discard)

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
        raise StartFailed(f"The MQTT broker cannot listen on '{host}': no such address.") from exc
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
        plugins={f"{__name__}.{Doorkeeper.__qualname__}": asdict(access)},
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
            raise StartFailed(
                f"The MQTT broker cannot listen on {host} port {port}: {exc.strerror}."
            ) from exc
        port = listeners[0].sockets[0].getsockname()[1]
    return listeners


async def _serve(
    broker: Broker,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    guard: Guard | None,
) -> None:
    now = asyncio.get_running_loop().time()
    if guard is not None:
        _serving.set(guard.visitor)
    try:
        source = Reader(reader, writer, now, guard)
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
