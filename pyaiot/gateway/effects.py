# SPDX-License-Identifier: BSD-3-Clause
"""What the gateway's decisions ask its shell to do."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from pyaiot.gateway.adapter import Address, Refusal
from pyaiot.messages.types import Message


class Level(IntEnum):
    """How much a note matters; the numbers are those of `logging`."""

    DEBUG = 10
    INFO = 20
    WARNING = 30


@dataclass(frozen=True, slots=True)
class Send:
    """Give `message` to the broker; a reading also when it comes back only later."""

    message: Message


@dataclass(frozen=True, slots=True)
class Begin:
    """Tell the broker what is known, and from now on what happens."""

    until_stored: bool
    """It says which readings are in the store."""


@dataclass(frozen=True, slots=True)
class Disown:
    """Drop what was said since the gateway started, and not sent yet, in the name of these."""

    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Discover:
    """Ask the node at `address` for its resources, then tell `discovered` with `serial`."""

    uid: str
    serial: int
    address: Address


@dataclass(frozen=True, slots=True)
class Write:
    """Set a resource within `patience` seconds, then tell `written` with `serial`."""

    uid: str
    serial: int
    address: Address
    endpoint: str
    payload: str
    patience: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell whoever was just seen that it may not be a node here."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Expel:
    """The node at `address` must not be there any more."""

    address: Address
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Resend:
    """Send everything to the one client `dst`, as a broker of the original asks for."""

    dst: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the log."""

    level: Level
    text: str


Effect: TypeAlias = Send | Begin | Disown | Discover | Write | Refuse | Expel | Resend | Note
