# SPDX-License-Identifier: BSD-3-Clause
"""A node as others know it: its identity, what it last reported, whether it is there."""

import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.model.value import Value

MAX_UID: Final = 128
MAX_ENDPOINT: Final = 128
MAX_RESOURCES: Final = 256

IDENTITY: Final = ("id", "ip", "protocol")
"""Resources that a gateway reports of a node; they outlive the node's reset."""

SCRIPT: Final = "js"
"""The resource that is set to what a node then runs (WIRE.md section 7)."""

_NAMESPACE: Final = uuid.UUID("6f1d2c4e-7b1a-5c55-9f0e-3a7d1f6f2b60")


class Availability(StrEnum):
    """Whether a node is there, as far as its gateway can tell."""

    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one resource, and when it was measured (seconds since the epoch)."""

    endpoint: str
    value: Value
    time: float


def checked_uid(text: str) -> str:
    """`text` if it can be a node's uid; its length and form are otherwise its own (WIRE.md 9).

    Raises InvalidValue when it is empty, too long, or holds control characters.
    """
    return _checked(text, MAX_UID, "uid")


def checked_endpoint(text: str) -> str:
    """`text` without one leading slash, if it can name a resource.

    Raises InvalidValue when it is empty, too long, or holds control characters.
    """
    return _checked(text.removeprefix("/"), MAX_ENDPOINT, "resource name")


def _checked(text: str, limit: int, what: str) -> str:
    if not text:
        raise InvalidValue(f"A {what} must not be empty.")
    if len(text) > limit:
        raise InvalidValue(f"A {what} must not be longer than {limit} characters.")
    # Printable ASCII is all there is nearly always; the table look-up is for the rest.
    if not (text.isascii() and text.isprintable()) and any(
        unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text
    ):
        raise InvalidValue(f"A {what} must not hold control characters.")
    return text


@lru_cache(maxsize=16_384)  # asked for at each sign of life
def derived_uid(gateway: str, protocol: str, own_id: str) -> str:
    """The stable uid of a node that has only a name within its own protocol.

    The same gateway name, protocol and id always give the same uid, over restarts too.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{gateway}\0{protocol}\0{own_id}"))


class Twin:
    """The last known state of one node, in the order in which its resources changed."""

    __slots__ = ("availability", "readings", "seen", "uid")

    def __init__(self, uid: str, seen: float) -> None:
        self.uid = uid
        self.availability = Availability.ONLINE
        self.seen = seen
        """When the node was last heard, seconds since the epoch."""
        self.readings: dict[str, Reading] = {}

    def put(self, reading: Reading) -> bool:
        """Keep `reading`; False if the node already holds as many resources as one may."""
        if reading.endpoint not in self.readings and len(self.readings) >= MAX_RESOURCES:
            return False
        # Popped first so that iteration runs from the resource untouched longest to the newest.
        self.readings.pop(reading.endpoint, None)
        self.readings[reading.endpoint] = reading
        return True

    def reset(self) -> None:
        """Forget what the node said; keep what its gateway knows of it (WIRE.md section 3.4)."""
        self.readings = {name: self.readings[name] for name in IDENTITY if name in self.readings}

    def __iter__(self) -> Iterator[Reading]:
        return iter(self.readings.values())
