# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest
from sqlalchemy import func, insert, select

from pyaiot.accounts.names import name_key
from pyaiot.errors import (
    InvalidToken,
    InvalidValue,
    LastAdmin,
    LimitExceeded,
    NameTaken,
    NotFound,
)
from pyaiot.messages.types import Person
from pyaiot.model.access import Role
from pyaiot.store import accounts as module
from pyaiot.store.accounts import Account
from pyaiot.store.audit import TERMINAL
from pyaiot.store.schema import CHANNELS, FACTS, NODES, RULES, SHARES
from pyaiot.store.store import Store
from tests.contracts.store import Clock


async def add(store: Store, name: str, role: Role = Role.OPERATOR) -> Account:
    return await store.accounts.add(name, f"hash of {name}", role, TERMINAL)


async def own(store: Store, uid: str, owner: str | None, name: str = "") -> None:
    async with store._engine.writing() as connection:
        await connection.execute(
            insert(NODES).values(uid=uid, owner=owner, name=name, key=name.casefold())
        )


async def test_an_account_is_found_by_id_and_by_name(store: Store, clock: Clock) -> None:
    assert not await store.accounts.any()
    ann = await add(store, " Ann ")

    assert await store.accounts.any()
    assert (ann.name, ann.role, ann.password) == ("Ann", Role.OPERATOR, "hash of  Ann ")
    assert ann.created == ann.since == round(clock.time * 1e6)
    assert ann.seen is None
    assert await store.accounts.get(ann.id) == ann
    assert await store.accounts.named("ANN") == ann
    assert await store.accounts.get("nobody") is None
    assert await store.accounts.named("nobody") is None
    assert "hash" not in repr(ann)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "\x00"])
async def test_what_is_no_name(fast_store: Store, name: str) -> None:
    with pytest.raises(InvalidValue):
        await add(fast_store, name)
    assert not await fast_store.accounts.any()


async def test_a_name_is_there_once_whatever_its_capitals(store: Store) -> None:
    ann = await add(store, "Ann")
    bob = await add(store, "Bob")
    with pytest.raises(NameTaken):
        await add(store, "aNN")
    with pytest.raises(NameTaken):
        await store.accounts.change(bob.id, TERMINAL, name="ANN")
    assert (await store.accounts.change(ann.id, TERMINAL, name="ANN")).name == "ANN"


async def test_accounts_page_by_page(store: Store) -> None:
    for name in ("Émile", "bob", "Ann", "carl", "50%_x"):
        await add(store, name)
    first = await store.accounts.accounts(2)
    assert [each.name for each in first] == ["50%_x", "Ann"]
    rest = await store.accounts.accounts(9, name_key(first[-1].name))
    assert [each.name for each in rest] == ["bob", "carl", "Émile"]
    assert await store.accounts.names("A", 9) == ["Ann"]
    assert await store.accounts.names("50%", 9) == ["50%_x"]
    assert await store.accounts.names("%", 9) == []
    assert await store.accounts.names("", 2) == ["50%_x", "Ann"]
    assert await store.accounts.names("ém", 9) == ["Émile"]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE users; --", "' OR '1'='1", 'x" OR 1=1 --', "%", "\\", "a' UNION SELECT"]
)
async def test_texts_are_only_texts(store: Store, text: str) -> None:
    ann = await add(store, "Ann")
    odd = await add(store, text)

    assert await store.accounts.named(text) == odd
    assert await store.accounts.get(text) is None
    assert await store.accounts.names(text, 9) == [odd.name]
    assert await store.audit.entries(9, q=text, user=text) == []
    assert await store.accounts.get(ann.id) == ann
    with pytest.raises(NotFound):
        await store.accounts.change(text, TERMINAL, name="x")
    with pytest.raises(InvalidToken):
        await store.sessions.rotate(text, text, 60, text, text)


async def test_services_learn_who_there_is(store: Store, clock: Clock) -> None:
    ann, bob = await add(store, "Ann", Role.ADMIN), await add(store, "Bob")
    version = await store.versions.get("access")
    assert sorted(await store.accounts.people(), key=lambda each: each.role) == [
        Person(ann.id, Role.ADMIN, clock.time),
        Person(bob.id, Role.OPERATOR, clock.time),
    ]
    clock.pass_(10.25)
    await store.accounts.change(bob.id, TERMINAL, role=Role.VIEWER)
    assert Person(bob.id, Role.VIEWER, clock.time) in await store.accounts.people()
    assert await store.versions.get("access") == version + 1


