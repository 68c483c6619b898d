# SPDX-License-Identifier: BSD-3-Clause
"""The contract between a gateway and a protocol: four verbs down, four up.

A gateway has an adapter. The adapter knows addresses and bytes; it knows no uid and no broker.
``tests/contracts/adapter.py`` is run on every adapter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType, Protocol

from pyaiot.model.value import Value

Address = NewType("Address", str)
"""Where a node is, within one adapter; opaque to everybody else, but fit to be logged."""


class Naming(Enum):
    """What the name in a sighting is worth."""

    UNIQUE = "unique"
    """The node's uid itself, the same wherever the node appears (CoAP)."""
    LOCAL = "local"
    """Unique within this protocol at this gateway; the uid is derived from it."""
    PASSING = "passing"
    """Made up for this connection; when the node is lost, it is gone for good."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A node showed that it is there."""

    name: str
    naming: Naming
    rebooted: bool = False
    """What the node said before no longer holds; its resources are to be discovered anew."""
    sleepy: bool = False
    """The node listens only just after it was heard; commands wait for that."""
    facts: Mapping[str, Value] = field(default_factory=dict)
    """What the adapter itself knows of the node, reported as resources (``ip``, ``id``)."""
    token: str = field(default="", repr=False)
    """The device token that it came with, if any; it says which node this is, not `name`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not be a node here."""

    code: str
    """One of the stable words in ``docs/howto/device-tokens.md``."""
    reason: str
    """In one sentence, for whoever looks after the node."""

    def __str__(self) -> str:
        """What the node is told."""
        return f"{self.code}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Written:
    """What is known when a write has been carried out.

    `confirmed` says that the node itself accepted the value; otherwise its next report of that
    resource does. `value` is what the node says the resource is now, where it says so.
    """

    confirmed: bool
    value: Value | None = None


class Events(Protocol):
    """What an adapter tells its gateway. Never blocks, never raises, may be called at any time."""

    def seen(self, address: Address, sighting: Sighting) -> Refusal | None:
        """A node is there. Calling it again, from a new address too, is the normal case.

        Where it is refused it is not there: the adapter tells it why, if the protocol can, and
        reports nothing of it.
        """

    def objection(self, sighting: Sighting) -> Refusal | None:
        """Why a node would be refused, before it is let in; nobody is told of it.

        An empty name is one that the node has yet to say.
        """

    def report(
        self, address: Address, endpoint: str, value: Value, time: float | None = None
    ) -> None:
        """A resource has this value, measured at `time` (seconds since the epoch) or now."""

    def lost(self, address: Address) -> None:
        """The node's connection ended. Protocols without connections never call this."""


class Adapter(Protocol):
    """One protocol. Constructors start nothing; `run` owns all tasks and sockets."""

    @property
    def protocol(self) -> str:
        """The value of the ``protocol`` resource: ``CoAP``, ``MQTT``, ``WebSocket``."""

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        """Serve until cancelled; call `ready` once nodes can reach it.

        Raises StartFailed when it cannot start (port taken, broker unreachable for good).
        """

    async def discover(self, address: Address) -> None:
        """Ask the node at `address` for its resources and values; they come by `report`.

        Raises CommandFailed when the node cannot be asked; whatever was learnt is reported.
        """

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        """Set a resource. Its caller bounds the time and never overlaps writes to one node.

        Raises CommandFailed with the node's reason when it refuses or cannot be reached.
        """

    def expel(self, address: Address, refusal: Refusal) -> None:
        """The node at `address` must not be there: end its connection, or forget it, at once.

        Returns without waiting; nothing that it says from now on is reported as of `address`.
        Without a node at `address` nothing happens.
        """
