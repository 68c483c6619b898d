# SPDX-License-Identifier: BSD-3-Clause
"""A server's websocket text frames (RFC 6455 section 5.2), made once for all who get them.

A server does not mask its frames, so the same bytes go to every client.
"""

from collections.abc import Sequence
from typing import Final

_TEXT: Final = 0x81
"""FIN and the opcode of a text frame."""

PING: Final = b"\x89\x00"
PONG_OPCODE: Final = 0x8A


def _long_header(length: int) -> bytes:
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


_SHORT_HEADERS: Final = tuple(bytes((_TEXT, length)) for length in range(126))


def header(length: int) -> bytes:
    """What stands before a payload of `length` bytes."""
    return _SHORT_HEADERS[length] if length < 126 else _long_header(length)


def text_frame(payload: bytes) -> bytes:
    """`payload`, text in UTF-8, as one frame."""
    return header(len(payload)) + payload


def framed(wires: Sequence[bytes], *, batch: bool) -> bytes:
    """`wires`, one or more encoded messages, as one frame each or as one frame with an array."""
    if len(wires) == 1:
        # As `text_frame` does it, but for the calls: this is every message's way out.
        length = len(wires[0])
        return (_SHORT_HEADERS[length] if length < 126 else _long_header(length)) + wires[0]
    if batch:
        return text_frame(b"[%b]" % b",".join(wires))
    parts: list[bytes] = []
    for wire in wires:
        parts += (header(len(wire)), wire)
    return b"".join(parts)
