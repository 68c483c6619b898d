# SPDX-License-Identifier: BSD-3-Clause
"""A simulated websocket node: what a node of WIRE.md section 6 does."""

import asyncio
import json
import logging
from random import Random
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from pyaiot.errors import InvalidValue
from pyaiot.link.backoff import Backoff
from pyaiot.model.node import checked_uid
from pyaiot.simulate.things import Thing

logger = logging.getLogger(__name__)

_wire = logging.getLogger("pyaiot.simulate.wire")
_wire.setLevel(logging.WARNING)

_LONGEST: Final = 200
"""Characters of what a gateway says."""

STABLE: Final = 10.0
"""Seconds after which a connection counts as good, and the next one is tried without delay."""


def why_not(exc: Exception) -> str:
    """Why there is no connection, or none any more; in the gateway's words where it says so."""
    if isinstance(exc, InvalidStatus):
        body = exc.response.body.decode("utf-8", "replace")
        return f"HTTP {exc.response.status_code}: {' '.join(body.split())[:_LONGEST]}"
    if isinstance(exc, ConnectionClosed) and exc.rcvd is not None and exc.rcvd.reason:
        return exc.rcvd.reason
    return str(exc)


class WebsocketNode:
    """A `Thing` that keeps a websocket to a gateway."""

    def __init__(
        self,
        thing: Thing,
        url: str,
        random: Random,
        *,
        uid: str = "",
        token: str = "",
        backoff: Backoff | None = None,
    ) -> None:
        """Connect to `url` (``ws://HOST:8001/node``); without `uid` the node is nameless.

        `token` is its device token, where it has one.

        Raises InvalidValue for a uid that no node can have.
        """
        self._thing = thing
        self._url = url
        self._uid = checked_uid(uid) if uid else ""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._backoff = backoff or Backoff(random.random)

    async def run(self) -> None:
        """Be a node until cancelled; reconnects when the gateway was away."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._live()
            except (OSError, WebSocketException) as exc:
                logger.warning("no connection to %s: %s", self._url, why_not(exc))
            if loop.time() - began > STABLE:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next())

    async def _live(self) -> None:
        async with connect(
            self._url,
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            close_timeout=0.5,
            logger=_wire,
        ) as socket:
            if self._uid:
                await self._send(socket, {"type": "new", "id": self._uid})
            reports = [
                asyncio.create_task(self._report(socket, name, period))
                for name, period in self._thing.periodic.items()
            ]
            try:
                async for frame in socket:
                    await self._take(socket, frame)
            finally:
                for task in reports:
                    task.cancel()
                # Those that met the end of the connection are told of it no louder than by that.
                await asyncio.gather(*reports, return_exceptions=True)

    async def _report(self, socket: ClientConnection, name: str, period: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(period)
            await self._update(socket, {name: self._thing.sample(name, loop.time())})

    async def _take(self, socket: ClientConnection, frame: str | bytes) -> None:
        logger.debug("received %s", frame)
        try:
            request = json.loads(frame)
            if request.get("request") == "discover":
                await self._update(socket, self._thing.values)
            else:
                await self._put(socket, str(request["endpoint"]), str(request["payload"]))
        except (ValueError, AttributeError, KeyError) as exc:
            logger.warning("ignored a request: %r", exc)

    async def _put(self, socket: ClientConnection, name: str, payload: str) -> None:
        try:
            self._thing.put(name, payload)
        except InvalidValue as exc:
            logger.info("refused: %s", exc)
        # What it still is instead is all that this protocol has for a refusal.
        if name in self._thing.values:
            await self._update(socket, {name: self._thing.values[name]})

    async def _update(self, socket: ClientConnection, values: dict[str, str]) -> None:
        await self._send(socket, {"type": "update", "data": values})

    async def _send(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        frame = json.dumps(message, ensure_ascii=False)
        logger.debug("sent %s", frame)
        await socket.send(frame)
