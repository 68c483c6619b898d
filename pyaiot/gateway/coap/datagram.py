# SPDX-License-Identifier: BSD-3-Clause
"""What can be told of a datagram before it is decoded (RFC 7252 section 3)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from pyaiot.errors import InvalidMessage

MAX_OPTIONS: Final = 64
"""Options in one message."""

MAX_STRANGE: Final = 256
"""Option numbers and content formats that nobody has heard of, in all messages together."""

_OPTION_LENGTH: Final = {
    1: 8,  # If-Match
    3: 255,  # Uri-Host
    4: 8,  # ETag
    5: 0,  # If-None-Match
    6: 3,  # Observe
    7: 2,  # Uri-Port
    8: 255,  # Location-Path
    9: 255,  # OSCORE
    11: 255,  # Uri-Path
    12: 2,  # Content-Format
    13: 4,  # Uri-Path-Abbrev
    14: 4,  # Max-Age
    15: 255,  # Uri-Query
    16: 1,  # Hop-Limit
    17: 2,  # Accept
    20: 255,  # Location-Query
    21: 255,  # EDHOC
    23: 3,  # Block2
    27: 3,  # Block1
    28: 4,  # Size2
    35: 1034,  # Proxy-Uri
    39: 255,  # Proxy-Scheme
    60: 4,  # Size1
    252: 40,  # Echo
    258: 1,  # No-Response
    292: 8,  # Request-Tag
}
"""Options that are known, and how many bytes each may have."""

_FORMATS: Final = frozenset({12, 17})
_COMMON_FORMATS: Final = frozenset(
    {b"", b"\x00", b"\x28", b"\x29", b"\x2a", b"\x32", b"\x3c", b"\x70"}
)
_MARKER: Final = 0xFF


class Head(NamedTuple):
    """The beginning of a message."""

    confirmable: bool
    request: bool
    mid: int


class Screen:
    """Keeps out what aiocoap would take, but should not.

    aiocoap remembers each option number and each content format it ever met; a stranger could
    send it millions. Nor does it check how long numbers are.
    """

    def __init__(self) -> None:
        self._strange: set[tuple[int, bytes]] = set()

    def head(self, datagram: bytes) -> Head:
        """The head of a message that may be decoded.

        Raises InvalidMessage for what may not.
        """
        if len(datagram) < 4 or datagram[0] >> 6 != 1:
            raise InvalidMessage("no CoAP message")
        if datagram[0] & 0x0F > 8:
            raise InvalidMessage("a token that is too long")
        for count, (number, value) in enumerate(options(datagram)):
            if count == MAX_OPTIONS:
                raise InvalidMessage("too many options")
            if len(value) > _OPTION_LENGTH.get(number, 1034):
                raise InvalidMessage(f"option {number} is too long")
            if number not in _OPTION_LENGTH:
                self._meet((number, b""))
            elif number in _FORMATS and value not in _COMMON_FORMATS:
                self._meet((number, value))
        return Head(
            confirmable=datagram[0] & 0x30 == 0,
            request=0 < datagram[1] < 32,
            mid=int.from_bytes(datagram[2:4], "big"),
        )

    def _meet(self, strange: tuple[int, bytes]) -> None:
        if strange in self._strange:
            return
        if len(self._strange) >= MAX_STRANGE:
            raise InvalidMessage(f"an unknown kind of option {strange[0]}")
        self._strange.add(strange)


def options(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and value of each option of a message that has a head.

    Raises InvalidMessage where the message is broken.
    """
    at = 4 + (datagram[0] & 0x0F)
    if at > len(datagram):
        raise InvalidMessage("a token that is cut off")
    number = 0
    while at < len(datagram) and datagram[at] != _MARKER:
        head = datagram[at]
        delta, at = _extended(datagram, head >> 4, at + 1)
        length, at = _extended(datagram, head & 0x0F, at)
        number += delta
        if at + length > len(datagram) or number > 0xFFFF:
            raise InvalidMessage("an option that is cut off")
        yield number, datagram[at : at + length]
        at += length
    if at == len(datagram) - 1:
        raise InvalidMessage("a payload that is missing")


def _extended(datagram: bytes, nibble: int, at: int) -> tuple[int, int]:
    """A delta or length (RFC 7252 section 3.1), and where the message goes on."""
    if nibble < 13:
        return nibble, at
    size = nibble - 12
    if size == 3 or at + size > len(datagram):
        raise InvalidMessage("an option that is cut off")
    value = int.from_bytes(datagram[at : at + size], "big")
    return value + (13 if size == 1 else 269), at + size