async def test_another_password_or_role_ends_sessions(store: Store, clock: Clock) -> None:
    ann = await add(store, "Ann")
    _, kept = await store.sessions.open(ann.id, 60, "", "")
    await store.sessions.open(ann.id, 60, "", "")
    clock.pass_(1)

    await store.accounts.change(ann.id, ann.actor, name="Anna")
    assert len(await store.sessions.sessions(ann.id)) == 2
    same = await store.accounts.change(ann.id, ann.actor, role=Role.OPERATOR)
    assert same.since == ann.since
    changed = await store.accounts.change(ann.id, ann.actor, password="new", keep=kept.id)
    assert changed.password == "new"
    assert changed.since == ann.since + 1_000_000
    assert [each.id for each in await store.sessions.sessions(ann.id)] == [kept.id]
    clock.pass_(1)
    demoted = await store.accounts.change(ann.id, TERMINAL, role=Role.VIEWER)
    assert demoted.since == ann.since + 2_000_000
    assert await store.sessions.sessions(ann.id) == []


async def test_a_newer_hash_of_the_same_password(store: Store) -> None:
    ann = await add(store, "Ann")
    await store.accounts.renew_hash(ann.id, "another", "lost race")
    assert await store.accounts.get(ann.id) == ann
    await store.accounts.renew_hash(ann.id, ann.password, "newer")
    renewed = await store.accounts.get(ann.id)
    assert renewed is not None
    assert (renewed.password, renewed.since) == ("newer", ann.since)


async def test_the_last_administrator_stays(store: Store) -> None:
    ann = await add(store, "Ann", Role.ADMIN)
    bob = await add(store, "Bob")
    with pytest.raises(LastAdmin):
        await store.accounts.change(ann.id, ann.actor, role=Role.OPERATOR)
    with pytest.raises(LastAdmin):
        await store.accounts.remove(ann.id, ann.actor)
    await store.accounts.change(ann.id, ann.actor, role=Role.ADMIN, name="Anna")

    await store.accounts.change(bob.id, ann.actor, role=Role.ADMIN)
    assert await store.accounts.remove(ann.id, bob.actor) == "Anna"
    assert await store.accounts.get(ann.id) is None


