# SPDX-License-Identifier: BSD-3-Clause
"""A broker with a gateway played by the test, and the terminal client against it."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from pyaiot.cli.aiot import command
from pyaiot.cli.entry import execute
from pyaiot.messages.signing import FEATURES_HEADER
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually

_START = """
import signal
from pyaiot.cli.aiot import main
# As in a terminal: where tests run in the background, SIGINT is ignored by what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
AIOT = (sys.executable, "-c", _START)

ANSWER = Callable[[dict[str, Any]], list[dict[str, Any]]]
"""What a gateway answers to a command."""


@dataclass
class Ended:
    """How a command ended."""

    status: int | None
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class PlayedGateway:
    """A gateway that says what it is told to."""

    def __init__(self, connection: ClientConnection) -> None:
        self.commands: list[dict[str, Any]] = []
        self.answer: ANSWER = lambda _: []
        self._connection = connection

    async def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            await self._connection.send(json.dumps(message))

    async def node(self, uid: str, **values: object) -> None:
        await self.say({"type": "new", "uid": uid})
        await self.update(uid, **values)

    async def update(self, uid: str, **values: object) -> None:
        for name, value in values.items():
            await self.say({"type": "update", "uid": uid, "endpoint": name, "data": value})

    async def live(self) -> None:
        async for frame in self._connection:
            command = json.loads(frame)
            self.commands.append(command)
            await self.say(*self.answer(command))


@asynccontextmanager
async def playing(broker: RunningBroker, *features: str) -> AsyncIterator[PlayedGateway]:
    """A gateway at `broker`; without `features` it is one of the original."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with connect(
        f"{broker.url}/gw",
        ssl=trusting if broker.tls else None,
        subprotocols=[Subprotocol("token"), Subprotocol(broker.token())],
        additional_headers={FEATURES_HEADER: ", ".join(features)} if features else None,
    ) as connection:
        gateway = PlayedGateway(connection)
        life = asyncio.create_task(gateway.live())
        try:
            yield gateway
        finally:
            life.cancel()
            await asyncio.wait({life})


@dataclass
class Stage:
    """A broker and a gateway with two nodes, whose uids begin alike."""

    broker: RunningBroker
    gateway: PlayedGateway

    def words(self, words: tuple[str, ...], port: int | None) -> list[str]:
        where = ("--broker-host=127.0.0.1", f"--broker-port={port or self.broker.port}")
        return [words[0], *where, *words[1:]]

    async def aiot(self, *words: str, port: int | None = None) -> Ended:
        """Run `aiot` with `words` to its end, in this process."""
        out, err = StringIO(), StringIO()

        def run() -> int:
            with redirect_stdout(out), redirect_stderr(err):
                return execute(command, self.words(words, port))

        async with asyncio.timeout(20):
            status = await asyncio.to_thread(run)
        return Ended(status, out.getvalue(), err.getvalue())

    async def start(self, *words: str, port: int | None = None) -> asyncio.subprocess.Process:
        """Begin `aiot` with `words` in a process of its own."""
        return await asyncio.create_subprocess_exec(
            *AIOT,
            *self.words(words, port),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


@asynccontextmanager
async def stage(
    *, features: tuple[str, ...] = ("availability", "result"), **overrides: Any
) -> AsyncIterator[Stage]:
    """`overrides` are settings of the broker."""
    async with (
        running_broker(accept_unsigned=True, **overrides) as broker,
        playing(broker, *features) as gateway,
    ):
        await gateway.node(
            "1234abcd", protocol="CoAP", ip="::1", name="Desk lamp", led="0", temperature="23°C"
        )
        await gateway.node("1234ef01", protocol="MQTT", name="Rover", imu=[{"type": "acc"}])
        await eventually(lambda: len(broker.core.nodes.roll) == 2)
        yield Stage(broker, gateway)
