# SPDX-License-Identifier: BSD-3-Clause
"""A broker that does what a test says, however odd; on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import Cursor, Cutter, Frame, Version
from pyaiot.gateway.mqtt.session import Server

ACCEPTED = {Version.V3_1_1: b"\x20\x02\x00\x00", Version.V5: b"\x20\x03\x00\x00\x00"}


class Peer:
    """One client, as the broker sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._cutter = Cutter()
        self._waiting: list[Frame] = []
        self.version = Version.V5

    async def receive(self) -> Frame:
        """The next packet; ConnectionError at the end of the connection."""
        while not self._waiting:
            data = await self._reader.read(65_536)
            if not data:
                raise ConnectionError("closed by the client")
            self._waiting += self._cutter.feed(data)
        return self._waiting.pop(0)

    async def connect(self) -> Frame:
        """The client's CONNECT."""
        frame = await self.receive()
        assert frame.kind == packets.CONNECT
        cursor = Cursor(frame.body)
        assert cursor.text() == "MQTT"
        self.version = Version(cursor.number(1))
        return frame

    async def let_in(self, connack: bytes | None = None) -> None:
        """Accept the client."""
        await self.connect()
        self.send(ACCEPTED[self.version] if connack is None else connack)

    async def let_subscribe(self, *codes: int) -> list[str]:
        """Accept the client and its subscriptions, which are given back."""
        await self.let_in()
        frame = await self.receive()
        assert frame.kind == packets.SUBSCRIBE
        cursor = Cursor(frame.body)
        packet_id = cursor.take(2)
        if self.version is Version.V5:
            cursor.properties()
        filters = []
        while cursor.left:
            filters.append(cursor.text())
            assert cursor.number(1) & 3 == 1
        properties = b"\x00" if self.version is Version.V5 else b""
        body = packet_id + properties + bytes(codes or [1] * len(filters))
        self.send(Frame(packets.SUBACK, 0, body, whole=True).raw())
        return filters

    async def next_message(self) -> packets.Publish:
        """The next message of the client."""
        while (frame := await self.receive()).kind != packets.PUBLISH:
            pass
        message = packets.decode(frame, self.version)
        assert isinstance(message, packets.Publish)
        return message

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def scripted(script: Callable[[Peer], Awaitable[None]]) -> AsyncIterator[Server]:
    """Run `script` for each client; a client's connection ends with it."""
    async with asyncio.TaskGroup() as tasks:
        running: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with suppress(ConnectionError):
                    await script(Peer(reader, writer))
            finally:
                writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            running.add(tasks.create_task(serve(reader, writer)))

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield Server("127.0.0.1", listener.sockets[0].getsockname()[1])
        finally:
            listener.close()
            for task in running:
                task.cancel()
