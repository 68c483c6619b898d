# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest

from pyaiot.store.engine import open_engine
from pyaiot.store.migrations import migrate
from pyaiot.store.versions import Versions, raise_version
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
