# SPDX-License-Identifier: BSD-3-Clause
import pytest
from sqlalchemy import insert, select

from pyaiot.errors import NameTaken, NotFound
from pyaiot.messages.types import Device, Pending
from pyaiot.model.access import Role
from pyaiot.store import inbox as module
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import NODES
from pyaiot.store.store import Store
from tests.contracts.store import Clock


def pending(uid: str, clock: Clock, name: str = "") -> Pending:
    return Pending(uid, "websocket", "192.0.2.1", clock.time, name, "ws-gateway")


async def test_a_newcomer_waits(store: Store, clock: Clock) -> None:
    await store.inbox.saw(pending("n1", clock))
    clock.pass_(60)
    await store.inbox.saw(pending("n1", clock, "Lamp"))
    await store.inbox.saw(pending("n2", clock))

    second, first = await store.inbox.newcomers(9)
    assert (first.uid, first.name, first.protocol, first.gateway, first.address) == (
        "n1", "Lamp", "websocket", "ws-gateway", "192.0.2.1",
    )  # fmt: skip
    assert first.last_seen - first.first_seen == 60_000_000
    assert not first.refused
    assert [each.uid for each in await store.inbox.newcomers(1)] == ["n2"]
    assert await store.inbox.newcomers(9, (second.first_seen, second.uid)) == [first]
    assert await store.inbox.newcomers(9, (first.first_seen, first.uid)) == []
    assert await store.devices.devices() == []


async def test_a_gateway_s_clock_cannot_run_ahead(store: Store, clock: Clock) -> None:
    await store.inbox.saw(Pending("n1", "coap", "", clock.time + 1e6))
    (waiting,) = await store.inbox.newcomers(9)
    assert waiting.last_seen == round(clock.time * 1e6)


async def test_an_approved_node_may_come_and_waits_no_more(store: Store, clock: Clock) -> None:
    ann = await store.accounts.add("Ann", "hash", Role.OPERATOR, TERMINAL)
    async with store._engine.writing() as connection:
        await connection.execute(insert(NODES).values(uid="n2", owner=ann.id, name="Mine"))
    for uid in ("n1", "n2", "n3"):
        await store.inbox.saw(pending(uid, clock, "Lamp"))
    version = await store.versions.get("access")

    await store.inbox.approve("n1", TERMINAL, ann.id)
    await store.inbox.approve("n2", TERMINAL)
    await store.inbox.approve("n3", TERMINAL)
    await store.inbox.saw(pending("n1", clock))

    assert await store.inbox.newcomers(9) == []
    assert sorted(await store.devices.devices(), key=lambda each: each.uid) == [
        Device(uid, approved=True) for uid in ("n1", "n2", "n3")
    ]
    async with store._engine.reading() as connection:
        rows = (await connection.execute(select(NODES).order_by(NODES.c.uid))).all()
    assert [(row.owner, row.name, row.title) for row in rows] == [
        (ann.id, "", "Lamp"), (ann.id, "Mine", ""), (None, "", "Lamp"),
    ]  # fmt: skip
    assert await store.versions.get("access") == version + 3
    assert {each.action for each in await store.audit.entries(3)} == {"node.approve"}


async def test_an_approved_node_s_name_is_its_owner_s_only_once(store: Store, clock: Clock) -> None:
    ann = await store.accounts.add("Ann", "hash", Role.OPERATOR, TERMINAL)
    bob = await store.accounts.add("Bob", "hash", Role.OPERATOR, TERMINAL)
    await store.nodes.change("lamp", Edit(name="Lamp", owner=ann.id), TERMINAL)
    await store.nodes.change("n1", Edit(name="LAMP"), TERMINAL)
    await store.inbox.saw(pending("n1", clock))
    version = await store.versions.get("access")

    with pytest.raises(NameTaken):
        await store.inbox.approve("n1", TERMINAL, ann.id)
    with pytest.raises(NotFound, match="account"):
        await store.inbox.approve("n1", TERMINAL, "nobody")
    assert [each.uid for each in await store.inbox.newcomers(9)] == ["n1"]
    assert await store.versions.get("access") == version

    await store.inbox.approve("n1", TERMINAL, bob.id)
    # Whose it is already is no reason to refuse it.
    await store.inbox.saw(pending("lamp", clock))
    await store.inbox.approve("lamp", TERMINAL, ann.id)
    assert await store.inbox.newcomers(9) == []


async def test_a_refused_node_stays_refused(store: Store, clock: Clock) -> None:
    await store.inbox.saw(pending("n1", clock))
    await store.inbox.refuse("n1", TERMINAL)
    await store.inbox.saw(pending("n1", clock))
    (waiting,) = await store.inbox.newcomers(9)
    assert waiting.refused
    await store.inbox.approve("n1", TERMINAL)
    assert await store.inbox.newcomers(9) == []


async def test_only_who_waits_can_be_approved(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.inbox.approve("n1", TERMINAL)
    with pytest.raises(NotFound):
        await store.inbox.refuse("n1", TERMINAL)
    assert await store.audit.entries(9) == []


async def test_there_is_room_for_so_many(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    for number in range(6):
        clock.pass_(1)
        await store.inbox.saw(pending(f"n{number}", clock, "x" * 256))
    assert [each.uid for each in await store.inbox.newcomers(9)] == ["n5", "n4", "n3"]
    await store.inbox.approve("n5", TERMINAL)
