# SPDX-License-Identifier: BSD-3-Clause
"""What a client knows of all nodes, made of the messages that it gets from a broker. Pure."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import UNSET

from pyaiot.errors import InvalidValue, UnknownNode
from pyaiot.messages.types import (
    AvailabilityChanged,
    Named,
    New,
    NodeState,
    Out,
    Reset,
    Snapshot,
    ToClient,
    Update,
)
from pyaiot.model.node import Availability, Reading, Twin

_SHOWN: Final = 4
"""Nodes that an error names where several fit."""


class Event(StrEnum):
    """What may change."""

    NEW = "new"
    OUT = "out"
    RESET = "reset"
    AVAILABILITY = "availability"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Change:
    """What one message changed, or one of the things that it did."""

    event: Event
    uid: str
    time: float
    """When it happened, seconds since the epoch."""
    name: str = ""
    """What the node is called, or was before it was gone."""
    reading: Reading | None = None
    """With `Event.UPDATE`."""
    availability: Availability | None = None
    """With `Event.NEW` and `Event.AVAILABILITY`."""


class Mirror:
    """All nodes, by uid."""

    def __init__(self) -> None:
        self.nodes: dict[str, Twin] = {}
        self.complete = False
        """Whether a whole snapshot has come. The original's broker sends none."""
        self._former: dict[str, Twin] = {}
        self._titles: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._namesakes: Counter[str] = Counter()

    def apply(self, message: ToClient, now: float) -> list[Change]:
        """Take in `message`, received at `now` (seconds since the epoch), and say what is new."""
        match message:
            case Snapshot():
                return self._snapshot(message, now)
            case New():
                return self._new(message, now)
            case Update():
                return [self._update(message, now)]
            case Named() if message.uid in self.nodes:
                self._call(self._given, message.uid, message.name)
            case AvailabilityChanged() | Reset() | Out() if message.uid in self.nodes:
                return [self._known(message, now)]
        return []

    def name(self, uid: str) -> str:
        """What people call the node, or else what it calls itself; empty if neither."""
        return self._given.get(uid) or self.title(uid)

    def title(self, uid: str) -> str:
        """What the node calls itself, or did before it was reset; empty if it does not."""
        return self._titles.get(uid, "")

    def label(self, uid: str, name: str) -> str:
        """`name` where it is one node's alone, or else with `uid`; `uid` where it is empty."""
        if self._namesakes[name] > 1:
            return f"{name} ({uid})"
        return name or uid

    def find(self, text: str) -> str:
        """The uid of the one node that `text` means.

        That is its uid, what people call it, what it calls itself, or the beginning of its uid.
        Raises UnknownNode if there is none, and InvalidValue if there are several.
        """
        if text in self.nodes:
            return text
        named = [uid for uid in self.nodes if self.name(uid) == text]
        named = named or [uid for uid in self.nodes if self.title(uid) == text]
        found = named or [uid for uid in self.nodes if uid.startswith(text)]
        if not found or not text:
            raise UnknownNode(f"There is no node '{text}'.")
        if len(found) > 1:
            shown = ", ".join(sorted(found)[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            what = "the name" if named else "the beginning of the uid"
            raise InvalidValue(f"'{text}' is {what} of several nodes: {shown}{more}.")
        return found[0]

    def _update(self, message: Update, now: float) -> Change:
        node = self.nodes.setdefault(message.uid, Twin(message.uid, now))
        time = now if message.time is UNSET else message.time
        node.seen = max(node.seen, time)
        return self._updated(node, Reading(message.endpoint, message.data, time))

    def _known(self, message: AvailabilityChanged | Reset | Out, now: float) -> Change:
        node = self.nodes[message.uid]
        if isinstance(message, Reset):
            node.reset()
            return self._change(Event.RESET, node, now)
        if isinstance(message, Out):
            del self.nodes[node.uid]
            return self._gone(node, now)
        node.availability, node.seen = message.availability, message.seen
        return self._change(Event.AVAILABILITY, node, now)

    def _new(self, message: New, now: float) -> list[Change]:
        known = self.nodes.get(message.uid)
        node = known or Twin(message.uid, now)
        self.nodes[message.uid] = node
        if message.availability is not UNSET:
            node.availability = message.availability
        if message.seen is not UNSET:
            node.seen = message.seen
        return [] if known is not None else [self._change(Event.NEW, node, now)]

    def _snapshot(self, message: Snapshot, now: float) -> list[Change]:
        if message.part == 0:
            self._former, self.nodes, self.complete = self.nodes, {}, False
        changes: list[Change] = []
        for state in message.nodes:
            changes += self._state(state, now)
        if message.last:
            self.complete = True
            gone = self._former.keys() - self.nodes.keys()
            changes += [self._gone(self._former[uid], now) for uid in sorted(gone)]
            self._former = {}
        return changes

    def _state(self, state: NodeState, now: float) -> list[Change]:
        former = self._former.get(state.uid)
        node = self.nodes[state.uid] = Twin(state.uid, state.seen)
        node.availability = state.availability
        self._call(self._given, state.uid, state.name or "")
        changes = []
        if former is None:
            changes.append(self._change(Event.NEW, node, now))
        elif former.availability is not node.availability:
            changes.append(self._change(Event.AVAILABILITY, node, now))
        for endpoint, (value, time) in state.resources.items():
            reading = Reading(endpoint, value, time)
            node.seen = max(node.seen, time)
            if former is not None and former.readings.get(endpoint) == reading:
                node.put(reading)
            else:
                changes.append(self._updated(node, reading))
        return changes

    def _updated(self, node: Twin, reading: Reading) -> Change:
        node.put(reading)
        if reading.endpoint == "name":
            title = reading.value if isinstance(reading.value, str) else ""
            self._call(self._titles, node.uid, title)
        name = self.name(node.uid)
        return Change(Event.UPDATE, node.uid, reading.time, name, reading=reading)

    def _change(self, event: Event, node: Twin, now: float) -> Change:
        availability = None if event is Event.RESET else node.availability
        return Change(event, node.uid, now, self.name(node.uid), availability=availability)

    def _gone(self, node: Twin, now: float) -> Change:
        name = self.name(node.uid)
        for names in (self._titles, self._given):
            self._call(names, node.uid, "")
        return Change(Event.OUT, node.uid, now, name)

    def _call(self, names: dict[str, str], uid: str, name: str) -> None:
        former = self.name(uid)
        if name:
            names[uid] = name
        else:
            names.pop(uid, None)
        if former:
            self._namesakes[former] -= 1
            if not self._namesakes[former]:
                del self._namesakes[former]
        if now := self.name(uid):
            self._namesakes[now] += 1
