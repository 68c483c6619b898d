# SPDX-License-Identifier: BSD-3-Clause
"""All that is known, for a client that has just come: piece by piece, as fast as it reads."""

from collections.abc import Iterator
from typing import Final

from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client
from pyaiot.messages.codec import encode
from pyaiot.messages.types import New, NodeState, Snapshot, Update

PART_NODES: Final = 500
PART_BYTES: Final = 65_536
"""About how much goes into one part; a single node with more makes a larger one."""
SHARED_FOR: Final = 1.0
"""Seconds for which clients that come one after the other get the same bytes."""


def original(nodes: Nodes, client: Client) -> Iterator[bytes]:
    """Each node as `new` and `update` messages to `client` (WIRE.md section 3.3)."""
    return _original(nodes, nodes.roll, client)


def _original(nodes: Nodes, roll: tuple[str, ...], client: Client) -> Iterator[bytes]:
    for uid in roll:
        node = nodes.get(uid)
        if node is None or not (node.visible or client.aware):
            continue
        if client.aware:
            yield encode(New(uid, client.id, node.availability, node.seen))
        else:
            yield encode(New(uid, client.id))
        for each in tuple(node.resources.values()):
            yield encode(Update(uid, each.endpoint, each.value, client.id, each.time))


class Shared:
    """The `snapshot` messages of one moment, encoded once however many clients get them.

    Parts are made when the first client comes to them. Values may be newer by then than the
    moment; whoever uses this sends what changed after `seq` again.
    """

    __slots__ = ("_aware", "_made", "_nodes", "_roll", "_version", "at", "seq")

    def __init__(self, nodes: Nodes, now: float, *, aware: bool) -> None:
        self._nodes = nodes
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

    def parts(self) -> Iterator[bytes]:
        """The messages, from the first."""
        place = number = 0
        while place < len(self._roll) or number == 0:
            made = None if self._made is None else self._made.get(number)
            if made is None:
                made = self._make(number, place)
                if self._made is not None:
                    self._made[number] = made
            wire, place = made
            number += 1
            yield wire

    def expire(self) -> None:
        """Keep no more parts; clients that still read get theirs made for them."""
        self._made = None

    def _make(self, number: int, place: int) -> tuple[bytes, int]:
        states: list[NodeState] = []
        size = 0
        while place < len(self._roll) and len(states) < PART_NODES and size < PART_BYTES:
            node = self._nodes.get(self._roll[place])
            place += 1
            if node is not None and (self._aware or node.visible):
                states.append(_state(node))
                size += sum(len(each.wire) for each in node.resources.values())
        return encode(Snapshot(tuple(states), number, place >= len(self._roll))), place


def _state(node: Node) -> NodeState:
    resources = {each.endpoint: (each.value, each.time) for each in node.resources.values()}
    return NodeState(node.uid, node.availability, node.seen, resources)
