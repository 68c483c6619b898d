# SPDX-License-Identifier: BSD-3-Clause
"""One connection of a recorder or a directory, between its bytes and the core."""

import logging

from pyaiot.broker.connection import Connection
from pyaiot.broker.core import Core
from pyaiot.broker.frames import text_frame
from pyaiot.broker.peers import Service
from pyaiot.broker.post import Post
from pyaiot.errors import InvalidMessage, InvalidSignature, PermissionDenied, PyaiotError
from pyaiot.messages.codec import FromServiceCodec, encode
from pyaiot.messages.signing import Session
from pyaiot.messages.types import Batch, Message, Pending
from pyaiot.model.moment import Moment

_log = logging.getLogger(__name__)


class ServiceLink:
    """A service that is connected."""

    def __init__(
        self,
        service: Service,
        connection: Connection,
        session: Session,
        *,
        core: Core,
        codec: FromServiceCodec,
        queue: int,
        post: Post,
    ) -> None:
        """`queue`: bytes of what need not arrive that may wait for it."""
        self.service = service
        self._connection = connection
        self._session = session
        self._core = core
        self._codec = codec
        self._queue = queue
        self._post = post
        self._paused = False
        self._refused = 0

    def received(self, frame: bytes, now: Moment) -> None:
        """The service sent something."""
        try:
            decoded = self._codec.decode(self._session.open(frame))
            if not isinstance(decoded, Batch):
                self._core.service_said(self.service, decoded, now)
                return
        except PyaiotError as exc:
            self._refuse(exc)
            return
        for each in decoded.messages:
            # Where one of many cannot be used, the others still can.
            try:
                self._core.service_said(self.service, self._codec.decode(bytes(each)), now)
            except PyaiotError as exc:
                self._refuse(exc)

    def inform(self, message: Pending) -> bool:
        """Send something that need not arrive; False if too much is waiting already."""
        if self._connection.waiting > self._queue:
            return False
        self._send(message)
        return True

    def record(self) -> None:
        """Send a recorder what is to be recorded, as long as it takes it."""
        while self.service.records and not self._paused:
            message = self._core.recording.take(self.service)
            if message is None:
                break
            self._send(message)

    def counted(self, now: Moment) -> None:
        """The service sent a frame that is no message."""

    def paused(self) -> None:
        """The service does not read."""
        self._paused = True

    def resumed(self) -> None:
        """The service reads again."""
        self._paused = False
        self.record()

    def left(self) -> None:
        """The service is gone."""
        _log.info(
            "service %s disconnected%s",
            self.service.label,
            f"; {self._refused} messages refused" if self._refused else "",
        )
        self._post.service_left(self.service)
        self._core.service_left(self.service)

    def _send(self, message: Message) -> None:
        self._connection.write(text_frame(self._session.seal(encode(message))))

    def _refuse(self, error: PyaiotError) -> None:
        self._refused += 1
        self._core.counts.refused += 1
        fatal = isinstance(error, InvalidSignature | InvalidMessage | PermissionDenied)
        if fatal or self._refused == 1:
            _log.warning("refused a message of service %s: %s", self.service.label, error)
        if fatal:
            self._connection.end(error)
