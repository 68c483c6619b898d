# SPDX-License-Identifier: BSD-3-Clause
"""The nodes of one gateway: where each is, when it was heard, how far it is discovered."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from pyaiot.gateway.adapter import Address, Naming
from pyaiot.gateway.commands import Commands
from pyaiot.gateway.discovery import Discovery
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability, Twin
from pyaiot.model.registry import Registry

_SLACK: Final = 0.001
"""Added to sums of times, so that what is due at that time is due beyond rounding."""


class Node:
    """What the gateway knows of one node."""

    __slots__ = (
        "booted",
        "commands",
        "discovery",
        "heard",
        "naming",
        "reset_untold",
        "sleepy",
        "token_id",
        "twin",
    )

    def __init__(self, uid: str, naming: Naming, now: Moment) -> None:
        self.twin = Twin(uid, now.wall)
        self.naming = naming
        self.commands = Commands(uid)
        self.sleepy = False
        self.heard = now.steady
        """On the steady clock, like all times here."""
        self.booted = now.steady
        self.discovery = Discovery()
        self.reset_untold = False
        """It rebooted, and the broker may not know."""
        self.token_id: str | None = None
        """The id of the token by which it proved who it is."""

    @property
    def uid(self) -> str:
        return self.twin.uid

    @property
    def offline(self) -> bool:
        return self.twin.availability is Availability.OFFLINE


class Roster:
    """All nodes, by uid, by address, and by how long they have been silent."""

    def __init__(self, liveness: Liveness, max_nodes: int) -> None:
        self.max_nodes = max_nodes
        self._liveness = liveness
        self._nodes: dict[str, Node] = {}
        self._registry = Registry()
        # In the order in which nodes came to each shelf, so that the first is due first.
        self._shelves: dict[Availability, OrderedDict[str, Node]] = {
            availability: OrderedDict() for availability in Availability
        }

    def get(self, uid: str) -> Node | None:
        """The node `uid`."""
        return self._nodes.get(uid)

    def at(self, address: str) -> Node | None:
        """The node at `address`."""
        uid = self._registry.uid_at(address)
        return None if uid is None else self._nodes[uid]

    def address_of(self, node: Node) -> Address | None:
        """Where `node` is; None when it has moved away without a word, or its connection ended."""
        address = self._registry.address_of(node.uid)
        return None if address is None else Address(address)

    def uids(self) -> list[str]:
        """All nodes, in the order in which they came."""
        return list(self._nodes)

    def add(self, uid: str, naming: Naming, now: Moment) -> Node:
        """A node that was not known before."""
        node = self._nodes[uid] = Node(uid, naming, now)
        self._shelves[Availability.ONLINE][uid] = node
        return node

    def settle(self, node: Node, address: Address) -> str | None:
        """`node` is at `address`; the uid of the node that was there, if it was another."""
        return self._registry.settle(node.uid, address)

    def unsettle(self, node: Node) -> None:
        """`node` is not to be reached any more."""
        self._registry.leave(node.uid)

    def remove(self, node: Node) -> None:
        """Forget `node`."""
        self.unsettle(node)
        del self._shelves[node.twin.availability][node.uid]
        del self._nodes[node.uid]

    @property
    def full(self) -> bool:
        return len(self._nodes) >= self.max_nodes

    def longest_offline(self) -> Node | None:
        """The node to forget where there is no room for another."""
        return next(iter(self._shelves[Availability.OFFLINE].values()), None)

    def heard(self, node: Node, now: Moment) -> None:
        """`node` showed that it is there."""
        node.heard = now.steady
        node.twin.seen = now.wall
        self._shelves[node.twin.availability].move_to_end(node.uid)

    def shelve(self, node: Node, availability: Availability) -> None:
        """`node` has another availability than before."""
        del self._shelves[node.twin.availability][node.uid]
        node.twin.availability = availability
        self._shelves[availability][node.uid] = node

    @property
    def due(self) -> float:
        """When the next node may become late or offline, on the steady clock."""
        due = [float("inf")]
        for availability, after in (
            (Availability.ONLINE, self._liveness.late_after),
            (Availability.LATE, self._liveness.max_time),
        ):
            first = next(iter(self._shelves[availability].values()), None)
            if first is not None:
                due.append(first.heard + after + _SLACK)
        return min(due)

    def overdue(self, now: float) -> Iterator[tuple[Node, Availability]]:
        """Nodes and what they have become; `shelve` each before asking for the next."""
        # Late ones first, so that what becomes late now is not looked at twice.
        for availability in (Availability.LATE, Availability.ONLINE):
            shelf = self._shelves[availability]
            while shelf:
                node = next(iter(shelf.values()))
                judged = self._liveness.judge(now - node.heard)
                if judged is availability:
                    break
                yield node, judged
