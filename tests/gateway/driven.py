# SPDX-License-Identifier: BSD-3-Clause
"""A gateway core with a clock of its own, driven by calls; what it wants done is kept."""

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from pyaiot.errors import CommandFailed
from pyaiot.gateway.adapter import Address, Naming, Sighting, Written
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.effects import Discover, Effect, Note, Send, Write
from pyaiot.messages.types import Feature, Message, Relayed, Result, Target
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from pyaiot.model.value import Value

T = TypeVar("T", bound=Effect)

ALL = frozenset({Feature.SIGNED, Feature.BATCH, Feature.AVAILABILITY, Feature.RESULT})
LEGACY: frozenset[Feature] = frozenset()

EPOCH = 1.8e9


class Driven:
    """The methods are those of the core, with the time filled in; `effects` are of the last."""

    def __init__(
        self,
        granted: frozenset[Feature] | None = ALL,
        *,
        max_time: float = 120.0,
        max_nodes: int = 100,
    ) -> None:
        self.core = GatewayCore("attic", "Memory", Liveness(max_time), max_nodes)
        self.steady = 1000.0
        self.effects: list[Effect] = []
        self.all: list[Effect] = []
        if granted is not None:
            self.core.joined(granted, self.now)

    @property
    def now(self) -> Moment:
        return Moment(EPOCH + self.steady, self.steady)

    def wait(self, seconds: float) -> Self:
        """Let time pass, and tick whenever the core asks for it."""
        end = self.steady + seconds
        effects: list[Effect] = []
        while self.core.due <= end:
            self.steady = max(self.steady, self.core.due)
            effects += self.core.tick(self.now)
        self.steady = end
        return self._did(effects)

    def seen(
        self,
        name: str = "1234",
        address: str | None = None,
        *,
        naming: Naming = Naming.UNIQUE,
        rebooted: bool = False,
        sleepy: bool = False,
        facts: dict[str, Value] | None = None,
    ) -> Self:
        at = Address(f"at-{name}" if address is None else address)
        sighting = Sighting(name, naming, rebooted, sleepy, facts or {})
        return self._did(self.core.seen(at, sighting, self.now))

    def report(
        self,
        endpoint: str,
        value: Value,
        address: str = "at-1234",
        time: float | None = None,
    ) -> Self:
        return self._did(self.core.report(Address(address), endpoint, value, time, self.now))

    def lost(self, address: str = "at-1234") -> Self:
        return self._did(self.core.lost(Address(address), self.now))

    def discovered(self, failure: str | None = None, wanted: Discover | None = None) -> Self:
        """The last discovery that was asked for, or `wanted`, ends."""
        wanted = wanted or self.last(Discover)
        exc = None if failure is None else CommandFailed(failure)
        return self._did(self.core.discovered(wanted.uid, wanted.serial, exc, self.now))

    def known(self, name: str = "1234", **more: Any) -> Self:
        """A node that has been seen and discovered."""
        return self.seen(name, **more).discovered()

    def command(
        self,
        ident: str | None = "c1",
        endpoint: str = "led",
        payload: str | float | bool = "1",
        uid: str = "1234",
        timeout: float | None = None,
    ) -> Self:
        members: dict[str, Any] = {} if ident is None else {"id": ident}
        if timeout is not None:
            members["timeout"] = timeout
        message = Relayed(Target(uid, endpoint, payload), "client", **members)
        return self._did(self.core.received(message, self.now))

    def written(
        self, outcome: Written | CommandFailed | None = None, wanted: Write | None = None
    ) -> Self:
        """The last write that was asked for, or `wanted`, ends; confirmed if not said otherwise."""
        wanted = wanted or self.last(Write)
        outcome = Written(confirmed=True) if outcome is None else outcome
        return self._did(self.core.written(wanted.uid, wanted.serial, outcome, self.now))

    def last(self, kind: type[T]) -> T:
        return next(each for each in reversed(self.all) if isinstance(each, kind))

    def of(self, kind: type[T]) -> list[T]:
        return [each for each in self.effects if isinstance(each, kind)]

    @property
    def sent(self) -> list[Message]:
        return [each.message for each in self.of(Send)]

    @property
    def wire(self) -> list[str]:
        """What was sent, in short: type, uid, resource and value."""
        return [short(message) for message in self.sent]

    @property
    def results(self) -> list[tuple[str, str]]:
        return [(each.id, each.status.value) for each in self.sent if isinstance(each, Result)]

    @property
    def reasons(self) -> list[str]:
        return [each.reason for each in self.sent if isinstance(each, Result)]

    @property
    def notes(self) -> list[str]:
        return [note.text for note in self.of(Note)]

    def _did(self, effects: Iterable[Effect]) -> Self:
        self.effects = list(effects)
        self.all += self.effects
        return self


def short(message: Any) -> str:
    kind = message.__struct_config__.tag
    parts = [kind]
    for member in ("uid", "endpoint", "data", "availability", "id", "status", "dst"):
        value = getattr(message, member, None)
        if value is not None and (member, value) != ("dst", "all"):
            parts.append(str(getattr(value, "value", value)))
    return " ".join(part for part in parts if part != "UNSET")
