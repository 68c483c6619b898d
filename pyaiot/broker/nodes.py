# SPDX-License-Identifier: BSD-3-Clause
"""The twins of all nodes, as the broker needs them: in order of change, ready to be sent."""

from collections.abc import Callable, Iterator

from pyaiot.broker.journal import Journal
from pyaiot.broker.peers import Gateway
from pyaiot.errors import QueueFull
from pyaiot.model.node import IDENTITY, MAX_RESOURCES, Availability, checked_endpoint
from pyaiot.model.value import Value


class Resource:
    """The newest reading of one resource, with the bytes in which it was last sent."""

    __slots__ = ("endpoint", "node", "seq", "time", "value", "wire")

    def __init__(self, node: "Node", endpoint: str) -> None:
        self.node = node
        self.endpoint = endpoint
        self.value: Value = None
        self.time = 0.0
        self.wire = b""
        self.seq = 0


class Node:
    """One node: its twin, and the gateway that holds it."""

    __slots__ = ("availability", "gateway", "resources", "seen", "seers", "uid", "visible")

    def __init__(self, uid: str, availability: Availability, seen: float) -> None:
        self.uid = uid
        self.availability = availability
        self.visible = availability is not Availability.OFFLINE
        """Whether clients that know nothing of availability see the node."""
        self.seen = seen
        self.gateway: Gateway | None = None
        """None while the gateway that held it is away."""
        self.seers: frozenset[str] | None = None
        """The accounts that see the node, beside who may do everything; None: all."""
        self.resources: dict[str, Resource] = {}


class Nodes:
    """All nodes, in the order in which they came."""

    def __init__(self, limit: int) -> None:
        self.journal: Journal[Resource] = Journal()
        self._touch = self.journal.touch
        self.version = 0
        """Changes with every change but that of a value."""
        self._limit = limit
        self._by_uid: dict[str, Node] = {}
        self._offline: dict[str, Node] = {}
        self._roll: tuple[str, ...] | None = ()
        self.get = self._by_uid.get

    def __len__(self) -> int:
        return len(self._by_uid)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._by_uid.values())

    @property
    def roll(self) -> tuple[str, ...]:
        """The uids of all nodes; the same object for as long as they are the same."""
        if self._roll is None:
            self._roll = tuple(self._by_uid)
        return self._roll

    def make_room(self) -> Node | None:
        """The node that is to go before another can come, and is gone now; None if none need be.

        It is the one offline longest. Raises QueueFull where none is offline.
        """
        if len(self._by_uid) < self._limit:
            return None
        for node in self._offline.values():
            self.remove(node)
            return node
        raise QueueFull(f"There are {self._limit} nodes already, and none is offline.")

    def add(self, uid: str, availability: Availability, seen: float) -> Node:
        """A node that was not there."""
        node = self._by_uid[uid] = Node(uid, availability, seen)
        self._roll = None
        self.judge(node, availability, seen)
        return node

    def remove(self, node: Node) -> None:
        """Forget a node."""
        del self._by_uid[node.uid]
        self._offline.pop(node.uid, None)
        if node.gateway is not None:
            del node.gateway.nodes[node.uid]
            node.gateway = None
        for resource in node.resources.values():
            resource.seq = 0
        self._roll = None
        self.version += 1

    def judge(self, node: Node, availability: Availability, seen: float) -> None:
        """Set the availability of a node, and when it was heard."""
        node.availability = availability
        node.visible = availability is not Availability.OFFLINE
        node.seen = max(node.seen, seen)
        if availability is not Availability.OFFLINE:
            self._offline.pop(node.uid, None)
        elif node.uid not in self._offline:
            self._offline[node.uid] = node
        self.version += 1

    def put(
        self, node: Node, endpoint: str, value: Value, time: float, *, wire: bytes, wall: float
    ) -> bool:
        """Keep a reading unless a newer one is known; False if one is.

        `wall` is the broker's clock: no reading counts as newer than that, or a gateway whose
        clock was once ahead would keep its values from changing. Raises InvalidValue for an
        `endpoint` that cannot be one, QueueFull where the node has as many as one may.
        """
        resource = node.resources.get(endpoint)
        if resource is None:
            checked_endpoint(endpoint)
            if len(node.resources) >= MAX_RESOURCES:
                raise QueueFull(f"A node must not have more than {MAX_RESOURCES} resources.")
            resource = node.resources[endpoint] = Resource(node, endpoint)
        elif time < resource.time <= wall:
            return False
        resource.value = value
        resource.time = time = wall if time > wall else time  # noqa: FURB136 - in half the time
        resource.wire = wire
        if time > node.seen:  # noqa: PLR1730 - as above
            node.seen = time
        self._touch(resource)
        return True

    def reset(self, node: Node) -> None:
        """Forget what a node said; what its gateway knows of it stays."""
        for endpoint in [name for name in node.resources if name not in IDENTITY]:
            node.resources.pop(endpoint).seq = 0
        self.version += 1

    @property
    def seq(self) -> int:
        """The number of the newest change of a value."""
        return self.journal.seq

    def touch(self, node: Node) -> None:
        """Count all that is known of a node as changed: somebody is to hear of it anew."""
        for resource in node.resources.values():
            self._touch(resource)

    def changes(
        self, since: int, *, aware: bool, sees: Callable[[Node], bool]
    ) -> Iterator[tuple[int, bytes]]:
        """The newest values that changed after number `since`: their numbers and bytes.

        Of nodes that somebody `sees`, and who knows of availability or does not.
        """
        for resource in self.journal.since(since):
            node = resource.node
            if (aware or node.visible) and sees(node):
                yield resource.seq, resource.wire
