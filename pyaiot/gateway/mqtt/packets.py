# SPDX-License-Identifier: BSD-3-Clause
"""MQTT control packets, as far as a client needs them that receives at QoS 1 and below.

Versions 3.1.1 and 5 (both OASIS; sections named below are those of version 5). Bytes in, values
out: no socket here.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from pyaiot.errors import InvalidMessage

MAX_PACKET: Final = 262_144
"""Bytes of a packet that are kept; of a longer one only this much is, and it counts as too long."""

MAX_LENGTH: Final = 268_435_455
"""The longest packet that MQTT can express (section 1.5.5)."""

CONNECT: Final = 1
CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBSCRIBE: Final = 8
SUBACK: Final = 9
UNSUBSCRIBE: Final = 10
PINGREQ: Final = 12
PINGRESP: Final = 13
DISCONNECT: Final = 14
"""Types of packets (section 2.1.2)."""

PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
"""A normal disconnection, in either version."""

NO_RETAINED: Final = 2 << 4
"""Subscription option of version 5: send nothing that is retained (section 3.8.3.1)."""


class Version(IntEnum):
    """The protocol level that CONNECT carries."""

    V3_1_1 = 4
    V5 = 5


class Frame(NamedTuple):
    """One packet as it was cut from the stream."""

    kind: int
    flags: int
    body: bytes
    whole: bool
    """False where the packet was longer than what is kept of one."""

    def raw(self) -> bytes:
        """The packet's bytes."""
        return _packet(self.kind << 4 | self.flags, self.body)


class Connack(NamedTuple):
    """The broker's answer to CONNECT."""

    code: int
    receive_maximum: int = 65_535
    """How many QoS 1 messages may wait for their PUBACK."""
    maximum_packet: int = MAX_LENGTH
    keep_alive: int | None = None
    """Seconds, where the broker wants another time than the client asked for."""

    @property
    def version_refused(self) -> bool:
        """The broker does not speak this version (a broker of 3.1.1 says so in its own way)."""
        return self.code in {1, 0x84}


class Publish(NamedTuple):
    """A message; its payload is None where the packet was too long to be kept."""

    topic: str
    payload: bytes | None
    qos: int = 0
    retain: bool = False
    packet_id: int = 0


class Puback(NamedTuple):
    packet_id: int
    code: int = 0


class Suback(NamedTuple):
    packet_id: int
    codes: tuple[int, ...]


class Pingresp(NamedTuple):
    pass


class Disconnect(NamedTuple):
    code: int


Packet: TypeAlias = Connack | Publish | Puback | Suback | Pingresp | Disconnect


class Cutter:
    """Cuts a stream of bytes into packets, holding no more than `limit` bytes of one."""

    def __init__(self, limit: int = MAX_PACKET) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._excess = 0
        """Bytes of a packet that is too long, which are still to come."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The packets that `data` completes.

        Raises InvalidMessage for a length that MQTT cannot express; nothing can follow that.
        """
        self._buffer += data
        while (frame := self._cut()) is not None:
            yield frame

    def _cut(self) -> Frame | None:
        if self._excess:
            dropped = min(self._excess, len(self._buffer))
            del self._buffer[:dropped]
            self._excess -= dropped
        head = _length(self._buffer, 1)
        if head is None:
            return None
        length, start = head
        end = start + min(length, self._limit)
        if len(self._buffer) < end:
            return None
        first, body = self._buffer[0], bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._excess = length - len(body)
        return Frame(first >> 4, first & 0x0F, body, not self._excess)


