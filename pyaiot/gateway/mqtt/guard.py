# SPDX-License-Identifier: BSD-3-Clause
"""What stands between one connection and amqtt: who comes in, and what the gateway hears first."""

import hmac
import secrets

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.mqtt import door, packets
from pyaiot.gateway.mqtt.packets import Frame, Publish
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.mqtt.visitor import House, Visitor


class Guard:
    """What happens at one visitor's connection before amqtt hears of it."""

    def __init__(self, house: House, visitor: Visitor, own: Server) -> None:
        """`own` says by which user and password the gateway itself is known."""
        self.visitor = visitor
        self._house = house
        self._own = own
        self._unreleased: set[int] = set()
        self._will: Publish | None = None

    def admit(self, connect: door.Connect, frame: Frame) -> Frame:
        """The first packet as amqtt is to see it. Raises TurnedAway."""
        visitor = self.visitor
        self._will = connect.will
        if same(connect.user, self._own.user) and same(connect.password, self._own.password):
            visitor.is_gateway = True
            return frame
        if self._house.knows(connect.user, connect.password):
            return frame
        refusal = self._house.objection(connect.token)
        if refusal is not None:
            raise door.TurnedAway(refusal)
        if not connect.token:
            return frame
        visitor.token = connect.token
        self._house.came(visitor)
        # Two clients with one id end each other's connections, so ids must not be for everybody to
        # choose. And a token is nothing that amqtt need know.
        return connect.disguised(f"{visitor.number}-{secrets.token_hex(16)}")

    def passes(self, frame: Frame) -> None:
        """Amqtt takes this packet next. Raises InvalidMessage when the visitor has to go."""
        if not self.visitor.present:
            raise InvalidMessage("This client has had to go.")
        if frame.kind == packets.PUBREL:
            self._unreleased.discard(int.from_bytes(frame.body[:2], "big"))
        elif frame.kind == packets.DISCONNECT:
            self._will = None
        elif frame.kind == packets.PUBLISH:
            message = door.published(frame)
            if message.qos == 2:
                if message.packet_id in self._unreleased:  # sent again (section 4.3.3)
                    return
                self._unreleased.add(message.packet_id)
            self._take(message)

    def ended(self) -> None:
        """The connection is gone."""
        if self._will is not None and self.visitor.present:
            self._take(self._will)
        self.visitor.present = False
        self._house.left(self.visitor)

    def _take(self, message: Publish) -> None:
        visitor = self.visitor
        if visitor.admitted and not visitor.is_gateway and visitor.may_publish(message.topic):
            self._house.took(visitor, message)


def same(given: str | None, wanted: str | None) -> bool:
    """Whether a user name or password is the one that is wanted, in a time that does not tell."""
    return hmac.compare_digest((given or "").encode(), (wanted or "").encode())
