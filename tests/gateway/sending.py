# SPDX-License-Identifier: BSD-3-Clause
"""A core with its outbox, and a broker that only remembers: all that is decided, without I/O."""

from typing import Any, Self

from pyaiot.gateway.effects import Effect, Send
from pyaiot.gateway.outbox import Outbox
from pyaiot.gateway.spool import Journal, Spool
from pyaiot.messages.types import (
    AvailabilityChanged,
    Feature,
    KeepAlive,
    Message,
    New,
    Out,
    Reset,
    Result,
    Update,
)
from pyaiot.model.node import IDENTITY
from tests.gateway.driven import ALL, LEGACY, Driven, short


class Mirror:
    """A broker's memory, by the rules of WIRE.md section 3.2; ours keeps it, the original's not."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.availability: dict[str, Any] = {}
        self.readings: set[tuple[str, str, Any, Any]] = set()
        """All that was stored, by node, resource, value and time."""
        self.refused: list[Message] = []
        """What came of nodes that were not announced on this connection."""
        self._owned: set[str] = set()

    def connect(self, *, forgets: bool) -> None:
        """A gateway comes; a broker of the original forgot its nodes when it went."""
        self._owned.clear()
        if forgets:
            self.nodes.clear()
            self.availability.clear()

    def take(self, message: Message) -> None:
        if isinstance(message, New):
            self._owned.add(message.uid)
            self.nodes.setdefault(message.uid, {})
            self.availability[message.uid] = message.availability
        elif isinstance(message, KeepAlive | Result):
            return
        elif getattr(message, "uid", None) not in self._owned:
            self.refused.append(message)
        elif isinstance(message, Update):
            self.readings.add((message.uid, message.endpoint, message.data, message.time))
            self.nodes[message.uid][message.endpoint] = message.data
        elif isinstance(message, Reset):
            kept = self.nodes[message.uid]
            self.nodes[message.uid] = {k: v for k, v in kept.items() if k in IDENTITY}
        elif isinstance(message, AvailabilityChanged):
            self.availability[message.uid] = message.availability
        elif isinstance(message, Out):
            self._owned.remove(message.uid)
            del self.nodes[message.uid]
            del self.availability[message.uid]


class Sending(Driven):
    """Driven, with what it sends on its way to a mirror."""

    def __init__(self, *, spool: int = 1000, journal: Journal | None = None, **more: Any) -> None:
        super().__init__(None, **more)
        self.spool = Spool(spool, journal)
        self.outbox = Outbox(self.core.announcer, self.spool)
        self.mirror = Mirror()
        self.linked = False
        self.on_their_way: list[Message] = []

    def _did(self, effects: Any) -> Self:
        kept: list[Effect] = list(effects)
        for effect in kept:
            if isinstance(effect, Send):
                self.spool.put(effect.message)
        return super()._did(kept)

    def join(self, granted: frozenset[Feature] = ALL) -> None:
        self.core.joined(granted, self.now)
        self.outbox.begin(until_stored=Feature.STORED in granted)
        self.mirror.connect(forgets=granted == LEGACY)
        self.linked = True

    def leave(self, arrived: int = 0, *, refused: bool = False) -> None:
        """The connection breaks; of what was on its way the first `arrived` were taken."""
        for message in self.on_their_way[:arrived]:
            self.mirror.take(message)
        self.on_their_way.clear()
        self.core.left(self.outbox.end(refused=refused))
        self.linked = False

    def push(self, limit: int) -> list[Message]:
        """Put at most `limit` messages on their way."""
        batch = self.outbox.take(limit)
        self.on_their_way += batch
        return batch

    def arrive(self, number: int) -> None:
        """The first `number` of those on their way arrive and are confirmed."""
        number = min(number, len(self.on_their_way))
        for message in self.on_their_way[:number]:
            self.mirror.take(message)
        del self.on_their_way[:number]
        self.outbox.confirm(number)

    def drain(self) -> list[str]:
        """Everything goes and arrives; gives it in short."""
        sent: list[str] = []
        while batch := self.push(100):
            sent += map(short, batch)
            self.arrive(len(batch))
        return sent
