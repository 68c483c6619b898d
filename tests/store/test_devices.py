# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest
from sqlalchemy import insert, select

from pyaiot.errors import InvalidValue, LimitExceeded, NameTaken, NotFound
from pyaiot.messages.types import Device
from pyaiot.model.access import Role
from pyaiot.store import devices as module
from pyaiot.store.accounts import Account
from pyaiot.store.audit import TERMINAL
from pyaiot.store.schema import NODES
from pyaiot.store.store import Store
from tests.contracts.store import Clock


@pytest.fixture
async def ann(store: Store) -> Account:
    return await store.accounts.add("Ann", "hash", Role.OPERATOR, TERMINAL)


async def test_a_node_that_is_to_come(store: Store, ann: Account, clock: Clock) -> None:
    version = await store.versions.get("access")
    token = await store.devices.register(
        "n1", ann.id, " Lamp ", ann.actor, kind="lamp", config={"a": 1}
    )

    assert (token.node, token.label, token.revoked) == ("n1", "", None)
    assert token.created == round(clock.time * 1e6)
    assert await store.devices.get(token.id) == token
    assert await store.devices.devices() == [Device("n1", (token.id,), bound=True)]
    async with store._engine.reading() as connection:
        row = (await connection.execute(select(NODES))).one()
    assert (row.owner, row.name, row.key, row.kind, row.config) == (
        ann.id, "Lamp", "lamp", "lamp", {"a": 1},
    )  # fmt: skip
    assert row.public is None
    assert await store.versions.get("access") == version + 1
    actions = [(each.action, each.subject) for each in await store.audit.entries(2)]
    assert actions == [("token.make", "n1"), ("node.register", "n1")]


async def test_a_name_of_one_owner_and_a_uid_are_there_once(store: Store, ann: Account) -> None:
    bob = await store.accounts.add("Bob", "hash", Role.OPERATOR, TERMINAL)
    await store.devices.register("n1", ann.id, "Lamp", ann.actor)
    with pytest.raises(NameTaken, match="of that name"):
        await store.devices.register("n2", ann.id, "LAMP", ann.actor)
    with pytest.raises(NameTaken, match="that uid"):
        await store.devices.register("n1", bob.id, "Lamp", bob.actor)
    await store.devices.register("n2", bob.id, "Lamp", bob.actor)
    results = await asyncio.gather(
        *(store.devices.register(f"m{n}", ann.id, "Twin", ann.actor) for n in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == [
        "DeviceToken", "NameTaken", "NameTaken",
    ]  # fmt: skip


async def test_what_cannot_be_registered(store: Store, ann: Account) -> None:
    for uid, name in [("", "x"), ("n" * 129, "x"), ("n\0", "x"), ("n", ""), ("n", "\0")]:
        with pytest.raises(InvalidValue):
            await store.devices.register(uid, ann.id, name, ann.actor)
    with pytest.raises(NotFound):
        await store.devices.register("n", "nobody", "x", ann.actor)
    with pytest.raises(InvalidValue):
        await store.devices.make("", "", ann.actor)
    assert await store.devices.devices() == []


async def test_a_token_for_a_node_that_is_known_or_not(store: Store, ann: Account) -> None:
    async with store._engine.writing() as connection:
        await connection.execute(insert(NODES).values(uid="n1", owner=ann.id))
        await connection.execute(insert(NODES).values(uid="n2"))
    first = await store.devices.make("n1", "first", ann.actor)
    second = await store.devices.make("n1", "second", TERMINAL)
    other = await store.devices.make("n3", "", TERMINAL)

    assert {each.label for each in await store.devices.tokens("n1")} == {"first", "second"}
    assert await store.devices.tokens("n2") == []
    ids = tuple(sorted([first.id, second.id]))
    assert sorted(await store.devices.devices(), key=lambda each: each.uid) == [
        Device("n1", ids, bound=True),
        Device("n3", (other.id,), bound=True),
    ]
    async with store._engine.reading() as connection:
        query = select(NODES.c.owner).where(NODES.c.uid == "n1")
        assert await connection.scalar(query) == ann.id


async def test_a_revoked_token_holds_no_more_and_the_node_stays_bound(
    store: Store, ann: Account, clock: Clock
) -> None:
    token = await store.devices.make("n1", "x", ann.actor)
    version = await store.versions.get("access")
    clock.pass_(3)
    for node in ("n2", ""):
        with pytest.raises(NotFound):
            await store.devices.revoke(token.id, ann.actor, node)
    with pytest.raises(NotFound):
        await store.devices.revoke("nothing", ann.actor)

    assert await store.devices.revoke(token.id, ann.actor, "n1")
    assert not await store.devices.revoke(token.id, ann.actor)

    assert await store.devices.devices() == [Device("n1", (), bound=True)]
    assert await store.devices.devices(["n1", "zero", "gone"]) == [
        Device("n1", (), bound=True), Device("gone", gone=True), Device("zero", gone=True),
    ]  # fmt: skip
    (listed,) = await store.devices.tokens("n1")
    assert listed.revoked == round(clock.time * 1e6)
    assert await store.versions.get("access") == version + 1
    (entry, *_) = await store.audit.entries(1)
    assert (entry.action, entry.subject, entry.detail) == ("token.revoke", "n1", {"id": token.id})


async def test_a_node_has_so_many_tokens(
    store: Store, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TOKENS", 2)
    results = await asyncio.gather(
        *(store.devices.make("n1", "", ann.actor) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in results) == [
        "DeviceToken", "DeviceToken", "LimitExceeded", "LimitExceeded",
    ]  # fmt: skip
    await store.devices.revoke((await store.devices.tokens("n1"))[0].id, ann.actor)
    await store.devices.make("n1", "", ann.actor)
    with pytest.raises(LimitExceeded):
        await store.devices.make("n1", "", ann.actor)
