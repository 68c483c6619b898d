# SPDX-License-Identifier: BSD-3-Clause
"""What follows from what happened: samples to store, and what is known of nodes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET, Struct

from pyaiot.messages.types import AvailabilityChanged, New, Out, Recorded, Reset, Update
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.samples import Sample, microseconds, samples_of
from pyaiot.model.sighting import Sighting

HEARD: Final = 10.0
"""Seconds for which it may stay unwritten that a known node was heard again."""

_MAX_KNOWN: Final = 100_000
_TITLES: Final = frozenset({"name", "protocol"})
"""Resources that say what a node is."""


class Readings(Struct, frozen=True):
    """Nodes reported values."""

    samples: list[Sample]


class Presence(Struct, frozen=True):
    """A node is there, late or offline; None: it is gone for good."""

    uid: str
    availability: Availability | None


class Called(Struct, frozen=True):
    """A node says what it calls itself."""

    uid: str
    title: str


class Restart(Struct, frozen=True):
    """A node rebooted: what it said before no longer holds."""

    uid: str


Fact = Readings | Presence | Restart | Called


@dataclass(slots=True)
class Facts:
    """What some messages say."""

    told: list[Fact] = field(default_factory=list)
    """In order."""
    samples: list[Sample] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    """What is to be written of nodes at once."""


class Reader:
    """Reads messages, and remembers what it need not say again."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}
        self._heard: dict[str, int] = {}
        self._known: set[str] = set()
        self._flushed = 0.0

    def read(self, messages: Iterable[Recorded], now: Moment) -> Facts:
        """What follows from `messages`."""
        facts = Facts()
        gathering: list[Sample] | None = None
        for message in messages:
            if type(message) is Update:
                if gathering is None:
                    gathering = []
                    facts.told.append(Readings(gathering))
                time = message.time
                if time is UNSET:
                    time = now.wall
                samples = samples_of(message.uid, message.endpoint, message.data, time)
                gathering += samples
                at = samples[0].time_us if samples else microseconds(time)
                if message.uid not in self._known or message.endpoint in _TITLES:
                    self._reported(message, at, facts)
                elif self._heard.get(message.uid, 0) < at:
                    self._heard[message.uid] = at
            else:
                gathering = None
                self._happened(message, now, facts)
        for fact in facts.told:
            if type(fact) is Readings:
                facts.samples += fact.samples
        return facts

    def heard(self, now: Moment) -> list[Sighting]:
        """Who was heard lately, if it is time to write that down."""
        if not self._heard or now.steady - self._flushed < HEARD:
            return []
        self._flushed = now.steady
        heard = [Sighting(uid, time) for uid, time in self._heard.items()]
        self._heard.clear()
        return heard

    def heard_due(self, now: Moment) -> float | None:
        """Seconds until `heard` has something to say, as far as is known."""
        return max(0.0, self._flushed + HEARD - now.steady) if self._heard else None

    def _reported(self, update: Update, time: int, facts: Facts) -> None:
        uid = update.uid
        if uid not in self._known:
            self._remember(uid)
            facts.sightings.append(Sighting(uid, time))
        else:
            self._heard[uid] = max(self._heard.get(uid, 0), time)
        if update.endpoint in _TITLES and isinstance(update.data, str):
            key, word = (uid, update.endpoint), _plain(update.data)
            if self._said.get(key) != word:
                self._said[key] = word
                if update.endpoint == "name":
                    # Before the readings with which it came: what is said of these names it.
                    facts.told.insert(-1, Called(uid, word))
                facts.sightings.append(
                    Sighting(uid, time, title=word)
                    if update.endpoint == "name"
                    else Sighting(uid, time, protocol=word)
                )

    def _happened(self, message: Recorded, now: Moment, facts: Facts) -> None:
        match message:
            case New():
                state = message.availability or Availability.ONLINE
                seen = now.wall if message.seen is UNSET else message.seen
                self._remember(message.uid)
                for word in _TITLES:
                    # It may have been forgotten meanwhile, with what it had said.
                    self._said.pop((message.uid, word), None)
                facts.sightings.append(Sighting(message.uid, microseconds(seen), state))
                facts.told.append(Presence(message.uid, state))
            case AvailabilityChanged():
                facts.sightings += _changes(message, now)
                facts.told.append(Presence(message.uid, message.availability))
            case Out():
                time = microseconds(now.wall)
                gone = Sighting(message.uid, time, Availability.OFFLINE, heard=False)
                facts.sightings.append(gone)
                facts.told.append(Presence(message.uid, None))
            case Reset():
                facts.told.append(Restart(message.uid))
            case Update():
                pass

    def _remember(self, uid: str) -> None:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
            self._said.clear()
        self._known.add(uid)


def _changes(message: AvailabilityChanged, now: Moment) -> Iterator[Sighting]:
    seen = microseconds(message.seen)
    if message.availability is Availability.ONLINE:
        yield Sighting(message.uid, seen, message.availability)
        return
    yield Sighting(message.uid, seen)
    # When it fell silent nobody knows; this is when it was noticed.
    time = max(seen, microseconds(now.wall))
    yield Sighting(message.uid, time, message.availability, heard=False)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:128]).strip()
