# SPDX-License-Identifier: BSD-3-Clause
"""One client's connection, between its bytes and the core."""

import logging

from pyaiot.broker.complaints import Complaints
from pyaiot.broker.connection import Connection
from pyaiot.broker.core import Core
from pyaiot.broker.frames import text_frame
from pyaiot.broker.lane import Lane
from pyaiot.broker.limits import ClientRate, Verdict
from pyaiot.broker.peers import Client
from pyaiot.broker.post import Post
from pyaiot.errors import InvalidMessage, MessageTooLarge, PyaiotError, RateExceeded
from pyaiot.messages.codec import FromClientCodec, asked_id, encode
from pyaiot.messages.types import Failure, Feature
from pyaiot.model.moment import Moment

_log = logging.getLogger(__name__)


class ClientLink:
    """A client that is connected."""

    __slots__ = (
        "_codec",
        "_complaints",
        "_connection",
        "_core",
        "_post",
        "_rate",
        "_refused",
        "client",
        "lane",
    )

    def __init__(
        self,
        client: Client,
        connection: Connection,
        *,
        core: Core,
        post: Post,
        complaints: Complaints,
        codec: FromClientCodec,
        rate: float,
    ) -> None:
        """`rate`: how many messages a second are taken."""
        self.client = client
        self.lane = Lane(connection)
        self._connection = connection
        self._core = core
        self._post = post
        self._complaints = complaints
        self._codec = codec
        self._rate = ClientRate(rate)
        self._refused = 0

    def received(self, frame: bytes, now: Moment) -> None:
        """The client sent something."""
        try:
            self._judge(now)
            self._core.client_said(self.client, self._codec.decode(frame), now)
        except PyaiotError as exc:
            self._refuse(exc, frame)

    def counted(self, now: Moment) -> None:
        """The client sent a frame that is no message."""
        if self._rate.judge(now.steady) is Verdict.CLOSE:
            self._end(RateExceeded("Far too many frames."))

    def paused(self) -> None:
        """The client does not read fast enough."""
        self._post.paused(self.lane)

    def resumed(self) -> None:
        """The client has read what was waiting for it."""
        self._post.resumed(self.lane)

    def left(self) -> None:
        """The client is gone."""
        self._post.client_left(self.client)
        self._core.client_left(self.client)
        _log.debug("client %s left; %d messages refused", self.client.id, self._refused)

    def _judge(self, now: Moment) -> None:
        verdict = self._rate.judge(now.steady)
        if verdict is Verdict.CLOSE:
            raise _Flood("Far too many messages.")
        if verdict is Verdict.REFUSE:
            raise RateExceeded("Too many messages; this one was not looked at.")

    def _refuse(self, error: PyaiotError, frame: bytes) -> None:
        self._refused += 1
        if self._refused == 1:
            self._complaints.add(
                f"refused a message of client {self.client.id} at {self._connection.peer}: {error}"
            )
        if isinstance(error, InvalidMessage | MessageTooLarge | _Flood):
            self._end(error)
        else:
            self._core.refuse(self.client, error, asked_id(frame))

    def _end(self, error: PyaiotError) -> None:
        if Feature.RESULT in self.client.features:
            # Not through the fan-out, which would come too late.
            self._connection.write(text_frame(encode(Failure(error.code, error.reason))))
        self._connection.end(error)


class _Flood(RateExceeded):
    """So many messages that the connection must end."""
