# SPDX-License-Identifier: BSD-3-Clause
"""What a gateway decides: which nodes there are, what is told of them, what is asked of them.

No I/O, no clock, no tasks: every method takes what happened and when, and gives the effects that
the shell is to carry out, in order. The same for all protocols.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Final

from pyaiot.errors import CommandFailed, InvalidInput, InvalidValue, LimitExceeded
from pyaiot.gateway.adapter import Address, Naming, Refusal, Sighting, Written
from pyaiot.gateway.agenda import Agenda
from pyaiot.gateway.announcer import Announcer
from pyaiot.gateway.commands import PATIENCE, Command, result
from pyaiot.gateway.complaints import Complaints
from pyaiot.gateway.doorway import Doorway
from pyaiot.gateway.effects import (
    Begin,
    Discover,
    Disown,
    Effect,
    Expel,
    Level,
    Note,
    Resend,
)
from pyaiot.gateway.registrar import REPLACED, Admission, Registrar
from pyaiot.gateway.roster import Node, Roster
from pyaiot.messages.codec import check_value
from pyaiot.messages.types import (
    ClientJoined,
    Devices,
    Feature,
    ForGateway,
    Message,
    Relayed,
    Status,
)
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability, Reading, checked_endpoint
from pyaiot.model.value import Value

PROTOCOL: Final = "protocol"
"""The resource that names a node's protocol."""

BOOT_PAIR: Final = 2.0
"""Seconds in which further signs of a reboot are the same reboot.

RIOT sends its reset and its first alive 0.06 ms apart, and waits 3 s when it boots (WIRE.md
section 9).
"""

LISTS: Final = 10.0
"""Seconds that a broker may take to say which nodes need a token; until then it is told nothing."""

_NEVER: Final = float("inf")

_LATEST: Final = 1e11
"""No reading is from later than this (`messages.types.Seconds`)."""


