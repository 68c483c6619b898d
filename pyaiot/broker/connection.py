# SPDX-License-Identifier: BSD-3-Clause
"""One TCP connection: the handshake, frames in, bytes out, and its end.

What comes in is taken apart by `pyaiot.broker.intake`. Outgoing frames come ready made
(`pyaiot.broker.frames`) and go to the transport as they are.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol, cast

from websockets.exceptions import SecurityError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from pyaiot.broker.admission import OFFER
from pyaiot.broker.frames import PING, PONG_OPCODE
from pyaiot.broker.intake import Intake
from pyaiot.errors import PyaiotError, close_reason
from pyaiot.model.moment import Moment

HANDSHAKE_TIME: Final = 10.0
"""Seconds within which a peer must have said what it wants."""
CLOSE_TIME: Final = 2.0
"""Seconds that a peer has to take the last bytes and hang up."""
MAX_HEADERS: Final = 16_384
"""Bytes of a request to connect."""
READ_SMALL: Final = 4096
"""Bytes read at once from a client: some hundred of the smallest frames, and no more, lest one
client that floods the broker with them holds up everybody."""
READ_LARGE: Final = 65_536
"""Bytes read at once from a gateway."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to somebody who does not get a websocket."""

    status: HTTPStatus
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Role(Protocol):
    """What a connection is once the handshake is over."""

    def received(self, frame: bytes, now: Moment) -> None:
        """A message came in; it is UTF-8."""

    def counted(self, now: Moment) -> None:
        """A frame came in that is no message: part of one, a ping, a pong."""

    def paused(self) -> None:
        """What is written now, the peer is too slow to take."""

    def resumed(self) -> None:
        """The peer has taken nearly all that was written."""

    def left(self) -> None:
        """The connection ended."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Somebody gets a websocket."""

    start: "Callable[[Connection, Moment], Role]"
    queue: int
    """Bytes that may wait for the peer until it counts as too slow."""
    read: int = READ_SMALL
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, beyond those of RFC 6455."""


class Host(Protocol):
    """The server, as far as a connection needs it."""

    def buffer(self, size: int) -> memoryview:
        """Where to read `size` bytes to; used within one call only, so that all share it."""

    @property
    def max_message(self) -> int:
        """Bytes of the longest message."""

    def opened(self, connection: "Connection") -> bool:
        """Somebody connected; False if there are too many already."""

    def answer(self, path: str, headers: Mapping[str, str], peer: str) -> Page | Upgrade:
        """What `peer` gets who asks for `path`; names of `headers` are in lower case."""

    def complain(self, text: str) -> None:
        """Something was wrong with what a peer sent."""

    def closed(self, connection: "Connection") -> None:
        """A connection is no more."""

    def hold(self) -> Moment:
        """A connection is about to hand on what it read; when that is."""

    def settle(self) -> None:
        """It has handed on all of it."""


class Connection(asyncio.BufferedProtocol):
    """One connection, from its first byte to its last."""

    __slots__ = (
        "_answered",
        "_buffer",
        "_clock",
        "_closing_at",
        "_header_bytes",
        "_heard_at",
        "_host",
        "_intake",
        "_message",
        "_opened_at",
        "_paused",
        "_pinged_at",
        "_pong",
        "_role",
        "_transport",
        "peer",
    )

    def __init__(self, host: Host, clock: Callable[[], float]) -> None:
        """`clock` gives seconds on a steady clock."""
        self.peer = ""
        """Address and port of the peer; for the log."""
        self._host = host
        self._clock = clock
        self._transport: asyncio.Transport
        self._intake = Intake(host.max_message)
        self._role: Role | None = None
        self._buffer = host.buffer(READ_SMALL)
        self._message: bytearray | None = None
        self._header_bytes = 0
        self._answered = False
        self._paused = False
        self._pong = b""
        self._opened_at = self._heard_at = clock()
        self._pinged_at: float | None = None
        self._closing_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = cast("asyncio.Transport", transport)
        address = transport.get_extra_info("peername")
        if isinstance(address, tuple):
            host, port = address[:2]
            self.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if not self._host.opened(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.")

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the hint is no bound
        """Where the next bytes are to be put."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came in."""
        if self._closing_at is not None:
            # All that can still matter is that it answered; where TLS is spoken nothing else says
            # that the peer has read what was written.
            if not self._transport.can_write_eof():
                self._close_transport()
            return
        now = self._host.hold()
        self._heard_at = now.steady
        self._pinged_at = None
        if not self._answered:
            self._header_bytes += nbytes
        try:
            self._receive(bytes(self._buffer[:nbytes]), now)
        finally:
            self._host.settle()

    def _receive(self, data: bytes, now: Moment) -> None:
        for event in self._intake.receive(data):
            if type(event) is bytes:
                if self._role is None or self._closing_at is not None:
                    return
                if event.isascii():
                    self._role.received(event, now)
                else:
                    self._checked(self._role, event, now)
            elif isinstance(event, Frame):
                self._frame(event, now)
            else:
                self._request(cast("Request", event), now)
        core = self._intake.core
        if core is None:
            return
        self._check_request(core)
        if core.parser_exc is not None and self._role is not None:
            self._host.complain(f"{self.peer} does not keep to the protocol: {core.parser_exc}")
        self._flush()

    def eof_received(self) -> None:
        """The peer will send no more; the transport closes itself."""
        self._intake.end()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - every end is alike
        """It is over."""
        self._leave()
        self._host.closed(self)

    def pause_writing(self) -> None:
        """More than its queue is waiting for the peer."""
        self._paused = True
        if self._role is not None:
            self._role.paused()

    def resume_writing(self) -> None:
        """The peer took what was waiting."""
        self._paused = False
        if self._pong:
            self.write(self._pong)
            self._pong = b""
        if self._role is not None:
            self._role.resumed()

    def write(self, data: bytes) -> None:
        """Send whole frames; nothing any more once the connection is being closed."""
        # A transport that has failed would complain in the log about each further write.
        if self._closing_at is None and not self._transport.is_closing():
            self._transport.write(data)

    @property
    def waiting(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._transport.get_write_buffer_size()

    def hold_back(self, hold: bool) -> None:
        """Read nothing more from the peer, or read on."""
        if self._transport.is_closing():
            return
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def end(self, error: PyaiotError) -> None:
        """Close the connection because of `error`."""
        self.close(error.close_code, error.reason)

    def close(self, code: int, reason: str) -> None:
        """Close the connection (RFC 6455 section 7.1.7); what still comes in is not looked at."""
        if self._closing_at is not None:
            return
        core = self._intake.engine()
        if core.state is OPEN:
            core.fail(code, close_reason(reason))
            self._flush()
        else:
            self._closing_at = self._clock()
            self._close_transport()

    @property
    def stranger(self) -> bool:
        """Whether it has yet to say what it wants."""
        return self._role is None and not self._transport.is_closing()

    def abort(self) -> None:
        """End the connection without a word."""
        self._transport.abort()

    def _close_transport(self) -> None:
        # In the first releases of Python 3.11, Debian 12's among them, a TLS transport that is
        # closed twice, the first time by the peer, can be used for nothing more, not even `abort`.
        if not self._transport.is_closing():
            self._transport.close()

    def check(self, now: float, interval: float, timeout: float) -> None:
        """To be called now and then: pings a silent peer, and notices a dead one.

        A peer is pinged after `interval` s (0: never) and must be heard within `timeout` s then.
        """
        if self._closing_at is not None:
            if now - self._closing_at >= CLOSE_TIME:
                self.abort()
        elif self._role is None:
            if now - self._opened_at >= HANDSHAKE_TIME:
                self.abort()
        elif self._pinged_at is not None:
            if now - self._pinged_at >= timeout:
                _log.info("%s does not answer", self.peer)
                self.abort()
        elif interval and now - self._heard_at >= interval:
            self._pinged_at = now
            if not self._paused:
                self.write(PING)

    def _request(self, request: Request, now: Moment) -> None:
        self._answered = True
        core = self._intake.engine()
        if core.parser_exc is not None or core.eof_sent:
            # It did not wait for the answer, and what it sent instead makes no sense.
            self.abort()
            return
        headers = {
            name.lower(): ", ".join(request.headers.get_all(name)) for name in request.headers
        }
        answer = self._host.answer(request.path.partition("?")[0], headers, self.peer)
        if isinstance(answer, Page):
            response = core.reject(answer.status, answer.body)
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = answer.content_type
            core.send_response(response)
        else:
            self._upgrade(core, request, answer, now)

    def _upgrade(
        self, core: ServerProtocol, request: Request, upgrade: Upgrade, now: Moment
    ) -> None:
        # The offer is no subprotocol but a token, which need not even be a legal header item.
        if OFFER in request.headers:
            del request.headers[OFFER]
        response: Response = core.accept(request)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            response.headers.update(upgrade.headers)
        core.send_response(response)
        if core.state is not OPEN:
            return
        self._flush()
        self._buffer = self._host.buffer(upgrade.read)
        self._transport.set_write_buffer_limits(upgrade.queue, upgrade.queue // 4)
        self._role = upgrade.start(self, now)

    def _check_request(self, core: ServerProtocol) -> None:
        if self._answered:
            return
        exc = core.handshake_exc
        if isinstance(exc and exc.__cause__, SecurityError) or self._header_bytes > MAX_HEADERS:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse(status, "The request is too long.")
        elif exc is not None:
            self._refuse(HTTPStatus.BAD_REQUEST, "A GET request of HTTP/1.1 is expected.")

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer a request that was not even understood."""
        self._answered = True
        body = text.encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        )
        # Later versions of the sans-I/O core have an answer of their own to some of these.
        self.write(b"".join(self._intake.engine().data_to_send()) or head.encode() + body)
        self._hang_up()

    def _frame(self, frame: Frame, now: Moment) -> None:
        role = self._role
        if role is None or self._closing_at is not None:
            return
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            if frame.fin:
                self._checked(role, bytes(frame.data), now)
            else:
                self._message = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._message is not None:
            self._message += frame.data
            role.counted(now)
            if frame.fin:
                message, self._message = bytes(self._message), None
                self._checked(role, message, now)
        elif frame.opcode is not Opcode.CLOSE:
            role.counted(now)

    def _checked(self, role: Role, message: bytes, now: Moment) -> None:
        try:
            message.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA, "UTF-8 is expected.")
            return
        role.received(message, now)

    def _flush(self) -> None:
        for data in self._intake.engine().data_to_send():
            if not data:
                self._hang_up()
            elif self._paused and data[0] == PONG_OPCODE:
                # Who does not read would have them pile up here. The last answers for all (RFC 6455
                # section 5.5.3).
                self._pong = data
            elif not self._transport.is_closing():
                self._transport.write(data)
        self._intake.release()

    def _hang_up(self) -> None:
        """All is said; let the peer read it, then close."""
        upgraded = self._role is not None
        self._closing_at = self._clock()
        if self._transport.can_write_eof():
            try:
                self._transport.write_eof()
            except OSError:  # the peer is gone already, and the event loop about to learn of it
                self.abort()
        elif not upgraded or self._intake.engine().close_rcvd is not None:
            # TLS cannot close one direction alone. Closing both at once may cost the peer the last
            # bytes; where it still has something to say, `check` closes a little later.
            self._close_transport()
        self._leave()

    def _leave(self) -> None:
        role, self._role = self._role, None
        if role is not None:
            role.left()
