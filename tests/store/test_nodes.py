# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest

from pyaiot.errors import InvalidValue, LimitExceeded, NameTaken, NotFound
from pyaiot.messages.types import NodeAccess
from pyaiot.model.access import Permission, Role
from pyaiot.model.node import Availability
from pyaiot.model.sighting import Sighting
from pyaiot.store import nodes as node_records
from pyaiot.store import sightings
from pyaiot.store.audit import NOBODY
from pyaiot.store.history import History
from pyaiot.store.nodes import Edit, NodeRecords
from pyaiot.store.sightings import Change
from pyaiot.store.store import Store
from tests.store.test_history import sample

ONLINE, LATE, OFFLINE = Availability


@pytest.fixture
def nodes(store: Store) -> NodeRecords:
    return store.nodes


async def user(store: Store, name: str) -> str:
    return (await store.accounts.add(name, "hash", Role.OPERATOR, NOBODY)).id


class TestSightings:
    async def test_first_last_and_words(self, nodes: NodeRecords) -> None:
        assert await nodes.get("a") is None
        await nodes.note([Sighting("a", 100, ONLINE, protocol="coap"), Sighting("b", 50)])
        await nodes.note([Sighting("a", 300), Sighting("a", 200, title="Lamp")])
        await nodes.note([Sighting("a", 90, title="x" * 200, protocol="p" * 50)])
        await nodes.note([Sighting("a", 400, OFFLINE, heard=False)])
        a, b = await nodes.records(10)
        assert (a.first_seen, a.last_seen, a.availability) == (90, 300, OFFLINE)
        assert (len(a.title), len(a.protocol)) == (128, 32)
        assert (b.uid, b.first_seen, b.last_seen, b.availability) == ("b", 50, 50, None)
        assert (b.title, b.protocol, b.name, b.owner, b.public) == ("", "", "", None, None)

    async def test_changes(self, nodes: NodeRecords, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sightings, "MAX_CHANGES", 3)
        said = [
            Sighting("a", 1, ONLINE), Sighting("a", 2, ONLINE), Sighting("a", 3, LATE),
            Sighting("b", 3, ONLINE),
        ]  # fmt: skip
        await nodes.note(said)
        await nodes.note(said[-1:])
        assert await nodes.changes("a", 9) == [Change(3, LATE), Change(1, ONLINE)]
        await nodes.note([Sighting("a", 4, OFFLINE), Sighting("a", 5, ONLINE)])
        assert await nodes.changes("a", 9) == [
            Change(5, ONLINE),
            Change(4, OFFLINE),
            Change(3, LATE),
        ]
        assert await nodes.changes("a", 1, before=5) == [Change(4, OFFLINE)]
        assert await nodes.changes("b", 9) == [Change(3, ONLINE)]
        assert await nodes.changes("nobody", 9) == []

    async def test_many_at_once(self, nodes: NodeRecords) -> None:
        await nodes.note([Sighting(f"n{n}", n + 1, ONLINE) for n in range(1200)])
        assert len(await nodes.records(2000)) == 1200

    async def test_strangers_are_forgotten(self, store: Store, nodes: NodeRecords) -> None:
        await nodes.note([Sighting(uid, 5) for uid in "abcdefgh"])
        await nodes.note([Sighting("h", 50)])
        await nodes.change("b", Edit(name="Mine"), NOBODY)
        await nodes.change("c", Edit(public=Permission.VIEW), NOBODY)
        await nodes.change("d", Edit(owner=await user(store, "me")), NOBODY)
        await nodes.share("e", await user(store, "you"), Permission.VIEW, NOBODY)
        await store.history.put([sample(1, key=("f", "r", ""))])  # type: ignore[arg-type]
        await store.devices.make("g", "", NOBODY)
        assert await nodes.forget(6, 100) == 1
        assert [each.uid for each in await nodes.records(100)] == list("bcdefgh")
        assert await nodes.forget(6, 100) == 0


class TestNames:
    async def test_set_unchanged_taken(self, store: Store, nodes: NodeRecords) -> None:
        me, you = await user(store, "me"), await user(store, "you")
        for uid, owner in (("a", me), ("b", me), ("c", you)):
            assert await nodes.change(uid, Edit(owner=owner), NOBODY)
        version = await store.versions.get("access")
        assert await nodes.change("a", Edit(name="  Küche "), NOBODY)
        assert not await nodes.change("a", Edit(name="Küche"), NOBODY)
        assert await store.versions.get("access") == version + 1
        assert await nodes.change("a", Edit(name="KÜCHE"), NOBODY)
        with pytest.raises(NameTaken):
            await nodes.change("b", Edit(name="küche"), NOBODY)
        assert await nodes.change("c", Edit(name="küche"), NOBODY)
        with pytest.raises(NameTaken):
            await nodes.change("c", Edit(owner=me), NOBODY)
        assert await nodes.change("c", Edit(owner=me, name="Flur"), NOBODY)
        assert await nodes.change("a", Edit(name=""), NOBODY)
        assert await nodes.change("b", Edit(name="küche"), NOBODY)
        assert [each.name for each in await nodes.records(9)] == ["", "küche", "Flur"]

    async def test_nobodys(self, nodes: NodeRecords) -> None:
        assert await nodes.change("a", Edit(name="x"), NOBODY)
        with pytest.raises(NameTaken):
            await nodes.change("b", Edit(name="X"), NOBODY)
        assert await nodes.get("b") is None
        for name in ("a\nb", "x" * 65):
            with pytest.raises(InvalidValue):
                await nodes.change("a", Edit(name=name), NOBODY)
        with pytest.raises(InvalidValue):
            await nodes.change("a\n", Edit(name="x"), NOBODY)
        with pytest.raises(NotFound):
            await nodes.change("a", Edit(owner="nobody"), NOBODY)

    @pytest.mark.parametrize("owned", [False, True])
    async def test_one_of_two_at_the_same_time(
        self, store: Store, nodes: NodeRecords, owned: bool
    ) -> None:
        owner = await user(store, "me") if owned else None
        edit = Edit(name="x", owner=owner)
        results = await asyncio.gather(
            *(nodes.change(f"n{n}", edit, NOBODY) for n in range(4)), return_exceptions=True
        )
        assert sum(each is True for each in results) == 1
        assert sum(isinstance(each, NameTaken) for each in results) == 3


