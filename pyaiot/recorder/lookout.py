# SPDX-License-Identifier: BSD-3-Clause
"""Watches over what happens by the rules in the store, and tells whoever is to know.

What is wrong is decided by the engine (`pyaiot.recorder.rules`). Here it is told what happens, and
what comes of that goes to the broker at once, to channels as fast as they take it, and to the
store as soon as that is there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from pyaiot.errors import InvalidValue, StoreFailed
from pyaiot.messages.types import Alert, AlertState, Finding
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.rule import Rule
from pyaiot.model.samples import microseconds
from pyaiot.recorder.alert import Cleared, Effect, OpenAlert, Raised
from pyaiot.recorder.chronicle import Chronicle
from pyaiot.recorder.courier import Channel
from pyaiot.recorder.facts import Called, Fact, Presence, Readings, Restart
from pyaiot.recorder.notice import Notice
from pyaiot.recorder.notify import Notifier
from pyaiot.recorder.rules import MAX_NODES, Engine
from pyaiot.recorder.sightlines import Sightlines
from pyaiot.recorder.status import Status
from pyaiot.recorder.watch import LONGEST
from pyaiot.store.alerts import AlertRecord, Closed, Opened
from pyaiot.store.forgotten import MAX_FORGOTTEN
from pyaiot.store.rules import RuleRecord
from pyaiot.store.store import Store
from pyaiot.store.versions import Subject

logger = logging.getLogger(__name__)

TICK: Final = 0.25
"""Seconds between two looks for what is wrong without a word."""
RETRY: Final = 1.0
"""Seconds until a store that failed is asked again."""

_NODES: Final = 1000
"""Nodes that are read at once."""
_STORE: Final = "alerts"
_KEEPING: Final = "alerts kept"


class Lookout:
    """To the recorder it is the `Watcher`."""

    def __init__(
        self,
        store: Store,
        sight: Sightlines,
        engine: Engine,
        notifier: Notifier,
        *,
        status: Status,
        clock: Callable[[], Moment],
        local: bool = False,
    ) -> None:
        """`local`: channels may lead to this machine and its network."""
        self._store = store
        self._sight = sight
        self._engine = engine
        self._notifier = notifier
        self._status = status
        self._clock = clock
        self._local = local
        self._chronicle = Chronicle(store.alerts)
        self._say: Callable[[Alert], None] = lambda _: None
        self._begun = False
        self._told: dict[str, Availability] = {}
        self._owners: dict[str, str | None] = {}
        """Of all rules, those too that are not in force."""
        self._channels: dict[str, Channel] = {}
        self._beginnings: dict[str, int] = {}
        """From when on something of nodes counts that were forgotten."""
        self._versions: dict[Subject, int] = {"rules": -1, "access": -1}

    # What the recorder says

    async def run(self, say: Callable[[Alert], None]) -> None:
        """Watch until cancelled."""
        self._say = say
        async with asyncio.TaskGroup() as group:
            group.create_task(self._notifier.run())
            group.create_task(self._chronicle.run())
            await self._retried(self._begin)
            group.create_task(self._follow("rules", self._read_rules))
            group.create_task(self._follow("access", self._read_access))
            await self._tick()

    def told(self, facts: Sequence[Fact], now: Moment) -> None:
        """This happened."""
        engine = self._engine
        for fact in facts:
            match fact:
                case Readings():
                    self._carry(engine.read(fact.samples, now))
                case Called():
                    self._carry(engine.called(fact.uid, fact.title, now))
                case Restart():
                    engine.reset(fact.uid)
                case Presence(availability=None):
                    self._told.pop(fact.uid, None)
                    self._carry(engine.gone(fact.uid, now))
                case Presence(availability=Availability() as availability):
                    if not self._begun and len(self._told) < MAX_NODES:
                        self._told[fact.uid] = availability
                    self._carry(engine.available(fact.uid, availability, now))

    def linked(self, there: bool, now: Moment) -> None:
        """The broker is there, or is not any more."""
        if there:
            self._engine.listening(now)
        else:
            self._engine.deaf()

    # What the store says

    async def _begin(self) -> None:
        """Learn what was known before the start. Raises StoreFailed."""
        store = self._store
        await self._read_access(await store.versions.get("access"))
        version = await store.versions.get("rules")
        records, open_ = await store.alerts.rules(), await store.alerts.open_alerts()
        await self._read_channels()
        nodes = await self._known_nodes()
        latest = await store.history.latest(longest=LONGEST)
        # Whoever was told of meanwhile is as it was told.
        nodes |= self._told
        rules = self._in_force(records)
        now = self._clock()
        self._carry(self._engine.begin(rules, map(_still_open, open_), nodes.items(), latest, now))
        self._versions["rules"] = version
        self._begun = True
        self._told.clear()

    async def _known_nodes(self) -> dict[str, Availability | None]:
        """Those that the store knows; what they call themselves is told to the engine."""
        nodes: dict[str, Availability | None] = {}
        after, now = "", self._clock()
        while len(nodes) < MAX_NODES:
            records = await self._store.nodes.records(_NODES, after)
            nodes |= {each.uid: each.availability for each in records}
            for each in records:
                if each.title:
                    # No rule is in force yet, so nothing comes of that.
                    self._engine.called(each.uid, each.title, now)
            if len(records) < _NODES:
                break
            after = records[-1].uid
        return nodes

    async def _read_rules(self, version: int) -> None:
        records = await self._store.alerts.rules()
        await self._read_channels()
        # Those that were known may have alerts that are closed now.
        known = dict(self._owners)
        rules = self._in_force(records)
        current = self._owners
        self._owners = {**known, **current}
        self._carry(self._engine.rules_are(rules, self._clock()))
        self._owners = current
        self._versions["rules"] = version

    def _in_force(self, records: Iterable[RuleRecord]) -> list[Rule]:
        rules, self._owners = [], {}
        for record in records:
            self._owners[record.id] = record.owner
            if record.enabled:
                try:
                    rules.append(record.as_rule())
                except InvalidValue as exc:
                    logger.warning("Rule '%s' is left out: %s", record.name, exc)
        return rules

    async def _read_channels(self) -> None:
        channels = {
            each.id: Channel(each.id, each.name, each.url, owner=each.owner, local=self._local)
            for each in await self._store.alerts.channels()
        }
        for gone in self._channels.keys() - channels.keys():
            self._notifier.forget(gone)
        self._channels = channels

    async def _read_access(self, version: int) -> None:
        """Read what is another: with thousands of nodes that is far less than all there is."""
        store, known = self._store, self._versions["access"]
        new = None if known < 0 else await store.versions.changed_since(known)
        if len(self._beginnings) > MAX_FORGOTTEN:
            self._beginnings = await store.nodes.forgotten()
        forgotten = await store.nodes.forgotten(None if new is None else new.nodes)
        owners = set(self._owners.values())
        if new is None:
            people, nodes = await store.accounts.people(), await store.nodes.access()
            changed = self._sight.take(people, nodes, owners)
        else:
            people = await store.accounts.people(new.people) if new.people else []
            nodes = await store.nodes.access(new.nodes) if new.nodes else []
            changed = self._sight.update(new.people, people, new.nodes, nodes, owners)
        # What changes while it is read has a newer version still, and is read again.
        self._versions["access"] = version
        now = self._clock()
        for uid, begins in forgotten.items():
            if self._beginnings.get(uid) != begins:
                self._beginnings[uid] = begins
                self._carry(self._engine.forget(uid, now))
        self._carry(self._engine.access_changed(changed, now))

    # What is to be done

    async def _follow(self, subject: Subject, read: Callable[[int], Awaitable[None]]) -> None:
        """Read what is under `subject` anew whenever somebody has changed it."""
        while True:

            async def once() -> None:
                version = await self._store.versions.newer(subject, self._versions[subject])
                await read(version)

            await self._retried(once)

    async def _retried(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask the store until it answers."""
        while True:
            try:
                return await ask()
            except StoreFailed as exc:
                if _STORE not in self._status.trouble:
                    logger.warning("The store cannot be asked for rules, retrying: %s", exc)
                self._status.trouble[_STORE] = f"Rules cannot be read: {exc}"
            await asyncio.sleep(RETRY)
            with contextlib.suppress(StoreFailed):
                # What is asked may have its answer only with the next change.
                await self._store.versions.get("rules")
                self._status.trouble.pop(_STORE, None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._carry(self._engine.tick(self._clock()))
            status, trouble = self._status, self._chronicle.trouble
            status.unsent, status.unkept = self._notifier.failed, self._chronicle.lost
            if trouble:
                status.trouble[_KEEPING] = trouble
            else:
                status.trouble.pop(_KEEPING, None)

    def _carry(self, effects: Iterable[Effect]) -> None:
        """Keep and tell what has come of something."""
        for effect in effects:
            alert, rule = effect.alert, effect.rule
            if microseconds(alert.raised) < self._beginnings.get(alert.node, 0):
                # Of what it said before it was forgotten nobody hears any more.
                continue
            if isinstance(effect, Cleared):
                self._status.cleared += 1
                self._chronicle.keep(Closed(alert.id, microseconds(effect.time)))
                if not effect.quiet:
                    self._tell(alert, AlertState.CLEARED, effect.time, effect.text)
                    if rule is not None:
                        self._notify(rule, Notice.cleared(rule.name, effect))
                continue
            quiet = False
            if isinstance(effect, Raised):
                self._status.raised += 1
                self._chronicle.keep(_opened(alert))
                quiet = effect.quiet
            if rule is not None and not quiet:
                what = UNSET if alert.finding is None else alert.finding
                self._tell(alert, AlertState.RAISED, alert.raised, alert.text, what)
                self._notify(rule, Notice.raised(rule.name, alert))

    def _tell(
        self,
        alert: OpenAlert,
        state: AlertState,
        time: float,
        text: str,
        what: Finding | UnsetType = UNSET,
    ) -> None:
        """Tell the owner of the rule; of one of nobody, whoever sees the node."""
        if alert.rule not in self._owners:
            return
        owner = self._owners[alert.rule]
        to = UNSET if owner is None else (owner,)
        self._say(
            Alert(
                alert.id, alert.rule, alert.node, alert.resource, alert.severity, state, time,
                text, to, what,
            )
        )  # fmt: skip

    def _notify(self, rule: Rule, notice: Notice) -> None:
        for id_ in rule.channels:
            channel = self._channels.get(id_)
            # Nobody sends to what belongs to others.
            if channel is not None and channel.owner == rule.owner:
                self._notifier.send(channel, notice)


def _opened(alert: OpenAlert) -> Opened:
    return Opened(
        alert.id, alert.rule, alert.node, alert.resource, alert.severity,
        _storable(alert.text), _storable(alert.value), microseconds(alert.raised),
        _storable_finding(alert.finding),
    )  # fmt: skip


def _still_open(record: AlertRecord) -> OpenAlert:
    return OpenAlert(
        record.id, record.rule, record.node, record.resource, record.severity,
        record.text, record.value, record.raised / 1e6, record.finding,
    )  # fmt: skip


def _storable_finding(finding: Finding | None) -> Finding | None:
    return None if finding is None else replace(finding, value=_storable(finding.value))


def _storable(text: str) -> str:
    """PostgreSQL has no room for this one character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