def _length(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """The variable byte integer at `at` and where it ends, or None if there is more to come."""
    value = 0
    for shift in range(4):
        if at + shift >= len(data):
            return None
        byte = data[at + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise InvalidMessage("Malformed MQTT packet: a length of more than four bytes.")


def decode(frame: Frame, version: Version) -> Packet:
    """The packet in `frame`, which a broker sent.

    Raises InvalidMessage for what no broker may send to a client of this kind.
    """
    if frame.kind == PUBLISH:
        return _publish(frame, version)
    if not frame.whole:
        raise InvalidMessage(f"Malformed MQTT packet: type {frame.kind} is too long.")
    cursor = Cursor(frame.body)
    if frame.kind == PUBACK:
        return Puback(cursor.number(2), cursor.number(1) if cursor.left else 0)
    if frame.kind == PINGRESP:
        return Pingresp()
    if frame.kind == SUBACK:
        packet_id = cursor.number(2)
        if version is Version.V5:
            cursor.properties()
        return Suback(packet_id, tuple(cursor.rest()))
    if frame.kind == CONNACK:
        return _connack(cursor)
    if frame.kind == DISCONNECT:
        return Disconnect(cursor.number(1) if cursor.left else 0)
    raise InvalidMessage(f"Unexpected MQTT packet of type {frame.kind}.")


def _publish(frame: Frame, version: Version) -> Publish:
    qos = (frame.flags >> 1) & 3
    if qos > 1:
        raise InvalidMessage(f"Unexpected MQTT message at QoS {qos}.")
    cursor = Cursor(frame.body)
    # A topic that is no UTF-8 is the fault of who published it, not of the connection.
    topic = cursor.take(cursor.number(2)).decode("utf-8", "replace")
    packet_id = cursor.number(2) if qos else 0
    payload = None
    if frame.whole:
        if version is Version.V5:
            cursor.take(cursor.length())
        payload = cursor.rest()
    return Publish(topic, payload, qos, bool(frame.flags & 1), packet_id)


def _connack(cursor: "Cursor") -> Connack:
    cursor.number(1)  # session present: never, as every session here starts clean
    code = cursor.number(1)
    # A broker of 3.1.1 answers a client of version 5 without properties.
    found = cursor.properties() if cursor.left else {}
    return Connack(
        code,
        receive_maximum=found.get(0x21, 65_535) or 1,
        maximum_packet=found.get(0x27, MAX_LENGTH),
        keep_alive=found.get(0x13),
    )


_SIZES: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
}
"""Bytes of the properties that are numbers (section 2.2.2.2)."""

_TEXTS: Final = {
    0x03: 1,
    0x08: 1,
    0x09: 1,
    0x12: 1,
    0x15: 1,
    0x16: 1,
    0x1A: 1,
    0x1C: 1,
    0x1F: 1,
    0x26: 2,
}
"""How many texts or strings of bytes the other properties are, each behind its length."""


class Cursor:
    """Reads through the body of a packet; raises InvalidMessage where that ends too early."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > self.left:
            raise InvalidMessage("Malformed MQTT packet: it ends too early.")
        self._at += count
        return self._body[self._at - count : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def number(self, size: int) -> int:
        """A number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def length(self) -> int:
        """A variable byte integer (section 1.5.5)."""
        found = _length(self._body, self._at)
        if found is None:
            raise InvalidMessage("Malformed MQTT packet: it ends too early.")
        value, self._at = found
        return value

    def text(self) -> str:
        """A text in UTF-8, which must not hold NUL (section 1.5.4)."""
        try:
            text = self.take(self.number(2)).decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise InvalidMessage("Malformed MQTT packet: a text is not valid UTF-8.")
        return text

    def properties(self) -> dict[int, int]:
        """The properties that are numbers."""
        block = Cursor(self.take(self.length()))
        found: dict[int, int] = {}
        while block.left:
            name = block.number(1)
            if name in _SIZES:
                found[name] = block.number(_SIZES[name])
            elif name in _TEXTS:
                for _ in range(_TEXTS[name]):
                    block.take(block.number(2))
            else:
                raise InvalidMessage(f"Malformed MQTT packet: unknown property 0x{name:02x}.")
        return found


def connect(
    client_id: str,
    version: Version,
    *,
    keep_alive: int,
    user: str | None = None,
    password: str | None = None,
) -> bytes:
    """CONNECT for a session that starts clean and is forgotten when it ends."""
    flags = 0x02
    payload = _text(client_id)
    if user is not None:
        flags |= 0x80
        payload += _text(user)
        if password is not None:
            flags |= 0x40
            payload += _text(password)
    head = _text("MQTT") + bytes((version, flags)) + keep_alive.to_bytes(2, "big")
    if version is Version.V5:
        # Maximum packet size: the broker drops what is longer, and we never see it.
        head += b"\x05\x27" + MAX_PACKET.to_bytes(4, "big")
    return _packet(CONNECT << 4, head + payload)


def subscribe(packet_id: int, filters: Sequence[str], version: Version) -> bytes:
    """SUBSCRIBE at QoS 1, without what is retained where the version can say so."""
    head = packet_id.to_bytes(2, "big")
    options = 1
    if version is Version.V5:
        head += b"\x00"
        options |= NO_RETAINED
    return _packet(
        SUBSCRIBE << 4 | 2, head + b"".join(_text(each) + bytes((options,)) for each in filters)
    )


def publish(
    topic: str,
    payload: bytes,
    version: Version,
    *,
    packet_id: int | None = None,
    retain: bool = False,
) -> bytes:
    """PUBLISH at QoS 1, or at QoS 0 without a `packet_id`."""
    head = _text(topic)
    if packet_id is not None:
        head += packet_id.to_bytes(2, "big")
    if version is Version.V5:
        head += b"\x00"
    return _packet(PUBLISH << 4 | (packet_id is not None) << 1 | retain, head + payload)


def puback(packet_id: int) -> bytes:
    """PUBACK: success (section 3.4.2.1)."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def connack_refusing_version() -> bytes:
    """What a broker of 3.1.1 answers to a client of another version."""
    return connack_refusing(1)


def connack_refusing(code: int) -> bytes:
    """What a broker of 3.1.1 answers to a client that it does not let in (section 3.2.2.3)."""
    return b"\x20\x02\x00" + bytes((code,))


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 65_535:
        raise InvalidMessage("A text in an MQTT packet must not be longer than 65535 bytes.")
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    length = len(body)
    if length > MAX_LENGTH:
        raise InvalidMessage(f"An MQTT packet must not be longer than {MAX_LENGTH} bytes.")
    head = bytearray((first,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body