async def test_two_administrators_cannot_demote_each_other(store: Store) -> None:
    admins = [await add(store, name, Role.ADMIN) for name in ("Ann", "Bob")]
    results = await asyncio.gather(
        *(store.accounts.change(each.id, TERMINAL, role=Role.VIEWER) for each in admins),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["Account", "LastAdmin"]


async def test_what_somebody_owned_goes_to_who_removes_them(store: Store) -> None:
    """No node comes to belong to nobody by it: it might be everybody's then."""
    ann, bob = await add(store, "Ann", Role.ADMIN), await add(store, "Bob")
    await own(store, "n1", bob.id, "Lamp")
    await own(store, "n2", bob.id, "lamp 2")
    await own(store, "n3", bob.id)
    await own(store, "n4", ann.id, "LAMP")
    await own(store, "n5", ann.id, "lamp (Bob)")
    async with store._engine.writing() as connection:
        await connection.execute(insert(SHARES).values(node="n1", user=ann.id, level="view"))
        await connection.execute(insert(SHARES).values(node="n4", user=bob.id, level="view"))
        await connection.execute(
            insert(RULES).values(id="r", owner=bob.id, name="r", rule={}, created=0, changed=0)
        )
        await connection.execute(
            insert(CHANNELS).values(id="c", owner=bob.id, name="c", url="json://x", created=0)
        )
    rules = await store.versions.get("rules")

    await store.accounts.remove(bob.id, ann.actor)

    async with store._engine.reading() as connection:
        rows = (await connection.execute(select(NODES).order_by(NODES.c.uid))).all()
        for table in (SHARES, RULES, CHANNELS):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0
    assert [(row.uid, row.owner, row.name) for row in rows] == [
        ("n1", ann.id, "Lamp (Bob 2)"),
        ("n2", ann.id, "lamp 2"),
        ("n3", ann.id, ""),
        ("n4", ann.id, "LAMP"),
        ("n5", ann.id, "lamp (Bob)"),
    ]
    assert len({row.key for row in rows}) == 5
    assert await store.versions.get("rules") == rules + 1
    (entry, *_) = await store.audit.entries(1)
    assert (entry.user, entry.action, entry.subject) == ("Ann", "account.remove", "Bob")
    assert entry.detail == {"nodes": 3, "to": "Ann"}


async def test_at_the_terminal_the_oldest_administrator_inherits(
    store: Store, clock: Clock
) -> None:
    bob = await add(store, "Bob")
    await store.accounts.remove((await add(store, "Carl")).id, TERMINAL)
    await own(store, "n1", bob.id, "x" * 64)
    with pytest.raises(LastAdmin):
        await store.accounts.remove(bob.id, TERMINAL)
    ann = await add(store, "Ann", Role.ADMIN)
    clock.pass_(1)
    await add(store, "Zoe", Role.ADMIN)
    await own(store, "n2", ann.id, "x" * 64)

    await store.accounts.remove(bob.id, TERMINAL)

    async with store._engine.reading() as connection:
        row = (await connection.execute(select(NODES).where(NODES.c.uid == "n1"))).one()
    assert row.owner == ann.id
    assert row.name == "x" * 58 + " (Bob)"


def test_a_name_that_cannot_be_told_apart_is_given_up() -> None:
    cut = "X (" + "y" * 61
    assert module._free("X", "y" * 64, {"x"}) == cut
    assert module._free("X", "y" * 64, {"x", cut.casefold()}) == ""
    assert module._free("", "y", {"x"}) == ""
    assert module._free("z", "y", {"x"}) == "z"


async def test_nobody_can_be_changed_or_removed_who_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.accounts.change("nobody", TERMINAL, name="x")
    with pytest.raises(NotFound):
        await store.accounts.remove("nobody", TERMINAL)
    assert await store.audit.entries(9) == []


async def test_there_is_room_for_so_many(
    fast_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ACCOUNTS", 2)
    await add(fast_store, "Ann")
    await add(fast_store, "Bob")
    with pytest.raises(LimitExceeded, match="too many accounts"):
        await add(fast_store, "Carl")


async def test_the_first_account_is_made_by_its_link_and_once(store: Store) -> None:
    with pytest.raises(InvalidToken):
        await store.accounts.add_first("Eve", "hash", "h1")
    assert await store.accounts.offer_setup("h1")
    assert await store.accounts.offer_setup("h2")
    assert not await store.accounts.setup_offered("h1")
    assert await store.accounts.setup_offered("h2")
    for wrong in ("h1", ""):
        with pytest.raises(InvalidToken):
            await store.accounts.add_first("Eve", "hash", wrong)
    with pytest.raises(InvalidValue):
        await store.accounts.add_first("", "hash", "h2")

    ann = await store.accounts.add_first("Ann", "hash", "h2")

    assert ann.role is Role.ADMIN
    assert not await store.accounts.setup_offered("h2")
    with pytest.raises(InvalidToken):
        await store.accounts.add_first("Eve", "hash", "h2")
    assert not await store.accounts.offer_setup("h3")
    assert [each.name for each in await store.accounts.accounts(9)] == ["Ann"]
    (entry,) = await store.audit.entries(9)
    assert (entry.user, entry.action, entry.detail) == ("Ann", "account.add", {"role": "admin"})


async def test_two_cannot_be_the_first(store: Store) -> None:
    await store.accounts.offer_setup("h")
    results = await asyncio.gather(
        *(store.accounts.add_first(name, "hash", "h") for name in ("Ann", "Eve")),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["Account", "InvalidToken"]


async def test_a_link_does_not_hold_once_there_is_an_account(store: Store) -> None:
    await store.accounts.offer_setup("h")
    await add(store, "Ann")
    with pytest.raises(InvalidToken):
        await store.accounts.add_first("Eve", "hash", "h")
    assert not await store.accounts.offer_setup("h")
    async with store._engine.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(FACTS)) == 0


async def test_nothing_written_down_holds_a_password(store: Store) -> None:
    ann = await add(store, "Ann", Role.ADMIN)
    await store.accounts.change(ann.id, ann.actor, password="secret hash", name="Anna")
    told = repr(await store.audit.entries(99))
    assert "hash" not in told
    assert "'password': True" in told
    assert "'name': 'Anna'" in told
