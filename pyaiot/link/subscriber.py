# SPDX-License-Identifier: BSD-3-Clause
"""A client's connection to a broker (WIRE.md section 3.1), with what ours adds where it can."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from pyaiot import __version__
from pyaiot.errors import InvalidInput, LinkFailed, PermissionDenied
from pyaiot.link.client import link_url
from pyaiot.link.failure import link_failure
from pyaiot.link.mirror import Change, Event, Mirror
from pyaiot.messages.codec import encode, to_client
from pyaiot.messages.keys import KeyPair
from pyaiot.messages.signing import FEATURES_HEADER, SUBPROTOCOL, make_token
from pyaiot.messages.types import (
    Command,
    Feature,
    Hello,
    Message,
    Result,
    Status,
    Target,
    ToClient,
    Welcome,
)

_silent = logging.getLogger("pyaiot.link.silent")
# At DEBUG the library writes the request with its token; of errors, callers are told.
_silent.setLevel(logging.CRITICAL)

FEATURES: Final = (Feature.SNAPSHOT, Feature.AVAILABILITY, Feature.RESULT, Feature.NAMES)
"""What is asked for; a broker of the original ignores it."""

QUIET: Final = 1.0
"""Seconds without a message after which a broker of the original has told all that it knows."""

OPENING: Final = 3 * QUIET
"""Seconds after which that is assumed however much its nodes have to say."""

MAX_SIZE: Final = 64 << 20
"""Bytes of the largest message taken; a part of a snapshot holds at least one whole node."""

GRACE: Final = 2.0
"""Seconds beyond a command's time in which its result may still come."""


def client_url(host: str, port: int | None, *, tls: bool) -> str:
    """The address of a broker's route for clients. Raises SettingsInvalid when it is none."""
    return link_url(host, port, tls=tls, route="/ws")


CLOSING: Final = 0.5
"""Seconds that the broker has for its part of the goodbye."""


class Subscriber:
    """Who connects, where, and with which proof."""

    def __init__(
        self,
        url: str,
        proofs: Sequence[KeyPair | None],
        wall: Callable[[], float],
        *,
        tls: ssl.SSLContext | None = None,
        patience: float = 10.0,
    ) -> None:
        """Prove oneself by the first of `proofs` that the broker takes; None is no proof at all.

        `url` is as `client_url` makes it, `wall` gives seconds since the epoch, and `patience` is
        how many seconds each step may take.
        """
        self._url = url
        self._proofs = proofs or (None,)
        self._wall = wall
        # The library takes None for a slip where the address says TLS.
        self._tls = tls or (True if url.startswith("wss:") else None)
        self._patience = patience

    @asynccontextmanager
    async def connected(self, mirror: Mirror | None = None) -> AsyncIterator["Subscription"]:
        """A connection on which everything known has arrived; `mirror` may know what was before.

        Raises LinkFailed, or PermissionDenied where the broker wants a proof or another one.
        """
        connection = await self._connect()
        try:
            subscription = Subscription(connection, mirror or Mirror(), self._wall)
            await subscription.begin(self._patience)
            yield subscription
        finally:
            try:
                async with asyncio.timeout(CLOSING):
                    await connection.close()
            except TimeoutError:
                connection.transport.abort()

    async def _connect(self) -> ClientConnection:
        refusal: PermissionDenied | None = None
        for proof in self._proofs:
            try:
                return await self._attempt(proof)
            except PermissionDenied as exc:
                refusal = refusal or exc
        assert refusal is not None  # noqa: S101 - there is one proof at least
        raise refusal

    async def _attempt(self, proof: KeyPair | None) -> ClientConnection:
        offer = None
        if proof is not None:
            offer = [Subprotocol(SUBPROTOCOL), Subprotocol(make_token(proof, self._wall()))]
        try:
            return await _Opening(
                self._url,
                subprotocols=offer,
                additional_headers={FEATURES_HEADER: ", ".join(FEATURES)},
                user_agent_header=f"pyaiot/{__version__}",
                compression=None,
                proxy=None,
                ssl=self._tls,
                open_timeout=self._patience,
                close_timeout=CLOSING,
                max_size=MAX_SIZE,
                logger=_silent,
            )
        except InvalidStatus as exc:
            if exc.response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                reason = " ".join(exc.response.body.decode("utf-8", "replace").split())
                raise PermissionDenied(reason or "not let in") from exc
            raise link_failure(exc) from exc
        except (OSError, WebSocketException, ValueError) as exc:
            raise link_failure(exc) from exc


