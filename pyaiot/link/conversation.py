# SPDX-License-Identifier: BSD-3-Clause
"""One connection to the broker, from the handshake to its end."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Raw
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from pyaiot.errors import InvalidInput, InvalidMessage, InvalidSignature, LinkFailed
from pyaiot.link.failure import link_failure
from pyaiot.messages.codec import MAX_FRAME, Codec, encode
from pyaiot.messages.signing import Session
from pyaiot.messages.types import Batch, Feature, Message

logger = logging.getLogger(__name__)

BATCH: Final = 256
"""Messages that are sent as one frame, at most, where the broker takes that."""

BATCH_BYTES: Final = MAX_FRAME // 4
"""Their size together, so that a frame stays well below what a broker takes."""

FLUSH: Final = 0.2
"""Seconds for what still waits when the service ends."""

_REFUSED: Final = frozenset({1003, 1007, 1009})
"""Close codes by which a peer says that it cannot take a message (RFC 6455 section 7.4.1)."""


M = TypeVar("M", bound=Message)
M_contra = TypeVar("M_contra", bound=Message, contravariant=True)


class Peer(Protocol[M_contra]):
    """Whom a link serves. Nothing here blocks or raises."""

    def connected(self, granted: frozenset[Feature]) -> None:
        """The broker is there, and understands `granted`."""

    def disconnected(self, *, refused: bool) -> None:
        """It is gone; `refused` if it could not take a message that was on its way."""

    def received(self, message: M_contra) -> None:
        """The broker says `message`."""

    def take(self, limit: int) -> Sequence[Message]:
        """The next messages to send, at most `limit`, in order; empty if there is none now."""

    def confirmed(self, number: int) -> None:
        """The first `number` of the messages taken and not yet confirmed have arrived."""


class Conversation(Generic[M]):
    """Carries messages between a peer and the broker over one connection."""

    def __init__(
        self,
        connection: ClientConnection,
        session: Session | None,
        granted: frozenset[Feature],
        peer: Peer[M],
        codec: Codec[M | Batch],
        *,
        gathering: float,
    ) -> None:
        self._connection = connection
        self._session = session
        self._granted = granted
        self._peer = peer
        self._gathering = gathering
        self._codec = codec
        self._awake = asyncio.Event()
        self._unconfirmed = asyncio.Event()
        self._sent = 0
        self._confirmed = 0
        self._sending = False
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._baffled = False

    def wake(self) -> None:
        """The peer has something to send."""
        self._awake.set()

    def give_up(self, reason: str) -> None:
        """End the conversation."""
        if not self._given_up.done():
            self._given_up.set_exception(LinkFailed(reason))

    async def run(self) -> None:
        """Until the connection ends, which raises LinkFailed."""
        self._peer.connected(self._granted)
        failure: BaseException | None = None
        # Not a group: a group that fails while it is being cancelled hides the cancellation.
        tasks = [
            asyncio.create_task(work)
            for work in (self._read(), self._write(), self._confirm(), self._watch())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            failure = _first_failure([task.exception() for task in tasks if task in done])
            raise failure
        except asyncio.CancelledError:
            await _end(tasks)
            await self._flush()
            raise
        finally:
            await _end(tasks)
            self._peer.disconnected(refused=_refused(failure))

    async def _read(self) -> None:
        while True:
            frame = await self._connection.recv(decode=False)
            if self._session is not None:
                try:
                    frame = self._session.open(frame)
                except InvalidSignature as exc:
                    raise LinkFailed(f"the broker's message is not to be trusted: {exc}") from exc
            for message in self._messages(frame):
                self._peer.received(message)

    def _messages(self, frame: bytes) -> Iterator[M]:
        message = self._decoded(frame)
        if isinstance(message, Batch):
            for raw in message.messages:
                single = self._decoded(bytes(raw))
                # A batch within a batch is nobody's message.
                if single is not None and not isinstance(single, Batch):
                    yield single
        elif message is not None:
            yield message

    def _decoded(self, frame: bytes) -> M | Batch | None:
        try:
            return self._codec.decode(frame)
        except InvalidMessage as exc:
            level = logging.DEBUG if self._baffled else logging.WARNING
            self._baffled = True
            logger.log(level, "The broker sent what is no message: %s", exc)
        except InvalidInput as exc:
            # A broker of the original passes on whatever its clients send (WIRE.md section 3.1).
            logger.debug("The broker sent what cannot be used: %s", exc)
        return None

    async def _write(self) -> None:
        while True:
            self._awake.clear()
            await self._send_all()
            await self._awake.wait()

    async def _send_all(self) -> None:
        while messages := self._peer.take(BATCH):
            self._sending = True
            for body in self._bodies(messages):
                sealed = body if self._session is None else self._session.seal(body)
                await self._connection.send(sealed, text=True)
            self._sending = False
            self._sent += len(messages)
            self._unconfirmed.set()
            # `send` need not wait for anything, and readers want their turn.
            await asyncio.sleep(0)

    def _bodies(self, messages: Sequence[Message]) -> Iterator[bytes]:
        encoded = [encode(message) for message in messages]
        if Feature.BATCH not in self._granted:
            yield from encoded
            return
        start = 0
        while start < len(encoded):
            end, size = start + 1, len(encoded[start])
            while end < len(encoded) and size + len(encoded[end]) <= BATCH_BYTES:
                size += len(encoded[end])
                end += 1
            group = encoded[start:end]
            yield group[0] if len(group) == 1 else encode(Batch(tuple(map(Raw, group))))
            start = end

    async def _confirm(self) -> None:
        while True:
            await self._unconfirmed.wait()
            await asyncio.sleep(self._gathering)
            self._unconfirmed.clear()
            await self._ask_arrival()
            # There may have been no room for more on its way.
            self._awake.set()

    async def _ask_arrival(self) -> None:
        sent = self._sent
        await (await self._connection.ping())
        self._peer.confirmed(sent - self._confirmed)
        self._confirmed = sent

    async def _watch(self) -> None:
        await self._given_up

    async def _flush(self) -> None:
        """Send what still waits, as long as that takes no longer than it may."""
        if self._sending:
            # Cut off between two frames: what follows would arrive without what was between.
            return
        try:
            async with asyncio.timeout(FLUSH):
                await self._send_all()
                await self._ask_arrival()
        except (TimeoutError, ConnectionClosed):
            logger.debug("The broker did not take the last messages in time")


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _refused(failure: BaseException | None) -> bool:
    """Whether the broker ended the connection because of what it was sent."""
    cause = None if failure is None else failure.__cause__
    return (
        isinstance(cause, ConnectionClosed)
        and cause.rcvd is not None
        and cause.rcvd.code in _REFUSED
    )


def _first_failure(failures: Iterable[BaseException | None]) -> BaseException:
    """What to say of the end of a conversation; what is no failure of the link stays itself."""
    exc = next(each for each in failures if each is not None)
    if isinstance(exc, ConnectionClosed):
        failure = link_failure(exc)
        failure.__cause__ = exc
        return failure
    return exc
