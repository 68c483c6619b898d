# SPDX-License-Identifier: BSD-3-Clause
"""A real Mosquitto, started by the test that needs it, and its two command-line clients."""

import asyncio
import getpass
import socket
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pyaiot.gateway.mqtt.session import Server
from tests.programs import require


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(
    *command: str, stdin: int = DEVNULL, stdout: int = DEVNULL, stderr: int | None = DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program for as long as the block lasts."""
    running = await asyncio.create_subprocess_exec(
        *command, stdin=stdin, stdout=stdout, stderr=stderr
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            # None of them has anything to lose, and mosquitto takes 0.1 s to end politely.
            running.kill()
        # Reads what is left, so that no pipe outlives the test.
        await running.communicate()


@asynccontextmanager
async def mosquitto(
    folder: Path, *settings: str, port: int | None = None, listener: tuple[str, ...] = ()
) -> AsyncIterator[int]:
    """Mosquitto with `settings` on a free port of loopback, or on `port`; gives the port.

    `listener` are the settings that belong to the listener; without `settings` everybody may come
    in.
    """
    program = require("mosquitto", "mosquitto")
    for _ in range(5):
        chosen = port or free_port()
        config = folder / f"mosquitto-{chosen}.conf"
        lines = (
            "persistence false",
            f"user {getpass.getuser()}",
            "log_dest none",
            "set_tcp_nodelay true",
            *(settings or ("allow_anonymous true",)),
            f"listener {chosen} 127.0.0.1",
            *listener,
        )
        config.write_text("\n".join(lines) + "\n")
        async with process(program, "-c", str(config)) as running:
            if await _listening(running, chosen):
                yield chosen
                return
    raise AssertionError("mosquitto does not start")


async def _listening(running: asyncio.subprocess.Process, port: int) -> bool:
    """Whether the program has come to listen on `port`; False when it ended instead."""
    async with asyncio.timeout(10):
        while running.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return True
    return False


@dataclass(frozen=True)
class Tools:
    """`mosquitto_pub` and `mosquitto_sub` at one broker."""

    port: int
    options: tuple[str, ...] = ()

    @property
    def server(self) -> Server:
        return Server("127.0.0.1", self.port)

    async def publish(self, topic: str, message: str | bytes, *options: str) -> None:
        """Publish with `mosquitto_pub`, at QoS 1 unless `options` say otherwise."""
        async with process(
            require("mosquitto_pub", "mosquitto-clients"),
            *self._where,
            *("-q", "1", "-t", topic, "-s" if message else "-n"),
            *options,
            stdin=PIPE,
            stderr=None,
        ) as running:
            await running.communicate(message.encode() if isinstance(message, str) else message)
        assert running.returncode == 0

    @asynccontextmanager
    async def subscribe(self, *filters: str) -> AsyncIterator["Subscriber"]:
        """Listen with `mosquitto_sub`; subscribed when the block begins."""
        topics = [option for each in filters for option in ("-t", each)]
        async with process(
            require("mosquitto_sub", "mosquitto-clients"),
            *self._where,
            *("-q", "1", "-F", "%t %p", "-t", _SYNC),
            *topics,
            stdout=PIPE,
        ) as running:
            assert running.stdout is not None
            subscriber = Subscriber(running.stdout)
            await self._synchronise(subscriber)
            yield subscriber

    async def _synchronise(self, subscriber: "Subscriber") -> None:
        for _ in range(50):
            await self.publish(_SYNC, "ready")
            try:
                async with asyncio.timeout(0.2):
                    while (await subscriber.line())[0] != _SYNC:
                        pass
            except TimeoutError:
                continue
            return
        raise AssertionError("mosquitto_sub does not hear what is published")

    @property
    def _where(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), *self.options)


_SYNC = "test/synchronise"


@dataclass
class Subscriber:
    """What `mosquitto_sub` has heard."""

    output: asyncio.StreamReader

    async def next(self) -> tuple[str, str]:
        """The next message: its topic and its payload."""
        while True:
            topic, message = await self.line()
            if topic != _SYNC:
                return topic, message

    async def line(self) -> tuple[str, str]:
        """The next message, those that only synchronise among them."""
        line = (await self.output.readline()).decode()
        assert line, "mosquitto_sub has ended"
        topic, _, message = line.rstrip("\n").partition(" ")
        return topic, message

    async def wait_for(self, *wanted: tuple[str, str]) -> None:
        """Wait until all of `wanted` have been heard, in any order."""
        missing = list(wanted)
        async with asyncio.timeout(10):
            while missing:
                heard = await self.next()
                if heard in missing:
                    missing.remove(heard)
