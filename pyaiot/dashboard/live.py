# SPDX-License-Identifier: BSD-3-Clause
"""What the dashboard itself sees of the broker: values as they are now, and commands to nodes."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pyaiot.errors import LinkFailed, PermissionDenied
from pyaiot.link.backoff import Backoff
from pyaiot.link.failure import Complaints
from pyaiot.link.mirror import Change, Mirror
from pyaiot.link.subscriber import Subscriber, Subscription
from pyaiot.messages.types import Command, Result, Target

Listener = Callable[[Change], None]

STABLE: Final = 10.0
"""A connection that lasted so many seconds was a success; attempts after it begin at once."""

_log = logging.getLogger(__name__)


class BrokerUnreachable(LinkFailed):
    """There is no connection to the broker at the moment."""

    code = "broker_unreachable"


class Live:
    """A client of the broker that comes back whenever the connection is lost.

    It sees everything: who may see what is looked at by those who ask.
    """

    def __init__(self, subscriber: Subscriber, backoff: Backoff) -> None:
        self.mirror = Mirror()
        self._subscriber = subscriber
        self._backoff = backoff
        self._subscription: Subscription | None = None
        self._listeners: set[Listener] = set()
        self._results: dict[str, Callable[[Result], None]] = {}
        self.trouble = "not connected yet"
        """Why there is no connection; empty while there is one."""
        self._complaints = Complaints(
            lambda reason: _log.warning("The broker cannot be asked, retrying: %s", reason)
        )

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with self._subscriber.connected(self.mirror) as subscription:
                    await self._attend(subscription)
            except (LinkFailed, PermissionDenied) as exc:
                self.trouble = exc.reason
                self._complaints.add(exc.reason)
            if loop.time() - began >= STABLE:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next())

    async def _attend(self, subscription: Subscription) -> None:
        self._complaints.clear()
        self._subscription, self.trouble = subscription, ""
        try:
            self._tell(subscription.first)
            while True:
                message, changes = await subscription.event()
                if isinstance(message, Result):
                    answer = self._results.get(message.id)
                    if answer is not None:
                        answer(message)
                self._tell(changes)
        finally:
            self._subscription, self.trouble = None, "the connection was lost"

    @property
    def now(self) -> float | None:
        """Seconds since the epoch by the broker's clock; None while it is away."""
        return None if self._subscription is None else self._subscription.now

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Tell `listener` of every change meanwhile; it neither blocks nor raises."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    @contextmanager
    def awaiting(self, identity: str, answer: Callable[[Result], None]) -> Iterator[None]:
        """Tell `answer` of every result of the command `identity` meanwhile."""
        self._results[identity] = answer
        try:
            yield
        finally:
            del self._results[identity]

    async def command(self, target: Target, identity: str, patience: float) -> None:
        """Send a command. Raises BrokerUnreachable."""
        if self._subscription is None:
            raise BrokerUnreachable(f"The broker cannot be reached: {self.trouble}.")
        try:
            await self._subscription.tell(Command(target, identity, patience))
        except LinkFailed as exc:
            raise BrokerUnreachable("The connection to the broker was lost.") from exc

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            for listener in tuple(self._listeners):
                listener(change)
