# SPDX-License-Identifier: BSD-3-Clause
"""All that is known, for a client that has just come: piece by piece, as fast as it reads."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from msgspec import UNSET

from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client
from pyaiot.messages.codec import encode
from pyaiot.messages.types import Feature, Named, New, NodeState, Snapshot, Update
from pyaiot.model.rate import Allowance

PART_NODES: Final = 500
PART_BYTES: Final = 65_536
"""About how much goes into one part; a single node with more makes a larger one."""
SHARED_FOR: Final = 1.0
"""Seconds for which clients that come one after the other get the same bytes."""
FRESH: Final = (4.0, 8.0)
"""Clients in a second, and at once, who all the same get values that are none older.

Whoever sets something and then looks shall not see what it was; many who come at once shall not
keep the broker busy."""

Naming: TypeAlias = Callable[[str], str]
"""What people call a node; empty where they do not."""


def original(nodes: Nodes, client: Client, name: Naming) -> Iterator[bytes]:
    """Each node as `new` and `update` messages to `client` (WIRE.md section 3.3)."""
    return _original(nodes, nodes.roll, client, name)


def _original(nodes: Nodes, roll: tuple[str, ...], client: Client, name: Naming) -> Iterator[bytes]:
    for uid in roll:
        node = nodes.get(uid)
        if node is None or not (node.visible or client.aware) or not client.sees(node):
            continue
        if client.aware:
            yield encode(New(uid, client.id, node.availability, node.seen))
        else:
            yield encode(New(uid, client.id))
        if Feature.NAMES in client.features and name(uid) and client.sees(node):
            yield encode(Named(uid, name(uid)))
        for each in tuple(node.resources.values()):
            # Whoever reads slowly may have lost sight of it meanwhile.
            if not client.sees(node):
                break
            yield encode(Update(uid, each.endpoint, each.value, client.id, each.time))


class Shared:
    """The `snapshot` messages of one moment, encoded once however many clients get them.

    Parts are made when the first client comes to them. Values may be newer by then than the
    moment; whoever uses this sends what changed after `seq` again.
    """

    __slots__ = ("_aware", "_made", "_name", "_nodes", "_roll", "_version", "at", "seq")

    def __init__(
        self, nodes: Nodes, now: float, *, aware: bool, name: Naming | None = None
    ) -> None:
        """`name` says what people call nodes, for clients that want to know."""
        self._nodes = nodes
        self._name = name
        self._roll = nodes.roll
        self._version = nodes.version
        self._aware = aware
        self._made: dict[int, tuple[bytes, int]] | None = {}
        """Part number to its bytes and the place in the roll after it."""
        self.at = now
        self.seq = nodes.seq

    def valid(self, now: float) -> bool:
        """Whether a client that comes at `now` may still get it.

        Not once a node came, went, or changed its availability: who comes later was not told.
        """
        return self._version == self._nodes.version and now - self.at < SHARED_FOR

    def parts(self, client: Client) -> Iterator[bytes]:
        """The messages, from the first, for one of those that see the same."""
        place = number = 0
        while place < len(self._roll) or number == 0:
            made = None if self._made is None else self._made.get(number)
            if made is None:
                made = self._make(number, place, client)
                if self._made is not None:
                    self._made[number] = made
            wire, place = made
            number += 1
            yield wire

    def expire(self) -> None:
        """Keep no more parts; clients that still read get theirs made for them."""
        self._made = None

    def _make(self, number: int, place: int, client: Client) -> tuple[bytes, int]:
        states: list[NodeState] = []
        size = 0
        while place < len(self._roll) and len(states) < PART_NODES and size < PART_BYTES:
            node = self._nodes.get(self._roll[place])
            place += 1
            if node is not None and (self._aware or node.visible) and client.sees(node):
                states.append(_state(node, self._name))
                size += sum(len(each.wire) for each in node.resources.values())
        return encode(Snapshot(tuple(states), number, place >= len(self._roll))), place


class Snapshots:
    """Those of late, for clients that come one after the other and see the same."""

    def __init__(self, nodes: Nodes, name: Naming) -> None:
        self._nodes = nodes
        self._name = name
        self._shared: dict[tuple[bool, bool, str], Shared] = {}
        self._fresh = Allowance(*FRESH)

    def get(self, client: Client, now: float) -> Shared:
        """The one for `client`, who comes at `now` on the steady clock."""
        named = Feature.NAMES in client.features
        key = (client.aware, named, client.view)
        shared = self._shared.get(key)
        if shared is None or not shared.valid(now) or self._outdated(shared, now):
            if shared is not None:
                shared.expire()
            name = self._name if named else None
            shared = self._shared[key] = Shared(self._nodes, now, aware=client.aware, name=name)
        return shared

    def _outdated(self, shared: Shared, now: float) -> bool:
        """Whether values have changed since, and making all anew costs little."""
        nodes = self._nodes
        return shared.seq != nodes.seq and len(nodes.roll) <= PART_NODES and self._fresh.take(now)

    def clear(self) -> None:
        """Who sees what has changed: what was made must not be used any more."""
        for shared in self._shared.values():
            shared.expire()
        self._shared.clear()

    def tick(self, now: float) -> None:
        """Time has passed."""
        for key, shared in tuple(self._shared.items()):
            if not shared.valid(now):
                shared.expire()
                del self._shared[key]


def _state(node: Node, name: Naming | None) -> NodeState:
    resources = {each.endpoint: (each.value, each.time) for each in node.resources.values()}
    called = name(node.uid) if name is not None else ""
    return NodeState(node.uid, node.availability, node.seen, resources, called or UNSET)
