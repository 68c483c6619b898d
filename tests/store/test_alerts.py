# SPDX-License-Identifier: BSD-3-Clause
"""Rules, channels and alerts, on both databases."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from pyaiot.errors import InvalidValue, LimitExceeded, NotFound
from pyaiot.messages.types import AlertState, Finding, Severity
from pyaiot.model.access import Role
from pyaiot.model.condition import Condition
from pyaiot.store import alerts as module
from pyaiot.store import rules
from pyaiot.store.accounts import Account
from pyaiot.store.alerts import Closed, Opened
from pyaiot.store.audit import NOBODY, TERMINAL
from pyaiot.store.forgotten import GRACE
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import RULES
from pyaiot.store.store import Store
from tests.contracts.store import Clock

HOT: dict[str, Any] = {"condition": "above", "high": 30.0, "node": "n1", "severity": "critical"}


async def account(store: Store, name: str) -> Account:
    return await store.accounts.add(name, "hash", Role.OPERATOR, TERMINAL)


def opened(store: Store, id_: str, rule: str, node: str = "n1", resource: str = "t") -> Opened:
    now = store._engine.now()
    what = Finding(Condition.ABOVE, "31", high=30.0)
    return Opened(id_, rule, node, resource, Severity.CRITICAL, "t is 31", "31", now, what)


async def nobodys(store: Store) -> str:
    """A rule of nobody."""
    async with store._engine.writing() as connection:
        await connection.execute(
            insert(RULES).values(id="common", name="Common", rule=HOT, created=1, changed=1)
        )
    return "common"


async def test_rules(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_RULES", 2)
    book, ann, bob = store.alerts, await account(store, "Ann"), await account(store, "Bob")
    version = await store.versions.get("rules")
    hot = await book.add_rule(ann.id, " Hot ", HOT, ann.actor)
    clock.pass_(1)
    cold = await book.add_rule(
        bob.id, "Cold", {"condition": "below", "low": 1}, ann.actor, enabled=False
    )
    assert (hot.name, hot.owner, hot.enabled, cold.enabled) == ("Hot", ann.id, True, False)
    assert await book.rules() == [hot, cold]
    assert await book.rules(1, (hot.created, hot.id)) == [cold]
    assert await book.rules(owners={ann.id}) == [hot] == [await book.rule(hot.id)]
    rule = hot.as_rule()
    assert (rule.id, rule.name, rule.owner, rule.condition, rule.high, rule.severity) == (
        hot.id, "Hot", ann.id, Condition.ABOVE, 30.0, Severity.CRITICAL,
    )  # fmt: skip

    clock.pass_(1)
    changed = await book.change_rule(
        hot.id, "Hotter", {**HOT, "high": 40.0}, ann.actor, enabled=True
    )
    assert (changed.created, changed.changed) == (hot.created, hot.changed + 2_000_000)
    assert await book.rule(hot.id) == changed
    same = await book.change_rule(hot.id, "Hotter", changed.rule, ann.actor, enabled=True)
    assert same == changed
    await book.mute(hot.id, 5_000_000, ann.actor)
    muted = await book.rule(hot.id)
    assert muted == replace(changed, muted_until=5_000_000)
    assert muted.as_rule().muted_until == 5.0
    assert await store.versions.get("rules") == version + 4

    for bad in ({"condition": "above"}, {"condition": "nonsense"}, {}):
        with pytest.raises(InvalidValue):
            await book.add_rule(ann.id, "Bad", bad, ann.actor)
        with pytest.raises(InvalidValue):
            await book.change_rule(hot.id, "Bad", bad, ann.actor, enabled=True)
    await book.add_rule(ann.id, "Hot", HOT, ann.actor)
    with pytest.raises(LimitExceeded):
        await book.add_rule(ann.id, "One more", HOT, ann.actor)
    await book.remove_rule(hot.id, ann.actor)
    assert await book.rule(hot.id) is None
    for call in (
        book.remove_rule(hot.id, ann.actor),
        book.mute(hot.id, None, ann.actor),
        book.change_rule(hot.id, "Hot", HOT, ann.actor, enabled=True),
        book.add_rule("nobody", "Hot", HOT, ann.actor),
    ):
        with pytest.raises(NotFound):
            await call
    entries = [each for each in await store.audit.entries(9) if "rule" in each.action]
    assert [each.action for each in entries] == [
        "rule.remove", "rule.add", "rule.mute", "rule.change", "rule.add", "rule.add",
    ]  # fmt: skip
    assert entries[2].detail == {"name": "Hotter", "until": 5.0}


async def test_rules_of_nobody(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_RULES", 1)
    book, ann = store.alerts, await account(store, "Ann")
    hers = await book.add_rule(ann.id, "Hers", HOT, ann.actor)
    clock.pass_(1)
    common = await book.add_rule(None, "Common", HOT, NOBODY)
    assert common.as_rule().owner is None
    # As many as one account may have.
    with pytest.raises(LimitExceeded):
        await book.add_rule(None, "More", HOT, NOBODY)
    assert await book.rules(owners=[None]) == [common]
    assert await book.rules(owners=[ann.id]) == [hers]
    assert await book.rules(owners=[ann.id, None]) == [hers, common]
    assert await book.rules(owners=[]) == []


async def test_channels(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_CHANNELS", 1)
    book, ann, bob = store.alerts, await account(store, "Ann"), await account(store, "Bob")
    version = await store.versions.get("rules")
    url = "mailto://ann:hunter2@example.org"
    mail = await book.add_channel(ann.id, "Mail", url, ann.actor)
    clock.pass_(1)
    other = await book.add_channel(bob.id, "Mail", url, bob.actor)
    assert await book.channels() == [mail, other]
    assert await book.channels(9, (mail.created, mail.id)) == [other]
    assert await book.channels(owner=ann.id) == [mail] == [await book.channel(mail.id)]
    with pytest.raises(LimitExceeded):
        await book.add_channel(ann.id, "Mail", url, ann.actor)
    await book.remove_channel(mail.id, ann.actor)
    assert await book.channel(mail.id) is None
    with pytest.raises(NotFound):
        await book.remove_channel(mail.id, ann.actor)
    assert await store.versions.get("rules") == version + 3
    assert "hunter2" not in repr((mail, await store.audit.entries(9)))
    # What an account has goes with it.
    await book.add_rule(bob.id, "Hot", HOT, bob.actor)
    await store.accounts.add("Eve", "hash", Role.ADMIN, TERMINAL)
    await store.accounts.remove(bob.id, TERMINAL)
    assert (await book.channels(), await book.rules()) == ([], [])


async def test_an_alert_from_its_beginning_to_its_end(store: Store, clock: Clock) -> None:
    book, ann = store.alerts, await account(store, "Ann")
    rule = await book.add_rule(ann.id, "Hot", HOT, ann.actor)
    one = opened(store, "a1", rule.id)
    await book.write([one])
    await book.write([one, opened(store, "lost", "no such rule"), Closed("never", 1)])
    (alert,) = await book.open_alerts()
    assert alert == await book.alert("a1")
    assert alert.finding == Finding(Condition.ABOVE, "31", high=30.0)
    assert (alert.rule_name, alert.owner, alert.node, alert.resource, alert.value) == (
        "Hot", ann.id, "n1", "t", "31",
    )  # fmt: skip
    assert (alert.severity, alert.state, alert.raised) == (
        Severity.CRITICAL, AlertState.RAISED, one.raised,
    )  # fmt: skip
    (ruled,) = await book.rules()
    assert ruled.raised == 1

    clock.pass_(5)
    assert await book.acknowledge("a1", ann.actor)
    assert not await book.acknowledge("a1", TERMINAL)
    (seen,) = await book.open_alerts()
    assert (seen.state, seen.acknowledged_by) == (AlertState.ACKNOWLEDGED, "Ann")
    assert seen.acknowledged == one.raised + 5_000_000
    with pytest.raises(NotFound):
        await book.acknowledge("a2", ann.actor)

    await book.write([Closed("a1", one.raised + 9)])
    # Told again after a restart: it stays what it is.
    await book.write([one, Closed("a1", one.raised + 10)])
    assert await book.open_alerts() == []
    ended = await book.alert("a1")
    assert ended == replace(seen, state=AlertState.CLEARED, cleared=one.raised + 9)
    assert not await book.acknowledge("a1", ann.actor)
    # One that is over before it was kept.
    await book.write([opened(store, "a2", rule.id), Closed("a2", one.raised)])
    over = await book.alert("a2")
    assert over is not None
    assert over.state is AlertState.CLEARED
    await book.remove_rule(rule.id, ann.actor)
    assert await book.alert("a1") is None


async def test_who_gets_which_alerts(store: Store, clock: Clock) -> None:
    book, ann, bob = store.alerts, await account(store, "Ann"), await account(store, "Bob")
    mine = (await book.add_rule(ann.id, "Hot", HOT, ann.actor)).id
    his = (await book.add_rule(bob.id, "Hot", HOT, bob.actor)).id
    common = await nobodys(store)
    for number, (rule, node) in enumerate(
        [(mine, "n1"), (his, "n1"), (common, "n1"), (common, "n2"), (mine, "n3")]
    ):
        await book.write([opened(store, f"a{number}", rule, node)])
        clock.pass_(1)
    await book.write([Closed("a0", store._engine.now())])

    async def ids(*place: Any, limit: int = 9, **wanted: Any) -> list[str]:
        return [each.id for each in await book.alerts(limit, *place, **wanted)]

    assert await ids() == ["a4", "a3", "a2", "a1", "a0"]
    assert await book.common_nodes() == {"n1", "n2"}
    assert await ids(owner=ann.id, common=()) == ["a4", "a0"]
    assert await ids(owner=bob.id, common={"n2"}) == ["a3", "a1"]
    assert await ids(common={"n1"}) == ["a2"]
    assert await ids(owner="", common=()) == []
    assert await ids(owner=ann.id, common=(), states=[AlertState.CLEARED]) == ["a0"]
    assert await ids(states=[AlertState.RAISED], node="n1") == ["a2", "a1"]
    (first,) = await book.alerts(1)
    assert await ids((first.raised, first.id), limit=2) == ["a3", "a2"]


async def test_old_alerts_make_room(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    book, ann = store.alerts, await account(store, "Ann")
    rule = (await book.add_rule(ann.id, "Hot", HOT, ann.actor)).id
    await book.write([opened(store, "open", rule)])
    for number in range(4):
        clock.pass_(1)
        now = store._engine.now()
        await book.write([opened(store, f"a{number}", rule), Closed(f"a{number}", now)])
    assert await book.tidy() == 2
    assert [each.id for each in await book.alerts(9)] == ["a3", "a2", "open"]
    clock.pass_(500 * 86_400)
    assert await book.tidy() == 2
    assert [each.id for each in await book.alerts(9)] == ["open"]


async def test_nothing_is_kept_of_a_forgotten_node(store: Store, clock: Clock) -> None:
    book, common = store.alerts, await nobodys(store)
    await store.nodes.change("n1", Edit(name="Lamp"), TERMINAL)
    await book.write([opened(store, "a", common), opened(store, "b", common, "n2")])
    late = opened(store, "c", common)
    clock.pass_(1)
    await store.nodes.remove("n1", TERMINAL)
    begins = store._engine.now() + GRACE
    assert await store.nodes.forgotten() == await store.nodes.forgotten({"n1"}) == {"n1": begins}
    assert await store.nodes.forgotten({"n2"}) == {}
    await book.write([late, Closed("a", 1), opened(store, "d", common, "n2")])
    clock.pass_(GRACE / 1e6)
    await book.write([opened(store, "e", common)])
    assert {each.id for each in await book.alerts(9)} == {"b", "d", "e"}
