# SPDX-License-Identifier: BSD-3-Clause
"""What the broker is told of nodes, in the words that this broker understands.

To a broker of the original a node that is offline is gone, and comes anew when it returns. While
no broker is there only readings are kept (the spool does that); all else is told from what is
known when a broker comes (`outbox`).
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from pyaiot.gateway.adapter import Address, Sighting
from pyaiot.gateway.effects import Send
from pyaiot.gateway.roster import Node, Roster
from pyaiot.messages.types import (
    EVERYONE,
    MAX_TEXT,
    AvailabilityChanged,
    Feature,
    KeepAlive,
    Message,
    New,
    Out,
    Pending,
    Reset,
    Update,
)
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability, Reading

KEEP_ALIVE: Final = 30.0
"""Seconds between signs of life to a broker of the original (WIRE.md section 3.2)."""

_NEVER: Final = float("inf")


class Announcer:
    """Puts into messages what happened to nodes."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._granted: frozenset[Feature] | None = None
        self._gone: OrderedDict[str, None] = OrderedDict()
        self.survivors: Mapping[str, float] = {}
        """Nodes of whom readings were kept when the gateway ended, and the time of the last: they
        are away, not gone."""
        self.due = _NEVER
        """When `keep_alive` is to be called next, on the steady clock."""

    def joined(self, granted: frozenset[Feature], now: Moment) -> None:
        """A broker is there and understands `granted`."""
        self._granted = granted
        self.due = now.steady + KEEP_ALIVE if self._legacy else _NEVER

    def left(self, undelivered: Iterable[Message]) -> None:
        """The broker is gone; of what was sent, `undelivered` may not have arrived."""
        self._granted = None
        self.due = _NEVER
        for message in undelivered:
            if isinstance(message, Reset | Out):
                node = self._roster.get(message.uid)
                if node is not None:
                    # After an `out` it is another life of that node that is known now.
                    node.reset_untold = True
                elif isinstance(message, Out):
                    self._remember_gone(message.uid)

    def keep_alive(self, now: Moment) -> Iterator[Send]:
        """A sign of life where it is due."""
        if now.steady >= self.due:
            self.due = now.steady + KEEP_ALIVE
            yield Send(KeepAlive("alive"))

    def came(self, node: Node) -> Iterator[Send]:
        """`node` was not known before."""
        new = self.introduction(node.uid)
        if new is not None:
            yield Send(new)
        if node.uid in self._gone:
            # The broker was not told that it had gone, and takes what it said then for present.
            del self._gone[node.uid]
            yield from self.rebooted(node)

    def went(self, node: Node) -> Iterator[Send]:
        """`node` is no longer known; call this once it is off the roster."""
        if self._granted is None:
            self._remember_gone(node.uid)
        elif not self._hidden(node):
            yield Send(Out(node.uid))

    def changed(self, node: Node, before: Availability) -> Iterator[Send]:
        """`node` has another availability than `before`."""
        if self._granted is None:
            return
        if not self._legacy:
            yield Send(AvailabilityChanged(node.uid, node.twin.availability, node.twin.seen))
        elif node.offline:
            yield Send(Out(node.uid))
        elif before is Availability.OFFLINE:
            yield Send(New(node.uid))
            yield from map(Send, self.values(node.uid))

    def rebooted(self, node: Node) -> Iterator[Send]:
        """What `node` said before no longer holds."""
        if self._granted is None:
            node.reset_untold = True
        else:
            yield Send(Reset(node.uid))

    def reading(self, node: Node, reading: Reading) -> Send:
        """`node` reported this."""
        return Send(_update(node.uid, reading, EVERYONE))

    @property
    def hears_of_devices(self) -> bool:
        """Whether a broker is there that knows somebody who may approve of nodes."""
        return self._granted is not None and Feature.DEVICES in self._granted

    def pending(
        self, uid: str, protocol: str, address: Address, sighting: Sighting, now: Moment
    ) -> Send:
        """Node `uid` waits for approval."""
        name = "" if sighting.name == uid else sighting.name[:MAX_TEXT]
        return Send(Pending(uid, protocol, str(address)[:MAX_TEXT], max(now.wall, 0.0), name))

    def uids(self) -> list[str]:
        """All nodes, in the order in which they came."""
        return self._roster.uids()

    def introduction(self, uid: str, dst: str = EVERYONE) -> New | None:
        """The message that node `uid` is there; None if to this broker it is not."""
        node = self._roster.get(uid)
        if node is None or self._granted is None or self._hidden(node):
            return None
        if self._legacy:
            return New(uid, dst)
        return New(uid, dst, node.twin.availability, node.twin.seen)

    def values(self, uid: str, dst: str = EVERYONE) -> list[Update]:
        """All that is known of node `uid`, if to this broker it is there."""
        node = self._roster.get(uid)
        if node is None or self._hidden(node):
            return []
        return [_update(uid, reading, dst) for reading in node.twin]

    def take_reset(self, uid: str) -> Reset | None:
        """The message that node `uid` rebooted, if the broker has yet to be told."""
        node = self._roster.get(uid)
        if node is None or not node.reset_untold:
            return None
        node.reset_untold = False
        return None if self._hidden(node) else Reset(uid)

    def revive(self, uid: str) -> New:
        """Introduce node `uid`, gone or not: the broker takes readings of known nodes only.

        `farewells` or `lay` ends that once the readings were sent.
        """
        new = self.introduction(uid)
        if new is not None:
            return new
        if self._roster.get(uid) is None:
            if uid in self.survivors and not self._legacy:
                return New(uid, EVERYONE, Availability.OFFLINE, self.survivors[uid])
            self._remember_gone(uid)
        return self._absent(uid)

    def farewells(self, revived: Collection[str]) -> Iterator[New | Out]:
        """Tell the broker of nodes that have gone without its knowing; of `revived` it knows."""
        while self._gone:
            uid = next(iter(self._gone))
            if uid not in revived:
                if self._legacy:
                    # A broker of the original forgot it when the connection ended.
                    del self._gone[uid]
                    continue
                # Ours takes an `out` from whoever holds the node.
                yield self._absent(uid)
            # It may have come back while that waited for its turn.
            if uid in self._gone:
                del self._gone[uid]
                yield Out(uid)

    def lay(self, uid: str) -> Iterator[Out]:
        """Node `uid` is to be gone again for a broker that takes offline nodes for gone."""
        node = self._roster.get(uid)
        if node is not None and self._hidden(node):
            yield Out(uid)

    def _absent(self, uid: str) -> New:
        return New(uid) if self._legacy else New(uid, EVERYONE, Availability.OFFLINE, 0.0)

    @property
    def _legacy(self) -> bool:
        return self._granted is not None and Feature.AVAILABILITY not in self._granted

    def _hidden(self, node: Node) -> bool:
        return node.offline and self._legacy

    def _remember_gone(self, uid: str) -> None:
        self._gone[uid] = None
        if len(self._gone) > self._roster.max_nodes:
            self._gone.popitem(last=False)


def _update(uid: str, reading: Reading, dst: str) -> Update:
    return Update(uid, reading.endpoint, reading.value, dst, reading.time)