class TestRecords:
    async def test_all_members(self, store: Store, nodes: NodeRecords) -> None:
        me = await user(store, "me")
        version = await store.versions.get("access")
        place = {"lat": 1.5, "lng": -2.0, "place": "Room 12"}
        edit = Edit(location=place, kind="lamp", config={"led": 1})
        assert await nodes.change("a", edit, NOBODY)
        assert not await nodes.change("a", edit, NOBODY)
        assert await store.versions.get("access") == version
        assert await nodes.change("a", Edit(owner=me, public=Permission.CONTROL), NOBODY)
        assert await store.versions.get("access") == version + 1
        a = await nodes.get("a")
        assert a is not None
        assert (a.location, a.kind, a.config) == (place, "lamp", {"led": 1})
        assert (a.owner, a.public, a.bound, a.approved) == (me, Permission.CONTROL, False, False)
        assert a.access == NodeAccess("a", me, "", Permission.CONTROL)
        assert await nodes.change("a", Edit(location=None, public=None, owner=None), NOBODY)
        a = await nodes.get("a")
        assert a is not None
        assert (a.location, a.owner, a.public) == (None, None, None)
        changes = [entry for entry in await store.audit.entries(9) if entry.subject == "a"]
        assert changes[0].action == "node.change"
        assert changes[0].detail == {"location": None, "public": None, "owner": None}
        # What a device is set to may be a secret, and long.
        assert changes[2].detail == {"location": place, "kind": "lamp", "config": True}
        assert changes[1].detail["owner"] == "me"

    async def test_lists(self, store: Store, nodes: NodeRecords) -> None:
        me = await user(store, "me")
        await nodes.note([Sighting("n1", 1, title="50% Lamp"), Sighting("n2", 1)])
        await nodes.change("n3", Edit(name="Lamp", owner=me), NOBODY)

        async def uids(**how: object) -> list[str]:
            uids = [each.uid for each in await nodes.records(9, **how)]  # type: ignore[arg-type]
            assert await nodes.uids(9, **how) == uids  # type: ignore[arg-type]
            return uids

        assert await uids() == ["n1", "n2", "n3"]
        assert await uids(after="n1") == ["n2", "n3"]
        assert await uids(uids={"n1", "n3", "no"}) == ["n1", "n3"]
        assert await uids(owner=me) == ["n3"]
        assert await uids(q="lAm") == ["n1", "n3"]
        assert await uids(q="0%") == ["n1"]
        assert await uids(q="n2") == ["n2"]
        assert [each.uid for each in await nodes.records(1)] == ["n1"]

    async def test_removed(self, store: Store, nodes: NodeRecords, history: History) -> None:
        await history.put([sample(1, key=("a", "r", ""))])  # type: ignore[arg-type]
        await nodes.share("a", await user(store, "you"), Permission.VIEW, NOBODY)
        await nodes.remove("a", NOBODY)
        assert await nodes.get("a") is None
        assert await nodes.shares("a") == {}
        assert len(await history.series("a")) == 1
        with pytest.raises(NotFound):
            await nodes.remove("a", NOBODY)

    @pytest.fixture
    def history(self, store: Store) -> History:
        return store.history


class TestAccess:
    async def test_what_was_said(self, store: Store, nodes: NodeRecords) -> None:
        me, you = await user(store, "me"), await user(store, "you")
        await nodes.note([Sighting("silent", 1)])
        await nodes.change("owned", Edit(owner=me, name="Lamp"), NOBODY)
        await nodes.change("public", Edit(public=Permission.VIEW), NOBODY)
        version = await store.versions.get("access")
        assert await nodes.share("owned", you, Permission.VIEW, NOBODY)
        assert not await nodes.share("owned", you, Permission.VIEW, NOBODY)
        assert await nodes.share("owned", you, Permission.CONTROL, NOBODY)
        assert await nodes.share("shared", you, Permission.VIEW, NOBODY)
        assert await store.versions.get("access") == version + 3
        assert sorted(await nodes.access(), key=lambda each: each.uid) == [
            NodeAccess("owned", me, "Lamp", None, {you: Permission.CONTROL}),
            NodeAccess("public", "", "", Permission.VIEW),
            NodeAccess("shared", "", "", None, {you: Permission.VIEW}),
        ]
        assert await nodes.share("owned", you, None, NOBODY)
        assert not await nodes.share("owned", you, None, NOBODY)
        assert await nodes.shares("owned") == {}
        assert await nodes.shares("shared") == {you: Permission.VIEW}

    async def test_bounds(
        self, store: Store, nodes: NodeRecords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(node_records, "MAX_SHARES", 1)
        me, you = await user(store, "me"), await user(store, "you")
        await nodes.share("a", me, Permission.VIEW, NOBODY)
        await nodes.share("a", me, Permission.SCRIPT, NOBODY)
        with pytest.raises(LimitExceeded):
            await nodes.share("a", you, Permission.VIEW, NOBODY)
        with pytest.raises(NotFound):
            await nodes.share("a", "nobody", Permission.VIEW, NOBODY)
