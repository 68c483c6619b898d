# SPDX-License-Identifier: BSD-3-Clause
"""Many websocket nodes in one process: a connection each, as a gateway wants it."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Final, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from pyaiot.errors import InvalidValue
from pyaiot.link.backoff import Backoff
from pyaiot.simulate.fleet import Contact, Member, Plan, evenly
from pyaiot.simulate.websocket import why_not

logger = logging.getLogger(__name__)

_wire = logging.getLogger("pyaiot.simulate.wire")
_wire.setLevel(logging.WARNING)

AT_ONCE: Final = 50
"""Connections that are opened at the same time; more would look like an attack."""

PATIENCE: Final = 10.0
"""Seconds that opening one may take."""

SETTLED: Final = 1.0
"""Seconds after which a node that was not sent away again may stay."""

FIRST_RETRY: Final = 2.0
"""Seconds, at most, until a gateway that was not there is tried again; then ever more."""

MAX_UNSENT: Final = 1 << 16
"""Bytes that wait for a gateway which does not read; then values are left out."""


class WebsocketFleet:
    """The nodes of a plan at one gateway."""

    def __init__(self, plan: Plan, host: str, port: int) -> None:
        """Raises InvalidValue for nodes that cannot be."""
        self._plan = plan
        self._host, self._port = host.strip("[]"), port
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self._uri = f"ws://{shown}:{port}/node"
        self._members = plan.members()
        self._open: list[_Connection | None] = [None] * plan.number
        self._contact = Contact(self._uri)

    async def run(self) -> None:
        """Be there until cancelled; nodes whose connection ended come back."""
        turnstile = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for which in range(self._plan.number):
                tasks.create_task(self._live(which, turnstile))
            tasks.create_task(evenly(self._plan.number, self._plan.period, self._report))

    def _report(self, which: int, turn: int) -> None:
        connection = self._open[which]
        if connection is not None:
            connection.update(self._members[which].measure(turn))

    async def _live(self, which: int, turnstile: asyncio.Semaphore) -> None:
        backoff = Backoff(_scatter(which), base=FIRST_RETRY)
        while True:
            async with turnstile:
                connection = await self._connected(self._members[which])
            if connection is not None:
                self._open[which] = connection
                try:
                    settled, _ = await asyncio.wait({connection.ended}, timeout=SETTLED)
                    if not settled:
                        self._contact.found()
                        backoff.reset()
                    await asyncio.shield(connection.ended)
                finally:
                    self._open[which] = None
                    connection.leave()
                if connection.reason:
                    self._contact.refused(connection.reason)
            await asyncio.sleep(backoff.next())

    async def _connected(self, member: Member) -> "_Connection | None":
        loop = asyncio.get_running_loop()
        connection = _Connection(member, self._uri, self._plan.token)
        try:
            async with asyncio.timeout(PATIENCE):
                await loop.create_connection(lambda: connection, self._host, self._port)
                await connection.opened
        except (OSError, InvalidHandshake) as exc:  # TimeoutError among them
            connection.leave()
            reason = "it does not answer" if isinstance(exc, TimeoutError) else why_not(exc)
            self._contact.missed(reason)
            return None
        except BaseException:
            connection.leave()
            raise
        return connection


class _Connection(asyncio.Protocol):
    """One node's connection."""

    def __init__(self, member: Member, uri: str, token: str = "") -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.reason = ""
        """Why the gateway sent the node away, if it did and said so."""
        self._member = member
        self._token = token
        self._protocol = ClientProtocol(parse_uri(uri), logger=_wire)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class
        request = self._protocol.connect()
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._answered()
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._take(event.data)
        closing = self._protocol.close_rcvd
        if closing is not None:
            self.reason = closing.reason
        self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("it closed the connection"))
            self.opened.exception()  # whoever waited may have given up
        if not self.ended.done():
            self.ended.set_result(None)

    def update(self, values: dict[str, str]) -> None:
        """Tell values."""
        self._send({"type": "update", "data": values})
        self._flush()

    def leave(self) -> None:
        """Close the connection, as far as there is one."""
        if self._transport is not None and not self._transport.is_closing():
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1001)
                self._flush()
            self._transport.close()

    def _answered(self) -> None:
        refusal = self._protocol.handshake_exc
        if refusal is None:
            self._send({"type": "new", "id": self._member.uid})
            self.opened.set_result(None)
        elif not self.opened.done():
            self.opened.set_exception(refusal)

    def _take(self, frame: bytes | bytearray | memoryview) -> None:
        thing = self._member.thing
        try:
            request = json.loads(bytes(frame))
            if request.get("request") == "discover":
                self._send({"type": "update", "data": thing.values})
                return
            name, payload = str(request["endpoint"]), str(request["payload"])
        except (ValueError, AttributeError, KeyError) as exc:
            logger.warning("ignored a request: %r", exc)
            return
        try:
            thing.put(name, payload)
        except InvalidValue as exc:
            logger.info("refused: %s", exc)
        # What it still is instead is all that this protocol has for a refusal.
        if name in thing.values:
            self._send({"type": "update", "data": {name: thing.values[name]}})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._transport is not None  # noqa: S101 - nothing is sent before
        if (
            self._protocol.state is State.OPEN
            and self._transport.get_write_buffer_size() <= MAX_UNSENT
        ):
            self._protocol.send_text(json.dumps(message, ensure_ascii=False).encode())

    def _flush(self) -> None:
        assert self._transport is not None  # noqa: S101 - as above
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()  # what the library says by sending nothing


def _scatter(which: int) -> Callable[[], float]:
    """A fraction that is another for each node, and never nothing."""
    return lambda: 0.5 + which * 0.618 % 0.5
