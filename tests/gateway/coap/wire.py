# SPDX-License-Identifier: BSD-3-Clause
"""CoAP messages, bit by bit as RFC 7252 section 3 draws them; nothing of this is aiocoap's."""

from dataclasses import dataclass, field

CON, NON, ACK, RST = range(4)

EMPTY = 0x00
GET, POST, PUT, DELETE = 0x01, 0x02, 0x03, 0x04
CREATED, CHANGED, CONTENT, CONTINUE = 0x41, 0x44, 0x45, 0x5F
BAD_REQUEST, BAD_OPTION, NOT_FOUND, NOT_ALLOWED, INCOMPLETE, TOO_LARGE = (
    0x80, 0x82, 0x84, 0x85, 0x88, 0x8D,
)  # fmt: skip
SERVER_ERROR = 0xA0

ETAG, OBSERVE, URI_PATH, CONTENT_FORMAT, MAX_AGE, URI_QUERY = 4, 6, 11, 12, 14, 15
BLOCK2, BLOCK1 = 23, 27


def uint(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def block(number: int, more: bool, exponent: int) -> bytes:
    return uint(number << 4 | more << 3 | exponent)


@dataclass
class Datagram:
    type: int
    code: int
    mid: int
    token: bytes = b""
    options: list[tuple[int, bytes]] = field(default_factory=list)
    payload: bytes = b""

    @property
    def path(self) -> str:
        return "/".join(part.decode() for part in self.all(URI_PATH))

    def all(self, number: int) -> list[bytes]:
        return [value for each, value in self.options if each == number]

    def uint(self, number: int) -> int | None:
        values = self.all(number)
        return int.from_bytes(values[0], "big") if values else None

    def block(self, number: int) -> tuple[int, bool, int] | None:
        value = self.uint(number)
        return None if value is None else (value >> 4, bool(value & 8), value & 7)

    def encode(self) -> bytes:
        out = bytearray([0x40 | self.type << 4 | len(self.token), self.code])
        out += self.mid.to_bytes(2, "big") + self.token
        before = 0
        for number, value in sorted(self.options, key=lambda each: each[0]):
            delta, more_delta = _nibble(number - before)
            length, more_length = _nibble(len(value))
            out += bytes([delta << 4 | length]) + more_delta + more_length + value
            before = number
        if self.payload:
            out += b"\xff" + self.payload
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes) -> "Datagram":
        token_length = data[0] & 0x0F
        message = cls(
            data[0] >> 4 & 3, data[1], int.from_bytes(data[2:4], "big"), data[4 : 4 + token_length]
        )
        at, number = 4 + token_length, 0
        while at < len(data) and data[at] != 0xFF:
            delta, length = data[at] >> 4, data[at] & 0x0F
            delta, at = _extended(delta, data, at + 1)
            length, at = _extended(length, data, at)
            number += delta
            message.options.append((number, data[at : at + length]))
            at += length
        message.payload = data[at + 1 :]
        return message


def request(
    code: int,
    path: str,
    payload: bytes = b"",
    *,
    type: int = CON,  # noqa: A002 - what the RFC calls it
    mid: int = 1,
    token: bytes = b"\x01\x02",
    options: tuple[tuple[int, bytes], ...] = (),
    query: str = "",
) -> Datagram:
    segments = [(URI_PATH, part.encode()) for part in path.split("/")]
    queries = [(URI_QUERY, query.encode())] if query else []
    return Datagram(type, code, mid, token, [*segments, *queries, *options], payload)


def _nibble(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")


def _extended(nibble: int, data: bytes, at: int) -> tuple[int, int]:
    if nibble == 13:
        return data[at] + 13, at + 1
    if nibble == 14:
        return int.from_bytes(data[at : at + 2], "big") + 269, at + 2
    return nibble, at