class GatewayCore:
    """All decisions of one gateway."""

    def __init__(
        self,
        name: str,
        protocol: str,
        liveness: Liveness | None = None,
        max_nodes: int = 10_000,
        registrar: Registrar | None = None,
    ) -> None:
        """`name` and `protocol` are part of the uid of nodes whose names are `Naming.LOCAL`.

        `registrar` says who may be a node here; without one everybody may.
        """
        self._protocol = protocol
        self._roster = Roster(liveness or Liveness(), max_nodes)
        self._registrar = registrar or Registrar()
        self.announcer = Announcer(self._roster)
        self._doorway = Doorway(name, protocol, self._registrar, self.announcer)
        self._granted: frozenset[Feature] = frozenset()
        """What the broker understands that is told nothing yet."""
        self._begin_at = _NEVER
        self._serials = count(1)
        self._agenda = Agenda()
        self._complaints = Complaints()
        self._effects: list[Effect] = []
        self.dropped: Counter[str] = Counter()
        """What could not be used, by reason: ``stranger``, ``invalid``, ``full``, ``refused``."""

    def objection(self, sighting: Sighting) -> Refusal | None:
        """Why the node of `sighting` would be refused; None if it would not, or has no name."""
        return self._doorway.objection(sighting)

    def seen(self, address: Address, sighting: Sighting, now: Moment) -> list[Effect]:
        """A node showed that it is at `address`. Where it may not be, a `Refuse` comes last."""
        node, fresh = self._sighted(address, sighting, now)
        if node is not None:
            self._settle(node, address)
            node.sleepy = sighting.sleepy
            node.naming = Naming.UNIQUE if sighting.token else sighting.naming
            self._heard(node, now)
            facts = {**sighting.facts, PROTOCOL: self._protocol}
            if sighting.rebooted and not fresh and now.steady - node.booted > BOOT_PAIR:
                facts = self._rebooted(node, now) | facts
            for endpoint, value in facts.items():
                known = node.twin.readings.get(endpoint)
                if known is None or known.value != value:
                    self._take_reading(node, endpoint, value, None, now)
            self._discover_if_due(node, now)
        return self._take_effects()

    def report(
        self, address: Address, endpoint: str, value: Value, time: float | None, now: Moment
    ) -> list[Effect]:
        """The node at `address` says that `endpoint` is `value`, measured at `time` or now."""
        node = self._roster.at(address)
        if node is None:
            self._drop("stranger", address, f"Reports from {address}, where no node is known.", now)
            return self._take_effects()
        self._heard(node, now)
        if self._take_reading(node, endpoint, value, time, now):
            self._effects += node.commands.reported(endpoint.removeprefix("/"), value)
        self._discover_if_due(node, now)
        return self._take_effects()

    def lost(self, address: Address, now: Moment) -> list[Effect]:
        """The connection of the node at `address` has ended."""
        node = self._roster.at(address)
        if node is None:
            return []
        self._roster.unsettle(node)
        if node.naming is Naming.PASSING:
            self._remove(node)
        else:
            self._become(node, Availability.OFFLINE)
            self._start(node, now)
        return self._take_effects()

    def discovered(
        self, uid: str, serial: int, failure: CommandFailed | None, now: Moment
    ) -> list[Effect]:
        """The discovery `serial` of node `uid` has ended."""
        node = self._roster.get(uid)
        if node is None or not node.discovery.is_under_way(serial):
            return []
        address = self._roster.address_of(node)
        if node.discovery.ended(address, failed=failure is not None, now=now.steady):
            # The first failure is news.
            level = Level.DEBUG if node.discovery.failed_before else Level.WARNING
            self._note(level, f"Node {uid} cannot be discovered yet: {failure}")
        self._discover_if_due(node, now)
        return self._take_effects()

    def written(
        self, uid: str, serial: int, outcome: Written | CommandFailed, now: Moment
    ) -> list[Effect]:
        """The write `serial` to node `uid` has ended."""
        node = self._roster.get(uid)
        command = None if node is None else node.commands.written(serial)
        if node is None or command is None:
            return []
        if isinstance(outcome, Written) and outcome.confirmed:
            value = outcome.value
            if value is None and not command.reported:
                value = command.payload
            if value is not None:
                self._take_reading(node, command.endpoint, value, None, now)
        self._effects += node.commands.conclude(command, outcome)
        self._start(node, now)
        return self._take_effects()

    def joined(self, granted: frozenset[Feature], now: Moment) -> list[Effect]:
        """The broker is there and understands `granted`.

        It is told nothing before it has said which nodes need a token, if it ever will: who came
        as one of these without a token is found out only then.
        """
        self._registrar.joined()
        self._granted, self._begin_at = granted, now.steady
        if Feature.DEVICES in granted and not self._registrar.settled:
            self._begin_at += LISTS
        else:
            self._begin(now)
        return self._take_effects()

    def _begin(self, now: Moment) -> None:
        self._begin_at = _NEVER
        self.announcer.joined(self._granted, now)
        self._effects.append(Begin(Feature.STORED in self._granted))

    def left(self, undelivered: Iterable[Message]) -> None:
        """The broker is gone; of what was sent, `undelivered` may not have arrived."""
        self._begin_at = _NEVER
        self.announcer.left(undelivered)

    def received(self, message: ForGateway, now: Moment) -> list[Effect]:
        """The broker says `message`."""
        if isinstance(message, ClientJoined):
            # Only a broker of the original passes this on; ours know the state of all nodes.
            return [Resend(message.src)]
        if isinstance(message, Devices):
            self._admissions_changed(message, now)
            if self._begin_at < _NEVER and self._registrar.settled:
                self._begin(now)
            return self._take_effects()
        if not isinstance(message, Relayed):
            return []
        target = message.data
        deadline = now.steady + (message.timeout or PATIENCE)
        command = Command(
            next(self._serials), target.endpoint, target.text, deadline, message.id or None
        )
        node = self._roster.get(target.uid)
        if node is None:
            return list(result(command, Status.UNKNOWN_NODE, "Its gateway has no such node."))
        try:
            command.endpoint = checked_endpoint(target.endpoint)
        except InvalidValue as exc:
            return list(result(command, Status.FAILED, exc.reason))
        if node.sleepy:
            self._effects += node.commands.hold(command)
        else:
            self._effects += node.commands.add(command)
        self._start(node, now)
        return self._take_effects()

    @property
    def due(self) -> float:
        """When `tick` is to be called next, on the steady clock; infinity if never."""
        return min(self._roster.due, self.announcer.due, self._agenda.due, self._begin_at)

    def tick(self, now: Moment) -> list[Effect]:
        """Time has passed."""
        if now.steady >= self._begin_at:
            self._note(Level.WARNING, "The broker does not say which nodes need a token.")
            self._begin(now)
        for node, availability in self._roster.overdue(now.steady):
            self._become(node, availability)
        for uid in self._agenda.take(now.steady):
            self._expire(uid, now)
        self._effects += self.announcer.keep_alive(now)
        return self._take_effects()

    def _sighted(
        self, address: Address, sighting: Sighting, now: Moment
    ) -> tuple[Node | None, bool]:
        """The node of `sighting`, and whether it is new; None where it cannot be taken."""
        try:
            admission = self._doorway.judge(sighting)
        except InvalidValue as exc:
            self._drop("invalid", address, f"The node at {address} has no usable name. {exc}", now)
            return None, False
        if isinstance(admission, Refusal):
            self.dropped["refused"] += 1
            self._effects += self._doorway.refused(address, sighting, admission, now)
            return None, False
        uid = admission.uid
        node = self._roster.get(uid)
        if node is not None:
            node.token_id = admission.token_id
            return node, False
        if self._roster.full:
            oldest = self._roster.longest_offline()
            if oldest is None:
                self._drop(
                    "full",
                    "",
                    f"There is no room for more than {self._roster.max_nodes} nodes.",
                    now,
                )
                return None, False
            self._remove(oldest)
        node = self._roster.add(uid, sighting.naming, now)
        node.token_id = admission.token_id
        self._effects += self.announcer.came(node)
        return node, True

    def _settle(self, node: Node, address: Address) -> None:
        before = self._roster.address_of(node)
        displaced = self._roster.settle(node, address)
        if displaced is not None:
            self._note(Level.INFO, f"{address} is node {node.uid} now, no longer {displaced}.")
        if node.token_id is not None and before not in {None, address}:
            # Of two that come with a token of the same node the newer is the node.
            self._effects.append(Expel(Address(str(before)), REPLACED))

    def _admissions_changed(self, message: Devices, now: Moment) -> None:
        first = not self._registrar.ready
        try:
            changed = self._registrar.take(message)
        except LimitExceeded as exc:
            self._note(Level.WARNING, f"The list of devices cannot be used. {exc}")
            return
        first = first and self._registrar.ready
        for uid in changed:
            node = self._roster.get(uid)
            if node is not None:
                refusal = self._registrar.standing(Admission(uid, node.token_id))
                forgotten = not self._registrar.knows(uid)
                if refusal is not None and (first or forgotten):
                    self._disown(node, refusal)
                elif refusal is not None:
                    self._expel(node, refusal)
                elif forgotten:
                    self._begin_anew(node, now)
        if first and self._registrar.bound:
            self._effects.append(Disown(self._registrar.bound))

    def _disown(self, node: Node, refusal: Refusal) -> None:
        """`node` is not known here: it was forgotten, or somebody else said that it was here."""
        address = self._roster.address_of(node)
        self._effects += node.commands.fail(refusal.reason)
        self._roster.remove(node)
        if self.announcer.hears_of_devices:
            self._effects += self.announcer.went(node)
        if address is not None:
            self._send_away(node, address, refusal)

    def _begin_anew(self, node: Node, now: Moment) -> None:
        """`node` was forgotten, but anybody may be it: what it said before is told to nobody."""
        if node.offline:
            self._remove(node)
            return
        self._effects += self.announcer.came(node)
        for endpoint, value in self._rebooted(node, now).items():
            self._take_reading(node, endpoint, value, None, now)
        self._discover_if_due(node, now)

    def _expel(self, node: Node, refusal: Refusal) -> None:
        """`node` may not be here any more; what its connection says from now on is nobody's."""
        address = self._roster.address_of(node)
        if address is None:
            return
        self._roster.unsettle(node)
        if node.naming is Naming.PASSING:
            self._remove(node)
        else:
            self._effects += node.commands.fail(refusal.reason)
            self._become(node, Availability.OFFLINE)
        self._send_away(node, address, refusal)

    def _send_away(self, node: Node, address: Address, refusal: Refusal) -> None:
        self._note(Level.INFO, f"Node {node.uid} has to leave {address}. {refusal}")
        self._effects.append(Expel(address, refusal))

    def _heard(self, node: Node, now: Moment) -> None:
        self._roster.heard(node, now)
        if node.offline:
            node.discovery.away(now.steady)
        self._become(node, Availability.ONLINE)
        if node.sleepy:
            node.commands.wake()
            self._start(node, now)

    def _become(self, node: Node, availability: Availability) -> None:
        before = node.twin.availability
        if before is not availability:
            self._roster.shelve(node, availability)
            self._effects += self.announcer.changed(node, before)

    def _remove(self, node: Node) -> None:
        self._effects += node.commands.fail("The node is gone.")
        self._roster.remove(node)
        self._effects += self.announcer.went(node)

    def _rebooted(self, node: Node, now: Moment) -> dict[str, Value]:
        """Forget what `node` said; gives what of it is to be told again (its identity)."""
        node.booted = now.steady
        node.discovery.rebooted(now.steady)
        self._effects += self.announcer.rebooted(node)
        node.twin.reset()
        identity = {reading.endpoint: reading.value for reading in node.twin}
        node.twin.readings.clear()
        return identity

    def _take_reading(
        self, node: Node, endpoint: str, value: Value, time: float | None, now: Moment
    ) -> bool:
        try:
            endpoint = checked_endpoint(endpoint)
            check_value(value)
        except InvalidInput as exc:
            self._drop(
                "invalid", node.uid, f"Node {node.uid} reports what cannot be used. {exc}", now
            )
            return False
        if time is None or not 0 <= time <= _LATEST:
            time = None
        reading = Reading(
            endpoint, value, min(max(now.wall, 0.0), _LATEST) if time is None else time
        )
        known = node.twin.readings.get(endpoint)
        # A reading that the node sends late is history; it does not change the present.
        overtaken = time is not None and known is not None and known.time > reading.time
        if not overtaken and not node.twin.put(reading):
            self._drop("invalid", node.uid, f"Node {node.uid} has too many resources.", now)
            return False
        self._effects.append(self.announcer.reading(node, reading))
        return True

    def _discover_if_due(self, node: Node, now: Moment) -> None:
        address = self._roster.address_of(node)
        if address is not None and node.discovery.is_due(now.steady):
            wanted = Discover(node.uid, next(self._serials), address)
            self._effects.append(node.discovery.begin(wanted))

    def _start(self, node: Node, now: Moment) -> None:
        self._effects += node.commands.start(self._roster.address_of(node), now.steady)
        self._agenda.put(node.uid, node.commands.due)

    def _expire(self, uid: str, now: Moment) -> None:
        node = self._roster.get(uid)
        if node is not None:
            self._effects += node.commands.expire(now.steady)
            self._agenda.put(uid, node.commands.due)

    def _drop(self, reason: str, whom: str, text: str, now: Moment) -> None:
        """Count what cannot be used, and say so once for each reason and node."""
        self.dropped[reason] += 1
        if self._complaints.due((reason, whom), now.steady):
            self._note(Level.WARNING, text)

    def _note(self, level: Level, text: str) -> None:
        self._effects.append(Note(level, text))

    def _take_effects(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects
