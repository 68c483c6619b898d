# SPDX-License-Identifier: BSD-3-Clause
"""One connection to the embedded broker: who it is, and what it may do because of that.

A visitor with a device token has the topics of its node to itself: what it publishes is known to be
from it, and what is published for its node reaches no other visitor. So ids need not be unique, and
nobody can squat on one.
"""

from collections.abc import Callable
from typing import Final, Protocol

from pyaiot.errors import CommandFailed, InvalidValue
from pyaiot.gateway.adapter import Refusal
from pyaiot.gateway.mqtt import packets, topics
from pyaiot.gateway.mqtt.packets import Publish, Version

MAX_FILTERS: Final = 64
"""Subscriptions of one node that has a token."""


class House(Protocol):
    """Whose broker it is. Nothing here blocks or raises."""

    def objection(self, token: str) -> Refusal | None:
        """Why somebody with `token`, or without one, may not come in."""

    def knows(self, user: str | None, password: str | None) -> bool:
        """Whether they are those of the broker itself: who has them is asked for nothing else."""

    def came(self, visitor: "Visitor") -> None:
        """A visitor with a token is let in."""

    def took(self, visitor: "Visitor", message: Publish) -> None:
        """A visitor published this. It is acknowledged only after this has returned."""

    def left(self, visitor: "Visitor") -> None:
        """The connection has ended."""


class Visitor:
    """Who is at the other end of a connection."""

    def __init__(
        self, number: int, write: Callable[[bytes], None], close: Callable[[], None]
    ) -> None:
        """`number` is this connection's own; `write` never waits, `close` ends the connection."""
        self.number = number
        self.is_gateway = False
        """The gateway itself, which may do anything."""
        self.admitted = False
        """It was let in."""
        self.token = ""
        """The device token that it came with."""
        self.present = True
        self.node_id = ""
        """The id by which it has called its node."""
        self._filters: set[str] = set()
        self._write = write
        self._close = close

    def claims(self, node_id: str) -> bool:
        """Whether it may be the node `node_id`: the first that it says it is, and no other."""
        if not self.token:
            return True
        self.node_id = self.node_id or node_id
        return self.node_id == node_id

    def may_publish(self, topic: str) -> bool:
        """Whether its messages may have this topic."""
        if not self.token or topic == topics.NODE_CHECK:
            return True
        try:
            node_id, _ = topics.origin(topic)
        except InvalidValue:
            return False
        return self.claims(node_id)

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether it may have what matches; remembers the filter."""
        if not self.token or topic_filter == topics.GATEWAY_CHECK:
            return True
        try:
            node_id = topics.addressee(topic_filter)
        except InvalidValue:
            return False
        full = len(self._filters) >= MAX_FILTERS and topic_filter not in self._filters
        if full or not self.claims(node_id):
            return False
        self._filters.add(topic_filter)
        return True

    def unsubscribe(self, topic_filter: str) -> None:
        """It wants no more of that."""
        self._filters.discard(topic_filter)

    def may_receive(self, topic: str) -> bool:
        """Whether it gets this from whoever publishes it; else only by `deliver`."""
        return not self.token or topic == topics.GATEWAY_CHECK

    def deliver(self, topic: str, payload: bytes) -> bool:
        """Send it a message of the gateway, at QoS 0; False where it has not subscribed to that.

        Raises CommandFailed when it is gone.
        """
        if not self.present:
            raise CommandFailed("The node is not connected.")
        if not any(topics.matches(each, topic) for each in self._filters):
            return False
        self._write(packets.publish(topic, payload, Version.V3_1_1))
        return True

    def end(self) -> None:
        """Have it go; nothing more is taken from it."""
        self.present = False
        self._close()
