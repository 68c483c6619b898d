# SPDX-License-Identifier: BSD-3-Clause
"""The link: a service's connection to its broker, kept up whatever happens (WIRE.md section 2.1).

It connects, proves itself, signs, and connects again after every kind of failure. What is to be
sent it takes from its peer when the connection can carry it, and tells the peer when it has
arrived: a websocket pong answers all frames before its ping, with any broker.
"""

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from pyaiot import __version__
from pyaiot.errors import LinkFailed, SettingsInvalid
from pyaiot.link.backoff import Backoff
from pyaiot.link.conversation import Conversation, M, Peer
from pyaiot.link.failure import Complaints, link_failure
from pyaiot.messages.codec import MAX_FRAME, Codec
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import (
    FEATURES_HEADER,
    NAME_HEADER,
    NONCE_HEADER,
    NONCE_SIZE,
    SUBPROTOCOL,
    Session,
    make_token,
)
from pyaiot.messages.types import Batch, Feature

logger = logging.getLogger(__name__)

_wire = logging.getLogger("pyaiot.link.wire")
# At DEBUG the library writes the request with its token.
_wire.setLevel(logging.INFO)

FEATURES: Final = frozenset(
    {
        Feature.SIGNED,
        Feature.BATCH,
        Feature.AVAILABILITY,
        Feature.RESULT,
        Feature.DEVICES,
        Feature.STORED,
    },
)
"""What a gateway asks of its broker."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the link waits for what, in seconds."""

    opening: float = 10.0
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    closing: float = 0.3
    stable: float = 10.0
    """A connection that lasted so long was a success; attempts after it begin without delay."""
    gathering: float = 0.1
    """How long sent messages may gather before their arrival is asked for."""


class Link(Generic[M]):
    """The reconnecting signed client of a broker's ``/gw``, or ``/service``."""

    def __init__(
        self,
        url: str,
        ring: KeyRing,
        backoff: Backoff,
        wall: Callable[[], float],
        *,
        codec: Codec[M | Batch],
        name: str,
        features: frozenset[Feature] = FEATURES,
        accept_unsigned: bool = False,
        tls: ssl.SSLContext | None = None,
        timing: Timing | None = None,
    ) -> None:
        """`url` is as `link_url` makes it; `wall` gives seconds since the epoch, for the token.

        `codec` reads what the broker sends. `accept_unsigned` goes on with a broker that cannot
        sign, as the original's cannot. `tls` stands in for the system's certificates.
        """
        self._url = url
        self._ring = ring
        self._backoff = backoff
        self._wall = wall
        self._name = name.encode("ascii", "replace").decode()
        self._features = features
        self._codec = codec
        self._accept_unsigned = accept_unsigned
        # The library takes None for a slip where the address says TLS.
        self._tls = tls or (True if url.startswith("wss:") else None)
        self._timing = timing or Timing()
        self._turn = 0
        self._conversation: Conversation[M] | None = None
        self._complaints = Complaints(
            lambda reason: logger.warning("No link to the broker at %s, retrying: %s", url, reason)
        )

    async def run(self, peer: Peer[M]) -> None:
        """Keep `peer` connected until cancelled; then close within a second."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._attend(peer)
            except LinkFailed as exc:
                if not self._complaints.add(exc.reason):
                    logger.debug("No link to the broker at %s: %s", self._url, exc.reason)
            if loop.time() - began >= self._timing.stable:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next())

    def wake(self) -> None:
        """The peer has something to send."""
        if self._conversation is not None:
            self._conversation.wake()

    def restart(self, reason: str) -> None:
        """Give this connection up and make a new one."""
        if self._conversation is not None:
            self._conversation.give_up(reason)

    async def _attend(self, peer: Peer[M]) -> None:
        """One connection, from its attempt to its end. Raises LinkFailed, whatever happens."""
        pair = self._ring.pairs[self._turn % len(self._ring.pairs)]
        token = make_token(pair, self._wall())
        async with self._connection(token) as connection:
            response = connection.response
            headers = Headers() if response is None else response.headers
            session, granted = self._agreed(headers, pair, token)
            level = logging.INFO if session else logging.WARNING
            how = "signed" if session else "unsigned: anybody on the way can change messages"
            logger.log(level, "Linked to the broker at %s, %s", self._url, how)
            self._complaints.clear()
            self._conversation = Conversation(
                connection, session, granted, peer, self._codec, gathering=self._timing.gathering
            )
            try:
                await self._conversation.run()
            finally:
                self._conversation = None

    @asynccontextmanager
    async def _connection(self, token: str) -> AsyncIterator[ClientConnection]:
        try:
            connection = await _Opening(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(token)],
                additional_headers={
                    FEATURES_HEADER: ", ".join(sorted(self._features)),
                    NAME_HEADER: self._name,
                },
                user_agent_header=f"pyaiot/{__version__}",
                compression=None,
                # The broker is where the settings say, not where a variable for browsers says.
                proxy=None,
                ssl=self._tls,
                open_timeout=self._timing.opening,
                ping_interval=self._timing.ping_interval,
                ping_timeout=self._timing.ping_timeout,
                close_timeout=self._timing.closing,
                max_size=MAX_FRAME,
                logger=_wire,
            )
        except (OSError, WebSocketException, ValueError) as exc:
            status = exc.response.status_code if isinstance(exc, InvalidStatus) else 0
            if status == 401:
                # Perhaps the broker does not know the newest key yet.
                self._turn += 1
            if status == 404 and (route := parse_uri(self._url).path) != "/gw":
                raise LinkFailed(
                    f"HTTP 404: the broker has no {route}; is it the original's, or an older one?"
                ) from exc
            raise link_failure(exc) from exc
        try:
            yield connection
        finally:
            await _close(connection, self._timing.closing)

    def _agreed(
        self, headers: Headers, pair: KeyPair, token: str
    ) -> tuple[Session | None, frozenset[Feature]]:
        """What the broker's answer says: how to sign, and what it understands."""
        words = {word.strip() for word in ",".join(headers.get_all(FEATURES_HEADER)).split(",")}
        granted = frozenset(feature for feature in self._features if feature.value in words)
        nonce = "".join(headers.get_all(NONCE_HEADER))
        if not nonce:
            if not self._accept_unsigned:
                raise LinkFailed("the broker cannot sign; --accept-unsigned goes on all the same")
            return None, granted
        try:
            raw = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
        except ValueError as exc:
            raise LinkFailed("the broker's nonce is not base64") from exc
        if len(raw) < NONCE_SIZE:
            raise LinkFailed("the broker's nonce is too short")
        return Session.of_service(pair, token, raw), granted


class _Opening(connect):
    """One attempt; a redirect would take the token to somebody else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _close(connection: ClientConnection, patience: float) -> None:
    """Say goodbye, and leave without an answer after `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            await connection.close()
    except TimeoutError:
        # What it still had to send kept the library from looking at its own time limit.
        connection.transport.abort()


def link_url(host: str, port: int | str | None, *, tls: bool, route: str = "/gw") -> str:
    """The address of a broker's route for gateways, or another; without a port, the scheme's own.

    Raises SettingsInvalid when it is no address.
    """
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    where = f"{name}:{port}" if port else name
    url = f"{'wss' if tls else 'ws'}://{where}{route}"
    try:
        parsed = parse_uri(url)
    except (InvalidURI, ValueError) as exc:
        raise SettingsInvalid(f"'{where}' is not the address of a broker.") from exc
    if parsed.user_info is not None or parsed.path != route:
        raise SettingsInvalid(f"'{where}' is not the address of a broker.")
    return url
