# SPDX-License-Identifier: BSD-3-Clause
"""One node's socket: what the library leaves unbounded is bounded here."""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import WebSocketException

from pyaiot.errors import MessageTooLarge, close_reason

CLOSING: Final = 0.5
"""Seconds that a peer has for its part of the closing handshake."""

MAX_FRAGMENTS: Final = 64
"""Parts in which one frame's text may come; empty ones would count for nothing otherwise."""

MAX_UNREAD: Final = 1 << 18
"""Bytes that may wait for a peer that does not read, answers to its own pings among them."""


class NodeSocket(ServerConnection):
    """A connection that is never waited for without a limit."""

    opened: Callable[["NodeSocket"], bool]
    """Told of the connection before anything was read; False refuses it."""
    ended: Callable[["NodeSocket"], None]
    """Told when the connection is gone."""
    token = ""
    """The device token that came with the request, if any."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        super().connection_made(transport)
        if not self.opened(self):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        super().connection_lost(exc)
        self.ended(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio. Drops a peer that asks (by pings) but does not read the answers."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNREAD:
            self.transport.abort()

    async def frame(self) -> bytes:
        """The next frame's text.

        Raises MessageTooLarge when it comes in too many parts, and ConnectionClosed at the end.
        """
        parts: list[bytes] = []
        async with aclosing(self.recv_streaming(decode=False)) as stream:  # type: ignore[type-var]
            async for part in stream:
                if len(parts) == MAX_FRAGMENTS:
                    raise MessageTooLarge("A message must not come in more than 64 parts.")
                parts.append(part)
        return b"".join(parts)

    async def end(self, code: int, reason: str = "") -> None:
        """Close the connection, within `CLOSING` seconds whatever the peer does."""
        try:
            async with asyncio.timeout(CLOSING):
                await self.close(code, close_reason(reason))
        except TimeoutError:
            self.transport.abort()


class LibraryLog(logging.LoggerAdapter[logging.Logger]):
    """Where the library logs to: what a peer did wrong is one line, a fault of ours a traceback."""

    def __init__(self, logger: logging.Logger, complain: Callable[[str], None]) -> None:
        super().__init__(logger)
        self._complain = complain

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is logging's
        """Leave out the library's chatter."""
        return level >= logging.ERROR

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """Called by the library."""
        error = sys.exc_info()[1] if kwargs.get("exc_info") else None
        if isinstance(error, WebSocketException | OSError | EOFError):
            self._complain(f"{msg}: {error}")
        else:
            super().log(level, msg, *args, **kwargs)
