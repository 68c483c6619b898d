# SPDX-License-Identifier: BSD-3-Clause
"""Where a list goes on: an opaque text that says what came last. Pure.

It holds a JSON value and nothing else; what comes back is read as the type that was put in, so
that whoever writes one by hand gets a place in the list at most.
"""

import base64
import binascii
from typing import Final, TypeVar

import msgspec

from pyaiot.errors import InvalidValue

T = TypeVar("T")

_BEYOND: Final = 2**63
"""From here on no database has a number."""


def cursor_of(place: object) -> str:
    """The cursor for what comes after `place`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str | None, kind: type[T]) -> T | None:
    """The place that a cursor stands for, of the `kind` that it was made of.

    Raises InvalidValue for what is no cursor of this list.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        place = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, RecursionError, msgspec.MsgspecError) as exc:
        raise InvalidValue("This is no cursor of this list.") from exc
    if b"\\u0000" in raw or b"\0" in raw or not _fits(place):
        raise InvalidValue("This is no cursor of this list.")
    return place


def _fits(place: object) -> bool:
    if isinstance(place, tuple):
        return all(_fits(each) for each in place)
    return not isinstance(place, int) or -_BEYOND <= place < _BEYOND
