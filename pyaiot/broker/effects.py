# SPDX-License-Identifier: BSD-3-Clause
"""What the core has done: the port through which its decisions leave it."""

from collections.abc import Collection, Iterator
from enum import Enum, auto
from typing import Protocol

from pyaiot.broker.nodes import Node
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.errors import PyaiotError
from pyaiot.messages.types import Pending, Relayed


class Audience(Enum):
    """Who sees a message; all of them get the same bytes."""

    EVERYONE = auto()
    ORIGINAL = auto()
    """Clients that do not know of availability: for them a node is there or not."""
    AWARE = auto()
    """Clients that asked for `Feature.AVAILABILITY`."""


class Effects(Protocol):
    """Carries effects out, in the order in which they come. Never raises, never waits.

    `wire` is one encoded message. Clients that have not said hello are in no audience.
    """

    def update(self, audience: Audience, wire: bytes, seers: frozenset[str] | None = None) -> None:
        """A value of a node with these `seers` changed.

        Whoever is too slow gets the newest one later, from the twins.
        """

    def event(self, audience: Audience, wire: bytes, about: Node) -> None:
        """Something else happened to a node; nobody who sees it may miss it."""

    def tell(self, client: Client, wire: bytes, about: str = "") -> None:
        """Something for one client alone; `about` names the node that it says something of."""

    def show(self, client: Client, wire: bytes, about: str) -> None:
        """The same, in its place among what others are told of that node."""

    def flush(self) -> None:
        """What was decided until now is to reach who was to see it, whatever follows."""

    def regroup(self, client: Client) -> None:
        """`client` has another view."""

    def reveal(self, client: Client, wires: list[bytes], about: str, since: int) -> None:
        """A node is there for `client` from now on.

        First it gets `wires`, then what changed after `since`, which is all that is known of it.
        """

    def conceal(self, client: Client, about: str) -> bool:
        """A node is not there for `client` any more; whether something of it was to be sent."""

    def subjects(self, client: Client) -> Collection[str]:
        """The nodes of which something is to be sent to `client` that not everybody may know."""

    def greet(self, client: Client, backlog: Iterator[bytes], since: int) -> None:
        """From here on `client` is in its audience.

        First it gets `backlog`, which is not older than change `since`, and then whatever
        happened since.
        """

    def dismiss(self, client: Client, error: PyaiotError) -> None:
        """Send a client away, and say why."""

    def relay(self, gateway: Gateway, message: Relayed) -> bool:
        """A command for a gateway; False if so much is waiting for it that it must not grow."""

    def notify(self, gateway: Gateway) -> None:
        """There is something new in the notices of a gateway."""

    def send_again(self, gateway: Gateway) -> None:
        """Have a gateway connect again and send all that is not stored."""

    def inform(self, service: Service, message: Pending) -> None:
        """Something for a directory, who will hear of it again if this does not reach it."""

    def record(self) -> None:
        """There is something to be recorded."""

    def note(self, text: str) -> None:
        """Something that the operator should know."""
