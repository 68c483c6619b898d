# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import socket

import pytest

from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import Version
from pyaiot.gateway.mqtt.streams import Reader, Writer

CONNECT = packets.connect("raw", Version.V3_1_1, keep_alive=60)


class TestReader:
    """What amqtt relies on when it asks for the parts of a packet."""

    def reader(self, *data: bytes) -> tuple[Reader, asyncio.StreamReader]:
        stream = asyncio.StreamReader()
        for each in data:
            stream.feed_data(each)
        now = asyncio.get_running_loop().time()
        return Reader(stream, None, now), stream  # type: ignore[arg-type]

    async def test_part_by_part(self) -> None:
        reader, _ = self.reader(CONNECT, packets.PING)
        packet = CONNECT
        assert await reader.read(0) == b""
        assert await reader.read(1) + await reader.read(len(packet) - 1) == packet
        assert await reader.read(0) == b""
        assert await reader.read(2) == packets.PING

    async def test_never_reads_into_the_next_packet(self) -> None:
        reader, _ = self.reader(CONNECT, packets.PING, packets.PING)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.read(len(CONNECT) + 1)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.read(1)

    async def test_loses_nothing_when_cancelled(self) -> None:
        reader, stream = self.reader(CONNECT[:5])
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await reader.read(1)
        stream.feed_data(CONNECT[5:])
        assert await reader.read(len(CONNECT)) == CONNECT

    async def test_end(self) -> None:
        reader, stream = self.reader(CONNECT)
        stream.feed_eof()
        await reader.read(len(CONNECT))
        for _ in range(2):
            with pytest.raises(asyncio.IncompleteReadError):
                await reader.read(1)

    async def test_connection_that_breaks(self) -> None:
        reader, stream = self.reader()
        stream.set_exception(ConnectionResetError())
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.read(1)


class TestWriter:
    async def test_after_the_end(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            _, stream = await asyncio.open_connection(sock=ours)
            writer = Writer(stream)
            await writer.close()
            writer.write(b"x")
            await writer.drain()
            stream.transport.abort()
            writer = Writer(stream)
            writer.write(b"x")
            assert stream.transport.is_closing()
