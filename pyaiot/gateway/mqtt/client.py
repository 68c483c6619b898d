# SPDX-License-Identifier: BSD-3-Clause
"""An MQTT client that stays connected."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from pyaiot.errors import LinkFailed
from pyaiot.gateway.mqtt.packets import Version
from pyaiot.gateway.mqtt.session import (
    Handler,
    Refused,
    Server,
    Session,
    SubscriptionRefused,
    Unanswered,
    connected,
)
from pyaiot.link.backoff import Backoff

logger = logging.getLogger(__name__)

LASTING: Final = 30.0
"""Seconds after which a connection counts as a success. A broker that lets one in only to throw one
out again is not tried ever faster."""


MAX_FILTERS: Final = 500
"""Subscriptions in one packet, which a broker need not take in any length."""


class MqttClient:
    """Connects, subscribes, and does both again whenever the connection has ended.

    It asks for version 5 and falls back to 3.1.1 at once where the broker does not speak it; what
    worked is remembered.
    """

    def __init__(
        self,
        server: Server,
        client_id: str,
        subscriptions: Sequence[str],
        handle: Handler,
        backoff: Backoff,
        *,
        otherwise: Sequence[str] = (),
    ) -> None:
        """`otherwise` is what to subscribe to where the broker refuses some of `subscriptions`."""
        self._server = server
        self._client_id = client_id
        self._subscriptions = subscriptions
        self._otherwise = otherwise
        self._handle = handle
        self._backoff = backoff
        self._version = Version.V5
        self._worked = False
        """This version has worked before."""
        self._session: Session | None = None
        self._complaint = ""

    async def run(self, meanwhile: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Stay connected until cancelled; `meanwhile` runs anew during each connection.

        Raises StartFailed when the server's certificates cannot be used.
        """
        context = self._server.tls_context()
        while True:
            try:
                await self._connection(context, meanwhile)
            except LinkFailed as exc:
                if self._fall_back(exc):
                    continue
                self._complain(exc.reason)
            await asyncio.sleep(self._backoff.next())

    async def _connection(
        self,
        context: ssl.SSLContext | None,
        meanwhile: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """One connection, from first to last; always raises, LinkFailed with the reason."""
        loop = asyncio.get_running_loop()
        async with connected(
            self._server, context, self._client_id, self._version, self._handle
        ) as session:
            await self._subscribe(session)
            logger.info("connected to the MQTT broker at %s", self._server)
            self._complaint = ""
            self._worked = True
            since = loop.time()
            self._session = session
            try:
                async with asyncio.TaskGroup() as tasks:
                    companion = tasks.create_task(meanwhile())
                    reason = await session.run()
                    companion.cancel()
            finally:
                self._session = None
            if loop.time() - since > LASTING:
                self._backoff.reset()
            raise LinkFailed(reason)

    async def _subscribe(self, session: Session) -> None:
        try:
            await _subscribe_all(session, self._subscriptions)
        except SubscriptionRefused:
            if not self._otherwise:
                raise
            await _subscribe_all(session, self._otherwise)

    def _fall_back(self, failure: LinkFailed) -> bool:
        """Whether to try the other version now."""
        refused = isinstance(failure, Refused) and failure.version
        mute = isinstance(failure, Unanswered) and not self._worked
        if not refused and not mute:
            return False
        self._worked = False
        first = self._version is Version.V5
        self._version = Version.V3_1_1 if first else Version.V5
        return first

    def _complain(self, reason: str) -> None:
        level = logging.DEBUG if reason == self._complaint else logging.WARNING
        self._complaint = reason
        logger.log(level, "no connection to the MQTT broker at %s: %s", self._server, reason)

    async def publish(self, topic: str, payload: bytes) -> bool:
        """`Session.publish`; raises LinkFailed without a connection, too."""
        if self._session is None:
            raise LinkFailed("MQTT broker not connected")
        return await self._session.publish(topic, payload)


async def _subscribe_all(session: Session, filters: Sequence[str]) -> None:
    for first in range(0, len(filters), MAX_FILTERS):
        await session.subscribe(filters[first : first + MAX_FILTERS])
