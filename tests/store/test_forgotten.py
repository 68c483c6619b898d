# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest
from sqlalchemy import func, insert, select

from pyaiot.errors import NotFound
from pyaiot.model.node import Availability
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.store import forgotten
from pyaiot.store.audit import NOBODY
from pyaiot.store.forgotten import GRACE, KEPT, beginnings
from pyaiot.store.history import Reading
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import FORGOTTEN, SERIES
from pyaiot.store.series import SeriesKey
from pyaiot.store.store import Store
from tests.contracts.store import Clock

SECOND = 1_000_000


def said(node: str, time: int, resource: str = "t", unit: str = "") -> Sample:
    return Sample(node, resource, "", time, 1.0, None, unit)


async def forget(store: Store, uid: str) -> None:
    """As the API does."""
    await store.history.forget(uid)
    await store.nodes.remove(uid, NOBODY)


async def times(store: Store, uid: str, resource: str = "t") -> list[int]:
    key = SeriesKey(uid, resource)
    return [row.time_us for row in await store.history.rows(key, 0, 1 << 60, limit=99)]


async def known(store: Store) -> list[str]:
    async with store._engine.reading() as connection:
        query = select(FORGOTTEN.c.node).order_by(FORGOTTEN.c.node)
        return list((await connection.scalars(query)).all())


async def test_what_comes_late_is_nobodys_and_not_stored(store_url: str, clock: Clock) -> None:
    """A recorder that knew the node holds what it said, or hears of it afterwards."""
    store, recorder = [await Store.open(store_url, clock) for _ in range(2)]
    now = store._engine.now()
    # Another series comes after it, so that its number is not the last.
    await recorder.history.put([said("n", now), said("m", now)])
    await recorder.nodes.note([Sighting("n", now, title="Lamp"), Sighting("m", now)])
    await store.nodes.change("n", Edit(name="Mine"), NOBODY)
    clock.pass_(10)
    await forget(store, "n")
    end = now + 10 * SECOND + GRACE
    late = [said("n", now + 1), said("n", end - 1, "u"), said("m", now + 1)]
    assert await recorder.history.put(late) == 1
    assert await recorder.history.put(late) == 0
    assert recorder.history.refused == 0
    clock.pass_(100)
    await recorder.nodes.note(
        [
            Sighting("n", now + 1, title="Lamp"),
            Sighting("m", now + 1),
            # That it is gone is noticed when that is read, which may be at any time.
            Sighting("n", now + 110 * SECOND, Availability.OFFLINE, heard=False),
        ]
    )
    assert await store.nodes.get("n") is None
    assert [each.key.node for each in await store.history.series()] == ["m"]
    # It comes again. What it said before is still not stored, whatever else is.
    assert await recorder.history.put([said("n", now + 2), said("n", end), said("m", now + 2)]) == 2
    assert await recorder.history.put([said("n", now + 3), said("n", end + 1, unit="K")]) == 1
    assert await recorder.history.put([said("n", now + 3, "u"), said("n", end + 2, unit="C")]) == 1
    await recorder.nodes.note([Sighting("n", now + 4), Sighting("n", end + 1)])
    assert await times(store, "n") == [end, end + 1, end + 2]
    assert await times(store, "n", "u") == []
    assert await times(store, "m") == [now, now + 1, now + 2]
    node = await store.nodes.get("n")
    assert node is not None
    assert (node.first_seen, node.last_seen, node.title, node.name) == (end + 1, end + 1, "", "")
    # After a restart as well; and once more.
    await recorder.close()
    recorder = await Store.open(store_url, clock)
    assert await recorder.history.put([said("n", now + 5), said("n", end + 3)]) == 1
    await forget(store, "n")
    assert await recorder.history.put([said("n", end + 4)]) == 0
    await forget_unknown(store)
    await recorder.close()
    await store.close()


async def forget_unknown(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.nodes.remove("nobody", NOBODY)
    assert await known(store) == ["n"]


async def test_is_known_for_a_while_and_of_so_many(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgotten, "MAX_FORGOTTEN", 3)
    for uid in "dcba":
        clock.pass_(1)
        await store.history.forget(uid)
    assert await known(store) == ["a", "b", "c"]
    clock.pass_(1)
    await store.history.forget("c")
    clock.pass_(1)
    await store.history.forget("e")
    assert await known(store) == ["a", "c", "e"]
    clock.pass_(KEPT / SECOND - 1)
    await store.history.forget("f")
    assert await known(store) == ["c", "e", "f"]


async def test_waits_for_whoever_has_begun_to_make_something(store: Store) -> None:
    async with store._engine.writing() as connection:
        assert await beginnings(store._engine, connection, ["n"]) == {}
        forgetting = asyncio.create_task(store.history.forget("n"))
        done, _ = await asyncio.wait({forgetting}, timeout=0.2)
        assert not done
        await connection.execute(insert(SERIES).values(node="n", resource="t"))
    await forgetting
    assert await store.history.series("n") == []


async def test_no_series_takes_over_the_number_of_one_that_was_deleted(
    store_url: str, clock: Clock
) -> None:
    store, recorder = [await Store.open(store_url, clock) for _ in range(2)]
    now = store._engine.now()
    await recorder.history.put([said("n", now)])
    await store.history.forget("n")
    clock.pass_(10)
    # The recorder has not heard of that when another node comes.
    await recorder.history.put([said("m", now)])
    later = now + 20 * SECOND
    assert await recorder.history.put([said("n", later)]) == 1
    assert await recorder.history.rows(SeriesKey("m", "t"), 0, 1 << 60, limit=9) == [
        Reading(now, 1.0, None)
    ]
    assert await times(store, "n") == [later]
    async with store._engine.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(SERIES)) == 2
    await recorder.close()
    await store.close()
