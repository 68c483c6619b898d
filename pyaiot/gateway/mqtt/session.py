# SPDX-License-Identifier: BSD-3-Clause
"""One connection to an MQTT broker, from CONNACK to its end."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyaiot.errors import CommandFailed, InvalidMessage, LinkFailed, StartFailed
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import (
    Connack,
    Cutter,
    Disconnect,
    Packet,
    Puback,
    Publish,
    Suback,
    Version,
)
from pyaiot.gateway.mqtt.reasons import FAILURE, NO_SUBSCRIBERS, reason_text

KEEP_ALIVE: Final = 30
"""Seconds. A broker that is gone without a word is noticed within this time."""

CONNECT_TIMEOUT: Final = 5.0
"""Seconds that a broker may take for the connection, and again for its answer to CONNECT."""

CLOSE_TIMEOUT: Final = 0.3
"""Seconds for a goodbye; then the connection is cut."""

MAX_UNACKNOWLEDGED: Final = 100
"""Messages that wait for their PUBACK; further ones wait to be sent."""

MAX_UNSENT: Final = 1 << 20
"""Bytes that wait for a broker which does not read."""

Handler = Callable[[Publish], None]
"""Takes a message. Must not raise, and must not block: the broker waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where an MQTT broker is, and what it asks for."""

    host: str
    port: int
    tls: bool = False
    ca_file: str | None = None
    """Certificates to trust in place of the system's."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """How to connect by TLS; None without it.

        Raises StartFailed when the file of certificates cannot be used.
        """
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as exc:  # SSLError is an OSError
            raise StartFailed(
                f"The certificates in '{self.ca_file}' cannot be used: {exc}."
            ) from exc


class Refused(LinkFailed):
    """The broker answered, but does not let this client in."""

    def __init__(self, answer: Connack) -> None:
        super().__init__(f"refused: {reason_text(answer.code)}")
        self.version = answer.version_refused


class Unanswered(LinkFailed):
    """The broker closed the connection or kept silent where its answer to CONNECT was due.

    Some brokers of 3.1.1 do so when they see version 5.
    """


class SubscriptionRefused(LinkFailed):
    """The broker does not grant a subscription."""


class Session(asyncio.Protocol):
    """A clean session: nothing of it outlives the connection."""

    def __init__(self, version: Version, handle: Handler) -> None:
        loop = asyncio.get_running_loop()
        self.version = version
        self._handle = handle
        self._cutter = Cutter()
        self._transport: asyncio.Transport
        self._connack: asyncio.Future[Connack | None] = loop.create_future()
        self._ended: asyncio.Future[str] = loop.create_future()
        """Why the connection ended."""
        self._waiting: dict[int, asyncio.Future[Puback | Suback | None]] = {}
        """By packet id; None is the end of the connection."""
        self._last_id = 0
        self._answers = bytearray()
        self._heard = False
        self._keep_alive = KEEP_ALIVE
        self._window = asyncio.Semaphore(MAX_UNACKNOWLEDGED)
        self._maximum_packet = packets.MAX_LENGTH

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - tells mypy what TCP gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            for frame in self._cutter.feed(data):
                self._take(packets.decode(frame, self.version))
        except InvalidMessage as exc:
            self._end(exc.reason)
        if self._answers:
            self._transport.write(self._answers)
            self._answers = bytearray()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"connection lost: {_reason(exc)}" if exc else "connection closed by the broker")

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Publish):
            # Handed over before it is acknowledged: what the gateway holds, the broker may forget.
            self._handle(packet)
            if packet.qos:
                self._answers += packets.puback(packet.packet_id)
        elif isinstance(packet, Puback | Suback):
            waiter = self._waiting.get(packet.packet_id)
            if waiter is not None and not waiter.done():
                waiter.set_result(packet)
        elif isinstance(packet, Connack):
            if not self._connack.done():
                self._connack.set_result(packet)
        elif isinstance(packet, Disconnect):
            self._end(f"disconnected by the broker: {reason_text(packet.code)}")

    def _end(self, reason: str) -> None:
        if self._ended.done():
            return
        self._ended.set_result(reason)
        if not self._connack.done():
            self._connack.set_result(None)
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(None)
        self._transport.close()

    async def login(self, server: Server, client_id: str) -> None:
        """Send CONNECT and wait for the answer.

        Raises Refused, or Unanswered when there is none in CONNECT_TIMEOUT.
        """
        self._transport.write(
            packets.connect(
                client_id,
                self.version,
                keep_alive=KEEP_ALIVE,
                user=server.user,
                password=server.password,
            )
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                answer = await self._connack
        except TimeoutError:
            raise Unanswered(f"no answer within {CONNECT_TIMEOUT:g} s") from None
        if answer is None:
            raise Unanswered(self._ended.result())
        if answer.code:
            raise Refused(answer)
        self._keep_alive = min(KEEP_ALIVE, answer.keep_alive or KEEP_ALIVE)
        self._maximum_packet = answer.maximum_packet
        self._window = asyncio.Semaphore(min(MAX_UNACKNOWLEDGED, answer.receive_maximum))

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe at QoS 1.

        Raises SubscriptionRefused when the broker does not grant all of `filters`.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                answer = await self._exchange(
                    lambda packet_id: packets.subscribe(packet_id, filters, self.version)
                )
        except TimeoutError:
            raise LinkFailed("no answer to a subscription") from None
        codes = answer.codes if isinstance(answer, Suback) else ()
        refused = [code for code in codes if code >= FAILURE]
        if refused or len(codes) != len(filters):
            reason = reason_text(refused[0]) if refused else "unexpected answer"
            raise SubscriptionRefused(f"subscription refused: {reason}")

    async def publish(self, topic: str, payload: bytes) -> bool:
        """Publish at QoS 1; returns when the broker has taken the message.

        False when the broker says that nobody has subscribed to `topic`; only brokers of version 5
        may say so. Raises CommandFailed when it refuses the message, LinkFailed when the
        connection ends before.
        """
        async with self._window:
            answer = await self._exchange(
                lambda packet_id: packets.publish(topic, payload, self.version, packet_id=packet_id)
            )
        code = answer.code if isinstance(answer, Puback) else FAILURE
        if code >= FAILURE:
            raise CommandFailed(f"The MQTT broker refused the message: {reason_text(code)}.")
        return code != NO_SUBSCRIBERS

    async def _exchange(self, build: Callable[[int], bytes]) -> Puback | Suback:
        if self._ended.done():
            raise LinkFailed(self._ended.result())
        packet_id = self._next_id()
        packet = build(packet_id)
        if len(packet) > self._maximum_packet:
            raise CommandFailed("The message is longer than the MQTT broker takes.")
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            raise CommandFailed("The MQTT broker takes no more messages at present.")
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[packet_id] = waiter
        self._transport.write(packet)
        try:
            answer = await waiter
        finally:
            del self._waiting[packet_id]
        if answer is None:
            raise LinkFailed(self._ended.result())
        return answer  # type: ignore[no-any-return]  # a future made by hand is of Any

    def _next_id(self) -> int:
        # At most MAX_UNACKNOWLEDGED are in use, so this ends.
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._waiting:
                return self._last_id

    async def run(self) -> str:
        """Keep the connection alive; returns when it has ended, with the reason."""
        while True:
            await asyncio.wait({self._ended}, timeout=self._keep_alive / 2)
            if self._ended.done():
                return self._ended.result()
            if not self._heard:
                return "the broker does not answer any more"
            self._heard = False
            self._transport.write(packets.PING)

    async def close(self) -> None:
        """Say goodbye, and cut the connection where that takes too long."""
        # In the first releases of Python 3.11, Debian 12's among them, a TLS transport that is
        # closed twice, first by the broker, can be used for nothing more, not even `abort`.
        if not self._ended.done() and not self._transport.is_closing():
            self._transport.write(packets.GOODBYE)
            self._transport.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await asyncio.shield(self._ended)
        finally:
            if not self._ended.done():
                self._transport.abort()


def _reason(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {exc.verify_message}"
    return (isinstance(exc, OSError) and exc.strerror) or str(exc) or type(exc).__name__


@contextlib.asynccontextmanager
async def connected(
    server: Server,
    context: ssl.SSLContext | None,
    client_id: str,
    version: Version,
    handle: Handler,
) -> AsyncIterator[Session]:
    """A session with `server`, for as long as the block lasts.

    `context` is the server's, made once. Raises LinkFailed when there is none to be had.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, session = await loop.create_connection(
                lambda: Session(version, handle), server.host, server.port, ssl=context
            )
    except TimeoutError:
        raise LinkFailed(f"no connection within {CONNECT_TIMEOUT:g} s") from None
    except (OSError, UnicodeError) as exc:  # UnicodeError: a host that cannot be a name
        raise LinkFailed(_reason(exc)) from exc
    try:
        await session.login(server, client_id)
        yield session
    finally:
        await session.close()