class Subscription:
    """One connection, and what has come over it."""

    def __init__(
        self, connection: ClientConnection, mirror: Mirror, wall: Callable[[], float]
    ) -> None:
        self.mirror = mirror
        self._connection = connection
        self._wall = wall
        self._ahead = 0.0
        self._codec = to_client(max_bytes=MAX_SIZE)
        self.first: list[Change] = []
        """What is new since the mirror's former connection."""
        response = connection.response
        self._original = response is None or FEATURES_HEADER not in response.headers
        """The broker understands nothing beyond the original's protocol."""

    @property
    def now(self) -> float:
        """Seconds since the epoch by the broker's clock, which the times of readings fit."""
        return self._wall() + self._ahead

    async def begin(self, patience: float) -> None:
        """Ask for everything, and wait until it is there.

        Raises LinkFailed when it does not come within `patience` seconds.
        """
        self.mirror.complete = False
        await self._send(Hello(features=FEATURES))
        try:
            async with asyncio.timeout(OPENING if self._original else patience):
                while not self.mirror.complete:
                    async with asyncio.timeout(QUIET if self._original else None):
                        self.first += await self.changes()
        except TimeoutError as exc:
            if not self._original:
                raise LinkFailed("the broker does not tell which nodes there are") from exc

    async def changes(self) -> list[Change]:
        """What the next message changes. Raises LinkFailed at the end of the connection."""
        return self.mirror.apply(await self._receive(), self.now)

    async def event(self) -> tuple[ToClient, list[Change]]:
        """The next message, and what it changes. Raises LinkFailed at the end of the connection."""
        message = await self._receive()
        return message, self.mirror.apply(message, self.now)

    async def tell(self, command: Command) -> None:
        """Send a command; who gave it an id finds its result in `event`. Raises LinkFailed."""
        await self._send(command)

    async def set(
        self,
        target: Target,
        patience: float,
        queued: Callable[[Result], None] = lambda _: None,
    ) -> Result:
        """Set a resource, and wait for the result, which is never `Status.QUEUED`.

        `queued` is told where the command waits for a node that sleeps. A broker of the original
        gives no results; there the node's report of the value stands for one.
        """
        identity = uuid4().hex
        try:
            async with asyncio.timeout(patience + GRACE):
                await self._send(Command(target, identity, patience))
                while True:
                    message = await self._receive()
                    if isinstance(message, Result) and message.id == identity:
                        if message.status is not Status.QUEUED:
                            return message
                        queued(message)
                    for change in self.mirror.apply(message, self.now):
                        if self._original and _confirms(change, target):
                            return Result(identity, Status.APPLIED)
        except TimeoutError:
            return Result(identity, Status.TIMEOUT, "There was no result in time.")

    async def _receive(self) -> ToClient:
        while True:
            try:
                message = self._codec.decode(await self._connection.recv())
            except ConnectionClosed as exc:
                raise link_failure(exc) from exc
            except InvalidInput:
                # From a newer broker, or an older one's mistake: nothing that this needs.
                continue
            if isinstance(message, Welcome):
                self._ahead = message.time - self._wall()
            return message

    async def _send(self, message: Message) -> None:
        try:
            await self._connection.send(encode(message).decode())
        except ConnectionClosed as exc:
            raise link_failure(exc) from exc


class _Opening(connect):
    """One attempt; a redirect would take the token to somebody else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _confirms(change: Change, target: Target) -> bool:
    return (
        change.event is Event.UPDATE
        and change.uid == target.uid
        and change.reading is not None
        and change.reading.endpoint == target.endpoint
        and change.reading.value == target.payload
    )
