# SPDX-License-Identifier: BSD-3-Clause
"""Rules of a real store over facts that a test makes up, and channels that lead to real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from msgspec import UNSET
from sqlalchemy import insert

from pyaiot.accounts.permissions import HouseRules
from pyaiot.errors import StoreFailed
from pyaiot.messages.types import Alert, AlertState, Finding
from pyaiot.model.access import Role
from pyaiot.model.condition import Condition
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.recorder import lookout as module
from pyaiot.recorder.core import Counts
from pyaiot.recorder.courier import Courier
from pyaiot.recorder.facts import Called, Presence, Readings, Restart
from pyaiot.recorder.lookout import Lookout
from pyaiot.recorder.notify import Notifier, Pace
from pyaiot.recorder.rules import Engine
from pyaiot.recorder.sightlines import Sightlines
from pyaiot.recorder.status import Status
from pyaiot.store.accounts import Account
from pyaiot.store.alerts import Opened
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import RULES
from pyaiot.store.store import Store
from pyaiot.store.versions import access_changed
from tests.contracts.store import Clock
from tests.recorder.receiving import webhook
from tests.waiting import eventually

HOT: dict[str, Any] = {"condition": "above", "high": 30.0, "node": "n1", "resource": "t"}
OFFLINE: dict[str, Any] = {"condition": "offline"}


class Watched:
    """A lookout at work, and what it says."""

    def __init__(self, store: Store, clock: Clock, *, local: bool = True) -> None:
        self.store, self.clock = store, clock
        self.said: list[Alert] = []
        self.status = Status(Counts())
        sight = Sightlines(HouseRules())
        numbers = count(1)
        self.lookout = Lookout(
            store,
            sight,
            Engine(sight, lambda: f"a{next(numbers)}"),
            Notifier(Courier(), asyncio.get_running_loop().time),
            status=self.status,
            clock=self.now,
            local=local,
        )

    def now(self) -> Moment:
        return Moment(self.clock.time, self.clock.time)

    def reads(self, number: float, node: str = "n1") -> None:
        sample = Sample(node, "t", "", round(self.clock.time * 1e6), number, None)
        self.lookout.told([Readings([sample])], self.now())

    def is_(self, availability: Availability | None, node: str = "n1") -> None:
        self.lookout.told([Presence(node, availability)], self.now())

    def states(self) -> list[AlertState]:
        return [each.state for each in self.said]

    async def stored(self, *states: AlertState) -> None:
        async with asyncio.timeout(10):
            while True:
                if [each.state for each in await self.store.alerts.alerts(9)] == list(states):
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(store: Store, clock: Clock, **how: bool) -> AsyncIterator[Watched]:
    watched = Watched(store, clock, **how)
    task = asyncio.create_task(watched.lookout.run(watched.said.append))
    await eventually(lambda: watched.lookout._begun or task.done())
    watched.lookout.linked(there=True, now=watched.now())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


async def account(store: Store, name: str, role: Role = Role.OPERATOR) -> Account:
    return await store.accounts.add(name, "hash", role, TERMINAL)


async def until_read(watched: Watched) -> None:
    """Wait until all changes of the store are known."""
    versions = {name: await watched.store.versions.get(name) for name in ("rules", "access")}
    await eventually(lambda: watched.lookout._versions == versions)


async def test_raised_told_kept_and_cleared(fast_store: Store, clock: Clock) -> None:
    store = fast_store
    ann, bob = await account(store, "Ann"), await account(store, "Bob")
    await store.nodes.change("n1", Edit(owner=ann.id, name="Oven"), TERMINAL)
    async with webhook() as hook, webhook() as foreign, watching(store, clock) as watched:
        url = "json://127.0.0.1:{}"
        mine = await store.alerts.add_channel(ann.id, "Hook", url.format(hook.port), ann.actor)
        his = await store.alerts.add_channel(bob.id, "His", url.format(foreign.port), bob.actor)
        hot = await store.alerts.add_rule(
            ann.id, "Hot", {**HOT, "channels": [mine.id, his.id, "gone"]}, ann.actor
        )
        # He may have rules on what he sees; this is nothing to him.
        await store.alerts.add_rule(bob.id, "Hot", {**HOT, "channels": [his.id]}, bob.actor)
        await until_read(watched)
        watched.reads(31)
        (told,) = watched.said
        assert (told.to, told.uid, told.endpoint, told.rule) == ((ann.id,), "n1", "t", hot.id)
        assert told.text == "t of Oven is 31, above 30"
        assert told.finding == Finding(Condition.ABOVE, "31", high=30.0)
        await eventually(lambda: len(hook.heard) == 1)
        assert hook.heard[0]["title"] == "Warning: Hot"
        await watched.stored(AlertState.RAISED)

        clock.pass_(5)
        watched.reads(32)
        watched.reads(29)
        assert watched.states() == [AlertState.RAISED, AlertState.CLEARED]
        assert watched.said[1].to == (ann.id,)
        await eventually(lambda: len(hook.heard) == 2)
        assert hook.heard[1]["title"] == "Cleared: Hot"
        await watched.stored(AlertState.CLEARED)
        assert foreign.asked == 0

        # Who may see it from now on is told from now on.
        watched.reads(33)
        await store.nodes.change("n1", Edit(owner=bob.id), TERMINAL)
        await until_read(watched)
        assert [each.to for each in watched.said[2:]] == [(ann.id,), (bob.id,)]
        # Muted: kept, and told to nobody until the time is over.
        watched.reads(20)
        watched.said.clear()
        (rule,) = await store.alerts.rules(owners={bob.id})
        await store.alerts.mute(rule.id, round((clock.time + 60) * 1e6), bob.actor)
        await until_read(watched)
        watched.reads(34)
        assert watched.said == []
        clock.pass_(61)
        await eventually(lambda: watched.states() == [AlertState.RAISED])
        # A rule that is off, or gone: its alerts are over.
        await store.alerts.change_rule(rule.id, "Hot", HOT, bob.actor, enabled=False)
        await eventually(lambda: watched.states()[1:] == [AlertState.CLEARED])
        await store.alerts.change_rule(rule.id, "Hot", HOT, bob.actor, enabled=True)
        await eventually(lambda: watched.states()[2:] == [AlertState.RAISED])
        await store.alerts.remove_rule(rule.id, bob.actor)
        await eventually(lambda: watched.states()[3:] == [AlertState.CLEARED])
        assert {each.to for each in watched.said} == {(bob.id,)}
        assert (watched.status.raised, watched.status.unkept) == (5, 0)


async def test_reads_what_is_another_and_no_more(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fast_store
    ann, bob = await account(store, "Ann"), await account(store, "Bob")
    await store.nodes.change("n1", Edit(owner=ann.id, name="Oven"), TERMINAL)
    await store.alerts.add_rule(bob.id, "Hot", HOT, bob.actor)
    read: list[tuple[str, object]] = []
    people, access = store.accounts.people, store.nodes.access

    async def counted_people(ids: Any = None) -> Any:
        read.append(("people", ids))
        return await people(ids)

    async def counted_access(uids: Any = None) -> Any:
        read.append(("access", uids))
        return await access(uids)

    monkeypatch.setattr(store.accounts, "people", counted_people)
    monkeypatch.setattr(store.nodes, "access", counted_access)
    async with watching(store, clock) as watched:
        await until_read(watched)
        assert read == [("people", None), ("access", None)]
        read.clear()
        watched.reads(31)
        assert watched.said == []
        # Of nobody's node everybody sees everything.
        await store.nodes.change("n1", Edit(owner=None), TERMINAL)
        await eventually(lambda: watched.states() == [AlertState.RAISED])
        await until_read(watched)
        assert read == [("access", {"n1"})]
        read.clear()
        await store.accounts.remove(bob.id, ann.actor)
        await eventually(lambda: watched.lookout._sight._viewers.keys() == {ann.id})
        await until_read(watched)
        assert ("people", {bob.id}) in read
        # More than is known one by one: all is read.
        monkeypatch.setattr("pyaiot.store.versions.TOLD", 1)
        read.clear()
        async with store._engine.writing() as connection:
            await access_changed(store._engine, connection, nodes=["n1", "n2"])
        await until_read(watched)
        assert read == [("people", None), ("access", None)]


async def test_nobody_hears_of_what_a_node_said_before_it_was_forgotten(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FORGOTTEN", 0)
    store = fast_store
    await store.alerts.add_rule(None, "Hot", {**HOT, "node": "*"}, TERMINAL)
    for uid in ("n1", "n2", "n3"):
        await store.nodes.change(uid, Edit(name=uid), TERMINAL)
    await store.nodes.remove("n3", TERMINAL)
    async with watching(store, clock) as watched:
        await until_read(watched)
        watched.reads(31, "n3")
        assert watched.said == []
        watched.reads(31)
        await watched.stored(AlertState.RAISED)
        await store.nodes.remove("n1", TERMINAL)
        await store.nodes.remove("n2", TERMINAL)
        await until_read(watched)
        await watched.stored()
        # What waited for the recorder, and was measured before.
        watched.reads(20)
        watched.reads(31)
        watched.reads(31, "n2")
        clock.pass_(5)
        watched.reads(20, "n2")
        assert watched.states() == [AlertState.RAISED]
        watched.reads(31, "n2")
        assert [each.uid for each in watched.said] == ["n1", "n2"]
        await watched.stored(AlertState.RAISED)


async def test_nothing_local_unless_allowed(fast_store: Store, clock: Clock) -> None:
    ann = await account(fast_store, "Ann")
    async with webhook() as hook, watching(fast_store, clock, local=False) as watched:
        url = f"json://127.0.0.1:{hook.port}"
        channel = await fast_store.alerts.add_channel(ann.id, "Hook", url, ann.actor)
        rule = {**HOT, "channels": [channel.id]}
        await fast_store.alerts.add_rule(ann.id, "Hot", rule, ann.actor)
        await until_read(watched)
        notifier = watched.lookout._notifier
        notifier._pace = Pace(pauses=())
        watched.reads(31)
        await eventually(lambda: watched.status.unsent == 1)
        assert hook.asked == 0
        # Nobody sends to a channel that is gone.
        await fast_store.alerts.remove_channel(channel.id, ann.actor)
        await eventually(lambda: channel.id not in notifier._boxes)


async def test_silence_offline_and_rules_of_nobody(fast_store: Store, clock: Clock) -> None:
    store = fast_store
    async with store._engine.writing() as connection:
        await connection.execute(
            insert(RULES),
            [
                {"id": "r1", "name": "Off", "rule": OFFLINE, "created": 1, "changed": 1},
                # What no rule can be is left out.
                {"id": "r2", "name": "Bad", "rule": {}, "created": 1, "changed": 1},
            ],
        )
    await store.nodes.note([Sighting("n2", 1, title="Desk")])
    async with watching(store, clock) as watched:
        watched.is_(Availability.ONLINE)
        watched.reads(1)
        watched.lookout.told([Restart("n1")], watched.now())
        watched.is_(Availability.OFFLINE)
        watched.lookout.linked(there=False, now=watched.now())
        watched.is_(Availability.ONLINE)
        watched.is_(None)
        # It goes by its own word, where it has said one, now or before the start.
        watched.is_(Availability.ONLINE)
        watched.lookout.told([Called("n1", "Lamp")], watched.now())
        watched.is_(Availability.OFFLINE)
        watched.is_(Availability.ONLINE, "n2")
        watched.is_(Availability.OFFLINE, "n2")
        texts = [each.text for each in watched.said]
        assert texts[:3] == ["n1 is offline", "n1 is back", "n1 is offline"]
        assert texts[4:] == ['"Lamp" (n1) is offline', '"Desk" (n2) is offline']
        assert {each.to for each in watched.said} == {UNSET}


async def test_goes_on_where_it_was(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was open at the end is open after a new start, and told once."""
    monkeypatch.setattr(module, "_NODES", 1)
    monkeypatch.setattr(module, "RETRY", 0.01)
    store = fast_store
    ann = await account(store, "Ann")
    rule = await store.alerts.add_rule(ann.id, "Hot", HOT, ann.actor)
    off = await store.alerts.add_rule(ann.id, "Off", OFFLINE, ann.actor)
    now = round(clock.time * 1e6)
    severity = rule.as_rule().severity
    await store.alerts.write([Opened("old", rule.id, "n1", "t", severity, "t is 31", "31", now)])
    await store.history.put([Sample("n1", "t", "", now, 31.0, None)])
    sightings = [Sighting(uid, now, Availability.OFFLINE) for uid in ("n1", "n2")]
    await store.nodes.note(sightings)
    failing = [StoreFailed("It is away.")]
    real = store.alerts.rules

    async def rules(*args: Any, **kwargs: Any) -> Any:
        if failing:
            raise failing.pop()
        # Told while the store is asked: that is newer than what it says.
        watched.is_(Availability.ONLINE)
        return await real(*args, **kwargs)

    monkeypatch.setattr(store.alerts, "rules", rules)
    watched = Watched(store, clock)
    task = asyncio.create_task(watched.lookout.run(watched.said.append))
    await eventually(lambda: "alerts" in watched.status.trouble)
    await eventually(lambda: watched.lookout._begun)
    await eventually(lambda: not watched.status.trouble)
    assert [(each.uid, each.rule) for each in watched.said] == [("n2", off.id)]
    assert watched.said[0].finding == Finding(Condition.OFFLINE)
    watched.reads(29)
    assert [(each.id, each.state) for each in watched.said[1:]] == [("old", AlertState.CLEARED)]
    await watched.stored(AlertState.RAISED, AlertState.CLEARED)
    task.cancel()
    await asyncio.wait([task])
