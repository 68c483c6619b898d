# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest

from pyaiot.messages.types import Device, NodeAccess, Person
from pyaiot.model.access import Permission, Role
from pyaiot.store import versions as module
from pyaiot.store.audit import TERMINAL
from pyaiot.store.engine import open_engine
from pyaiot.store.migrations import migrate
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from pyaiot.store.versions import Changed, Versions, access_changed, raise_version
from tests.contracts.store import Clock


async def test_seen_at_once_here_and_soon_elsewhere(store_url: str, clock: Clock) -> None:
    engine = await open_engine(store_url, clock, migrate)
    other = await open_engine(store_url, clock, migrate)
    here, there = Versions(engine), Versions(other)
    assert await here.get("access") == 0
    async with asyncio.TaskGroup() as group:
        near = group.create_task(here.newer("access", 0, poll=60))
        far = group.create_task(there.newer("access", 0, poll=0.02))
        for subject in ("rules", "access"):
            await asyncio.sleep(0.05)
            assert not near.done()
            async with engine.writing() as connection:
                await raise_version(engine, connection, subject)
    assert (near.result(), far.result()) == (1, 1)
    assert await there.newer("access", 0) == 1
    assert await here.get("rules") == 1
    await engine.close()
    await other.close()


async def test_not_raised_by_what_did_not_happen(store_url: str, clock: Clock) -> None:
    engine = await open_engine(store_url, clock, migrate)
    told: list[frozenset[str]] = []
    engine.on_change(told.append)

    async def change_mind() -> None:
        async with engine.writing() as connection:
            await raise_version(engine, connection, "access")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_mind()
    assert await Versions(engine).get("access") == 0
    async with engine.writing():
        pass
    assert told == []
    async with engine.writing() as connection:
        await raise_version(engine, connection, "access")
        await raise_version(engine, connection, "access")
    assert told == [frozenset({"access"})]
    assert await Versions(engine).get("access") == 2
    await engine.close()


async def test_what_has_changed_is_known_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = store.versions
    assert await versions.changed_since(0) == Changed(frozenset(), frozenset())
    assert await versions.changed_since(-1) is None
    ann = await store.accounts.add("Ann", "hash", Role.ADMIN, TERMINAL)
    bob = await store.accounts.add("Bob", "hash", Role.OPERATOR, TERMINAL)
    for uid, owner in (("n1", ann.id), ("n2", bob.id), ("n3", ann.id), ("n4", None)):
        await store.nodes.change(uid, Edit(owner=owner, name=uid), TERMINAL)
    await store.nodes.share("n1", bob.id, Permission.VIEW, TERMINAL)
    token = await store.devices.make("n3", "", TERMINAL)
    everything = await versions.changed_since(0)
    assert everything == Changed(frozenset({ann.id, bob.id}), frozenset({"n1", "n2", "n3", "n4"}))
    before = await versions.get("access")
    assert await versions.changed_since(before) == Changed(frozenset(), frozenset())

    # With an account go its shares, and what it owned is another's.
    await store.accounts.remove(bob.id, TERMINAL)
    changed = await versions.changed_since(before)
    assert changed == Changed(frozenset({bob.id}), frozenset({"n1", "n2"}))
    assert await store.accounts.people(changed.people) == []
    assert sorted(await store.nodes.access(changed.nodes), key=lambda each: each.uid) == [
        NodeAccess("n1", ann.id, "n1"), NodeAccess("n2", ann.id, "n2"),
    ]  # fmt: skip
    assert await store.accounts.people([ann.id]) == [Person(ann.id, Role.ADMIN, ann.since / 1e6)]
    assert await store.devices.devices(["n3", "n4"]) == [Device("n3", (token.id,), bound=True)]
    assert await store.devices.devices(["n4"]) == []

    # What is long ago, or too much to be told one by one, is read as a whole.
    engine = store.accounts._engine
    monkeypatch.setattr(module, "KEPT", 2)
    monkeypatch.setattr(module, "TOLD", 3)
    for number in range(3):
        async with engine.writing() as connection:
            await access_changed(engine, connection, nodes=[f"m{number}", "n1"])
    assert await versions.changed_since(before) is None
    now = await versions.get("access")
    assert await versions.changed_since(now - 1) == Changed(frozenset(), frozenset({"m2", "n1"}))
    assert await versions.changed_since(now - 2) == Changed(
        frozenset(), frozenset({"m1", "m2", "n1"})
    )
    async with engine.writing() as connection:
        await access_changed(engine, connection, nodes=["m3", "m4", "m5", "m6"])
    assert await versions.changed_since(now) is None
