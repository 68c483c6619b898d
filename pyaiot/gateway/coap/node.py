# SPDX-License-Identifier: BSD-3-Clause
"""One node as a server: where it answers, and what it is asked, never too much at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.coap.client import Client, Path
from pyaiot.gateway.coap.links import WELL_KNOWN, segments
from pyaiot.gateway.coap.peers import Peer
from pyaiot.gateway.coap.transport import Notify, Remote, Transport, Unreachable

OUTSTANDING: Final = 2
"""Requests that a node has to answer at the same time."""

GRACE: Final = 0.5
"""Seconds that the port from which a node posts has longer than the default one to answer."""

SECOND_TRY: Final = 1.0
"""Seconds after which a node that has no list of resources is asked for it once more."""

Located = Callable[[Peer, int], None]
"""Is told at which port a node answers."""


class Node:
    """Requests to one node. All raise what `Client` raises."""

    def __init__(
        self,
        peer: Peer,
        transport: Transport,
        located: Located,
        *,
        default_port: int,
        patience: float,
    ) -> None:
        """Ask nothing yet.

        `default_port` is where nodes serve that do not where they post from. `patience` is how
        many seconds one answer may take.
        """
        self.peer = peer
        self._transport = transport
        self._client = Client(transport, patience)
        self._located = located
        self._default_port = default_port
        self._gate = asyncio.Semaphore(OUTSTANDING)
        self._searching = asyncio.Lock()
        self._paths: dict[str, Path] = {}

    def name_path(self, endpoint: str, path: Path) -> None:
        """Remember the path of a resource where its name does not say it (``%2F`` in it)."""
        if tuple(endpoint.split("/")) != path:
            self._paths[endpoint] = path

    async def links(self) -> bytes:
        """The list of its resources."""
        async with self._turn():
            async with self._searching:
                remote, first = await self._find_patiently()
            return await self._client.whole(remote, WELL_KNOWN, first)

    async def get(self, path: Path) -> bytes:
        """The value of a resource."""
        async with self._turn():
            remote = await self._found()
            return await self._client.whole(remote, path, await self._client.ask(remote, path))

    async def put(self, endpoint: str, body: bytes) -> bytes:
        """Set a resource; what the node answers to that.

        Raises InvalidValue for a name that is no path.
        """
        path = self._paths.get(endpoint) or segments(endpoint)
        async with self._turn():
            return await self._client.put(await self._found(), path, body)

    async def remote(self) -> Remote:
        """Where it answers."""
        async with self._turn():
            return await self._found()

    async def observe(self, remote: Remote, path: Path, token: bytes, notify: Notify) -> Message:
        """The first response to an observing request; `notify` is called for what follows."""
        async with self._turn():
            return await self._client.observe(remote, path, token, notify)

    async def whole(self, remote: Remote, path: Path, first: Message) -> bytes:
        """The value of which `first` is all, or the first block."""
        async with self._turn():
            return await self._client.whole(remote, path, first)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._gate:
            try:
                yield
            except Unreachable:
                # It may serve elsewhere from now on.
                self.peer.serves = None
                raise

    async def _found(self) -> Remote:
        if not self._ports[1:]:
            return self._remote(self._ports[0])
        async with self._searching:
            if not self._ports[1:]:
                return self._remote(self._ports[0])
            remote, _ = await self._find()
            return remote

    @property
    def _ports(self) -> tuple[int, ...]:
        return self.peer.ports(self._default_port)

    def _remote(self, port: int) -> Remote:
        return self._transport.remote(self.peer.host, port, self.peer.local)

    async def _find_patiently(self) -> tuple[Remote, Message]:
        """The same as `_find`; a node may announce itself a little before its server is up."""
        try:
            found = await self._find()
        except CommandTimeout:
            raise
        except CommandFailed:
            self.peer.serves = None
        else:
            if found[1].code is Code.CONTENT:
                return found
        await asyncio.sleep(SECOND_TRY)
        return await self._find()

    async def _find(self) -> tuple[Remote, Message]:
        """Where it answers to a request for its resources, and how.

        Firmwares post from a port that they never read, so a silent port means nothing. Nor does
        an error from there: the original's test node posts from clients that may still live. So
        only where a list comes from is remembered.
        """
        own_port, *rest = self._ports
        port, first = (
            await self._ask_both(own_port, rest[0])
            if rest
            else (own_port, await self._client.ask(self._remote(own_port), WELL_KNOWN))
        )
        if first.code is Code.CONTENT:
            self._located(self.peer, port)
        return self._remote(port), first

    async def _ask_both(self, own_port: int, other_port: int) -> tuple[int, Message]:
        """The port that answers, `own_port` rather than the other, and its answer."""
        own = asyncio.create_task(self._client.ask(self._remote(own_port), WELL_KNOWN))
        other = asyncio.create_task(self._client.ask(self._remote(other_port), WELL_KNOWN))
        try:
            await asyncio.wait({own, other}, return_when=asyncio.FIRST_COMPLETED)
            if not own.done():
                await asyncio.wait({own}, timeout=GRACE if _lists(other) else None)
            if not _lists(own):
                await asyncio.wait({other})
            return _better((own_port, own), (other_port, other))
        finally:
            own.cancel()
            other.cancel()
            await asyncio.gather(own, other, return_exceptions=True)


def _lists(answer: asyncio.Task[Message]) -> bool:
    """A list of resources came."""
    return _answered(answer) and answer.result().code is Code.CONTENT


def _answered(answer: asyncio.Task[Message]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


def _better(
    own: tuple[int, asyncio.Task[Message]], other: tuple[int, asyncio.Task[Message]]
) -> tuple[int, Message]:
    """The port that answered, and its answer: a list rather than none."""
    for judge in (_lists, _answered):
        for port, answer in (own, other) if judge is _lists else (other, own):
            if judge(answer):
                return port, answer.result()
    failures = [answer.exception() for _, answer in (own, other) if answer.done()]
    silent = any(isinstance(failure, CommandTimeout) for failure in failures)
    kind = CommandTimeout if silent else CommandFailed
    raise kind(f"The node answers neither at port {own[0]} nor at port {other[0]}.")
