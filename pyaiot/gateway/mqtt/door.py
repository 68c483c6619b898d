# SPDX-License-Identifier: BSD-3-Clause
"""What a client may send to the embedded broker (MQTT 3.1.1, sections named below).

Decided before the broker sees it, since amqtt loses its place in the stream after some packets
that break the rules.

Beyond loopback a client that shows no password is a stranger. It may be a node, as at the other
gateways, but can neither see what other nodes report nor set anything.
"""

from typing import Final

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import Cursor, Frame, Version
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


class WrongVersion(InvalidMessage):
    """The client asks for another version than 3.1.1."""


def check_connect(frame: Frame) -> int:
    """The keep-alive in seconds that the client promises in its first packet (section 3.1).

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
    cursor.text()
    if flags & 0x04:
        _check_topic(cursor.text())
        cursor.take(cursor.number(2))
    for given in (0x80, 0x40):
        if flags & given:
            cursor.text()
    _check_end(cursor)
    if flags & 0x01 or flags & 0x18 == 0x18:
        raise InvalidMessage("CONNECT has flags that do not exist.")
    return keep_alive


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
