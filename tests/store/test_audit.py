# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.store import audit as module
from pyaiot.store.audit import NOBODY, Actor
from pyaiot.store.store import Store
from tests.contracts.store import Clock

ANN = Actor("a1", "Ann")


async def test_what_was_done_newest_first(store: Store, clock: Clock) -> None:
    await store.audit.write(ANN, "node.change", "n1", name="Lamp", public=None)
    clock.pass_(1)
    await store.audit.write(NOBODY, "start", "x" * 300)

    start, change = await store.audit.entries(9)
    assert (change.user, change.action, change.subject) == ("Ann", "node.change", "n1")
    assert change.detail == {"name": "Lamp", "public": None}
    assert (start.user, start.subject, start.detail) == ("", "x" * 256, {})
    assert start.time - change.time == 1_000_000
    assert await store.audit.entries(1) == [start]
    assert await store.audit.entries(9, start.id) == [change]
    assert await store.audit.entries(9, q="NODE") == [change]
    assert await store.audit.entries(9, q="N1") == [change]
    assert await store.audit.entries(9, q="%") == []
    assert await store.audit.entries(9, user="Ann") == [change]
    assert await store.audit.entries(9, user="Bob") == []


async def test_old_entries_make_room(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY", 4)
    monkeypatch.setattr(module, "KEPT", 6)
    for number in range(20):
        await store.audit.write(ANN, "count", str(number))
    assert [each.subject for each in await store.audit.entries(99)] == [
        str(number) for number in range(19, 13, -1)
    ]
    clock.pass_(module.KEPT_FOR / 1e6 + 1)
    for number in range(20, 24):
        await store.audit.write(ANN, "count", str(number))
    assert len(await store.audit.entries(99)) == 4
