# SPDX-License-Identifier: BSD-3-Clause
"""One gateway's connection, between its bytes and the core.

What a gateway sends is dealt with as it is read: nothing queues up here. A broker that cannot keep
up reads less, so that the gateway's own queue holds what there is.
"""

import logging

from websockets.frames import CloseCode

from pyaiot.broker.connection import Connection
from pyaiot.broker.core import Core
from pyaiot.broker.frames import text_frame
from pyaiot.broker.peers import Gateway
from pyaiot.broker.post import Post
from pyaiot.errors import InvalidMessage, InvalidSignature, PyaiotError
from pyaiot.messages.codec import FromGatewayCodec, encode, is_update
from pyaiot.messages.signing import Session
from pyaiot.messages.types import Batch, Message, Relayed, Update
from pyaiot.model.moment import Moment

_log = logging.getLogger(__name__)


class GatewayLink:
    """A gateway that is connected."""

    def __init__(
        self,
        gateway: Gateway,
        connection: Connection,
        session: Session | None,
        *,
        core: Core,
        codec: FromGatewayCodec,
        queue: int,
        post: Post,
    ) -> None:
        """`session` is None for a gateway that cannot sign; `queue`: bytes that may wait for it."""
        self.gateway = gateway
        self._connection = connection
        self._session = session
        self._core = core
        self._codec = codec
        self._queue = queue
        self._post = post
        self._refused = 0
        self._paused = False

    def received(self, frame: bytes, now: Moment) -> None:
        """The gateway sent something."""
        try:
            message = frame if self._session is None else self._session.open(frame)
            decoded = self._codec.decode(message)
            if type(decoded) is not Batch:
                # Only what is signed is known to be as it was made, and may be passed on unchanged.
                wire = None if self._session is None else message
                if type(decoded) is Update:
                    self._core.gateway_reported(self.gateway, decoded, wire, now)
                else:
                    self._core.gateway_said(self.gateway, decoded, wire, now)
                return
        except PyaiotError as exc:
            fatal = isinstance(exc, InvalidSignature | InvalidMessage)
            self._refuse(exc, frame, say=fatal)
            if fatal:
                self._connection.end(exc)
            return
        self._all_said(decoded, now)

    def relay(self, message: Relayed) -> bool:
        """Send a command; False if the gateway has not taken those before."""
        if self._connection.waiting > self._queue:
            return False
        self._send(message)
        return True

    def notify(self) -> None:
        """Send what is in the gateway's notices, as long as it takes it."""
        notices = self.gateway.notices
        while notices is not None and not self._paused:
            message = notices.next()
            if message is None:
                break
            self._send(message)

    def send_again(self) -> None:
        """End the connection: the gateway connects again, and sends what is not stored."""
        reason = "Readings were lost on their way to the store. Send again what is not stored."
        self._connection.close(CloseCode.SERVICE_RESTART, reason)

    def _send(self, message: Message) -> None:
        data = encode(message)
        self._connection.write(text_frame(self._session.seal(data) if self._session else data))

    def counted(self, now: Moment) -> None:
        """The gateway sent a frame that is no message."""

    def paused(self) -> None:
        """The gateway does not read; neither do we, lest it only ever talks."""
        self._paused = True
        self._connection.hold_back(True)

    def resumed(self) -> None:
        """The gateway reads again."""
        self._paused = False
        self._connection.hold_back(False)
        self.notify()

    def left(self) -> None:
        """The gateway is gone."""
        _log.info(
            "gateway %s disconnected%s",
            self.gateway.label,
            f"; {self._refused} messages refused" if self._refused else "",
        )
        self._post.gateway_left(self.gateway)
        self._core.gateway_left(self.gateway)

    def _all_said(self, batch: Batch, now: Moment) -> None:
        gateway, signed = self.gateway, self._session is not None
        decode, said, reported = (
            self._codec.decode,
            self._core.gateway_said,
            self._core.gateway_reported,
        )
        for each in batch.messages:
            message = bytes(each)
            # Where one of many cannot be used, the others still can.
            try:
                decoded = decode(message)
                wire = message if signed else None
                if type(decoded) is Update:
                    reported(gateway, decoded, wire, now)
                else:
                    said(gateway, decoded, wire, now)
            except PyaiotError as exc:
                self._refuse(exc, message)

    def _refuse(self, error: PyaiotError, message: bytes, *, say: bool = False) -> None:
        self._refused += 1
        if self.gateway.receipts is not None and is_update(message):
            self._core.reading_refused(self.gateway)
        self._core.counts.refused += 1
        if say or self._refused == 1:
            _log.warning("refused a message of gateway %s: %s", self.gateway.label, error)
