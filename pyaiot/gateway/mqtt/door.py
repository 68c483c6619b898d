# SPDX-License-Identifier: BSD-3-Clause
"""What a client may send to the embedded broker (MQTT 3.1.1, sections named below).

Decided before the broker sees it, since amqtt loses its place in the stream after some packets
that break the rules.

Beyond loopback a client that shows no password is a stranger. It may be a node, as at the other
gateways, but can neither see what other nodes report nor set anything.
"""

import re
from typing import Final, NamedTuple

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.adapter import Refusal
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import Cursor, Frame, Publish, Version
from pyaiot.gateway.mqtt.payload import MAX_PAYLOAD

MAX_PACKET: Final = MAX_PAYLOAD + 2048
"""Bytes of a packet: the longest message, and its topic."""

_FLAGS: Final = {
    packets.PUBACK: 0,
    packets.PUBREC: 0,
    packets.PUBREL: 2,
    packets.PUBCOMP: 0,
    packets.SUBSCRIBE: 2,
    packets.UNSUBSCRIBE: 2,
    packets.PINGREQ: 0,
    packets.DISCONNECT: 0,
}
"""What a client sends besides CONNECT and PUBLISH, and the only flags of it (section 2.2.2)."""

_IDS: Final = frozenset({packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP})
"""Packets that are an identifier and nothing else."""


_RETURN_CODES: Final = {"not_ready": 3, "invalid_token": 4, "unknown_token": 4}

_TOKEN: Final = re.compile(r"eyJ[\w-]*\.[\w-]*\.[\w-]*", re.ASCII)
"""A JSON Web Token, whether it holds or not: nobody chooses such a password."""


class WrongVersion(InvalidMessage):
    """The client asks for another version than 3.1.1."""


class TurnedAway(InvalidMessage):
    """The client is not let in; `answer` is the code that it is told (section 3.2.2.3)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.answer = _RETURN_CODES.get(refusal.code, 5)


class Connect(NamedTuple):
    """What matters of a client's first packet."""

    keep_alive: int
    """Seconds, which the client promises."""
    client_id: str
    user: str | None
    password: str | None
    will: Publish | None
    """What is to be published when its connection breaks."""
    will_bytes: bytes

    @property
    def token(self) -> str:
        """The device token that it gives for a password, if it does."""
        return self.password if self.password and _TOKEN.fullmatch(self.password) else ""

    def disguised(self, client_id: str) -> Frame:
        """The same packet with another client id, no credentials, and for a clean session."""
        flags = 0x02
        if self.will is not None:
            flags |= 0x04 | self.will.qos << 3 | self.will.retain << 5
        head = b"\x00\x04MQTT\x04" + bytes((flags,)) + self.keep_alive.to_bytes(2, "big")
        name = client_id.encode()
        body = head + len(name).to_bytes(2, "big") + name + self.will_bytes
        return Frame(packets.CONNECT, 0, body, whole=True)


def check_connect(frame: Frame) -> Connect:
    """What the client says in its first packet (section 3.1).

    Raises WrongVersion, or InvalidMessage for what is no CONNECT.
    """
    cursor = _opened(frame)
    if frame.kind != packets.CONNECT or frame.flags:
        raise InvalidMessage("The first packet must be CONNECT.")
    name, level = cursor.text(), cursor.number(1)
    if (name, level) != ("MQTT", Version.V3_1_1):
        raise WrongVersion("MQTT 3.1.1 is spoken here.")
    flags = cursor.number(1)
    keep_alive = cursor.number(2)
    client_id = cursor.text()
    will, will_bytes = None, b""
    if flags & 0x04:
        before = cursor.left
        topic = cursor.text()
        _check_topic(topic)
        payload = cursor.take(cursor.number(2))
        will = Publish(topic, payload, flags >> 3 & 3, bool(flags & 0x20))
        will_bytes = frame.body[len(frame.body) - before : len(frame.body) - cursor.left]
    user, password = (cursor.text() if flags & each else None for each in (0x80, 0x40))
    _check_end(cursor)
    if flags & 0x01 or flags & 0x18 == 0x18:
        raise InvalidMessage("CONNECT has flags that do not exist.")
    return Connect(keep_alive, client_id, user, password, will, will_bytes)


def published(frame: Frame) -> Publish:
    """What the client publishes in a packet that has been checked."""
    cursor = Cursor(frame.body)
    topic = cursor.text()
    qos = (frame.flags >> 1) & 3
    packet_id = cursor.number(2) if qos else 0
    # To the gateway it is live, whether or not it is to be retained.
    return Publish(topic, cursor.rest(), qos, False, packet_id)


def check(frame: Frame) -> None:
    """Raise InvalidMessage unless a client may send this packet after its first."""
    cursor = _opened(frame)
    if frame.kind == packets.PUBLISH:
        qos = (frame.flags >> 1) & 3
        if qos == 3:
            raise InvalidMessage("There is no QoS 3.")
        _check_topic(cursor.text())
        if qos:
            _check_id(cursor)
        return
    if _FLAGS.get(frame.kind) != frame.flags:
        raise InvalidMessage(f"A client must not send a packet of type {frame.kind} like this.")
    if frame.kind in _IDS:
        cursor.take(2)
    elif frame.kind in {packets.SUBSCRIBE, packets.UNSUBSCRIBE}:
        _check_filters(cursor, with_qos=frame.kind == packets.SUBSCRIBE)
    _check_end(cursor)


def stranger_may_publish(topic: str) -> bool:
    """Whether a node has anything to publish there."""
    return topic.startswith("node/")


def stranger_may_subscribe(topic_filter: str) -> bool:
    """Whether the filter is of one node, or of what the gateway says to all of them."""
    levels = topic_filter.split("/")
    return len(levels) > 1 and levels[0] == "gateway" and levels[1] not in {"+", "#"}


def _opened(frame: Frame) -> Cursor:
    if not frame.whole:
        raise InvalidMessage(f"A packet must not be longer than {MAX_PACKET} bytes.")
    return Cursor(frame.body)


def _check_filters(cursor: Cursor, *, with_qos: bool) -> None:
    _check_id(cursor)
    if not cursor.left:
        raise InvalidMessage("There must be at least one filter.")
    while cursor.left:
        if not cursor.text():
            raise InvalidMessage("A filter must not be empty.")
        if with_qos and cursor.number(1) > 2:
            raise InvalidMessage("There is no such QoS.")


def _check_id(cursor: Cursor) -> None:
    if not cursor.number(2):
        raise InvalidMessage("A packet identifier must not be 0.")


def _check_topic(topic: str) -> None:
    if not topic or "+" in topic or "#" in topic:
        raise InvalidMessage("A topic must not be empty and must not hold '+' or '#'.")


def _check_end(cursor: Cursor) -> None:
    if cursor.left:
        raise InvalidMessage("A packet is longer than what it holds.")
