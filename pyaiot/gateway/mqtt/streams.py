# SPDX-License-Identifier: BSD-3-Clause
"""One connection to the embedded broker, as amqtt reads and writes it.

amqtt by itself reads packets of any length, waits for ever for the first one, does not enforce
keep-alive, and queues without bounds for a client that does not read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from amqtt.adapters import ReaderAdapter, StreamWriterAdapter

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.mqtt import door, packets
from pyaiot.gateway.mqtt.guard import Guard
from pyaiot.gateway.mqtt.packets import Cutter
from pyaiot.model.rate import Allowance

logger = logging.getLogger(__name__)

FIRST_PACKET: Final = 10.0
"""Seconds that a client may take to send CONNECT."""

RATE: Final = 1000.0
"""Packets a second that are taken from one client in the long run; others wait in its socket."""

MAX_UNSENT: Final = 1 << 20
"""Bytes that may wait for a client which does not read; then its connection is cut."""


class Reader(ReaderAdapter):
    """What one client sends, in packets that amqtt can take; then the end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        now: float,
        guard: Guard | None = None,
        greeted: Callable[[], None] = lambda: None,
    ) -> None:
        """`greeted` is called once the client has said who it is."""
        self._reader = reader
        self._writer = writer
        self._guard = guard
        self._has_greeted = greeted
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
        if self._greeted and self._silence:
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
            self._has_greeted()
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
