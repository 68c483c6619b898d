# SPDX-License-Identifier: BSD-3-Clause
"""amqtt's broker within bounds: who may publish and subscribe to what, and how much is kept."""

import logging
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from pyaiot.gateway.mqtt import door
from pyaiot.gateway.mqtt.guard import same
from pyaiot.gateway.mqtt.visitor import Visitor

logger = logging.getLogger(__name__)

MAX_RETAINED: Final = 1000
MAX_RETAINED_BYTES: Final = 4 << 20

_STRANGER: Final = "pyaiot.stranger"
_VISITOR: Final = "pyaiot.visitor"

serving: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
"""Whose connection amqtt is at work for; it does not pass that on to its plugins."""


class Doorkeeper(BaseAuthPlugin):
    """Says who a client is."""

    @dataclass
    class Config:
        """Filled by amqtt."""

        user: str | None = None
        """Nobody is asked who it is where this is None."""
        password: str = ""
        strangers: bool = False
        """Who does not know the password is a stranger, but let in."""

    async def authenticate(self, *, session: Session) -> bool:
        # What amqtt calls anonymous is forgotten when its connection ends.
        session.is_anonymous = True
        visitor = serving.get()
        session.attributes[_VISITOR] = visitor
        admitted = self._admits(session, visitor)
        if visitor is not None:
            visitor.admitted = admitted
        return admitted

    def _admits(self, session: Session, visitor: Visitor | None) -> bool:
        if visitor is not None and (visitor.is_gateway or visitor.token):
            return not session.will_flag or visitor.may_publish(session.will_topic or "")
        if self.config.user is None or (
            same(session.username, self.config.user)
            and same(session.password, self.config.password)
        ):
            return True
        session.attributes[_STRANGER] = True
        # amqtt publishes a will without asking anybody.
        return self.config.strangers and (
            not session.will_flag or door.stranger_may_publish(session.will_topic or "")
        )


class BoundedBroker(Broker):
    """amqtt's broker, with as many retained messages as there is room for.

    They go to those who subscribed to them; amqtt also sends a client, when it connects, what the
    others subscribed to. What a node with a token says goes to nobody but the gateway, which has
    it by then: its owner says who else may know.
    """

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, data: Any, *how: Any, **more: Any
    ) -> None:
        if not _is_node(session):
            await super()._broadcast_message(session, topic, data, *how, **more)

    async def retain_message(
        self,
        source_session: Session | None,
        topic_name: str | None,
        data: bytes | bytearray | None,
        qos: int | None = None,
    ) -> None:
        if _is_node(source_session):
            return
        others = [
            len(kept.data) for topic, kept in self.retained_messages.items() if topic != topic_name
        ]
        if data and (len(others) >= MAX_RETAINED or sum(others) + len(data) > MAX_RETAINED_BYTES):
            logger.debug("no room to retain the message at %r", topic_name)
            return
        await super().retain_message(source_session, topic_name, data, qos)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        # In place of a plugin, which would be asked in a task for each message and each client;
        # amqtt meanwhile loses messages when somebody subscribes.
        visitor: Visitor | None = session.attributes.get(_VISITOR)
        if visitor is not None and visitor.token:
            if action is Action.PUBLISH:
                return visitor.may_publish(topic)
            if action is Action.SUBSCRIBE:
                return visitor.may_subscribe(topic)
            return visitor.may_receive(topic)
        if _STRANGER not in session.attributes or action is Action.RECEIVE:
            return True
        if action is Action.PUBLISH:
            return door.stranger_may_publish(topic)
        return door.stranger_may_subscribe(topic)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        if _is_node(session):
            return
        subscribed = self.subscriptions.get(subscription[0], ())
        if any(each.client_id == session.client_id for each, _ in subscribed):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    def _del_subscription(self, a_filter: str, session: Session) -> int:
        visitor: Visitor | None = session.attributes.get(_VISITOR)
        if visitor is not None:
            visitor.unsubscribe(a_filter)
        return int(super()._del_subscription(a_filter, session))


def _is_node(session: Session | None) -> bool:
    """Whether it came with the token of one."""
    visitor: Visitor | None = None if session is None else session.attributes.get(_VISITOR)
    return visitor is not None and bool(visitor.token)
