# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text

from pyaiot.errors import StartFailed, StoreAway, StoreConflict, StoreFailed
from pyaiot.store import engine as engines
from pyaiot.store.engine import Engine, open_engine, shown, store_url
from pyaiot.store.migrations import migrate
from pyaiot.store.schema import FACTS, SERIES, SHARES
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.postgresql import PostgreSQL


@pytest.fixture
async def engine(store_url: str, clock: Clock) -> Engine:
    return await open_engine(store_url, clock, migrate)


class TestAddress:
    def test_default_is_in_the_users_data_directory(self) -> None:
        url = store_url("", {"XDG_DATA_HOME": "/somewhere"})
        assert (url.drivername, url.database) == ("sqlite+aiosqlite", "/somewhere/pyaiot/pyaiot.db")
        home = Path("~/.local/share/pyaiot/pyaiot.db").expanduser()
        assert store_url(" ", {}).database == str(home)

    def test_plain_path(self) -> None:
        assert store_url("some file.db", {}).database == "some file.db"
        assert store_url("~/x.db", {}).database == str(Path("~/x.db").expanduser())

    @pytest.mark.parametrize(
        ("text", "driver", "database"),
        [
            ("sqlite:////var/x.db", "sqlite+aiosqlite", "/var/x.db"),
            ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite", "x.db"),
            ("postgresql://u@h/d", "postgresql+asyncpg", "d"),
            ("postgresql+asyncpg://u:p@h:1/d", "postgresql+asyncpg", "d"),
        ],
    )
    def test_urls(self, text: str, driver: str, database: str) -> None:
        url = store_url(text, {})
        assert (url.drivername, url.database) == (driver, database)

    @pytest.mark.parametrize(
        "text", ["mysql://u:geheim@h/d", "nonsense://", "://geheim", "sqlite://", "pg://u:geheim@h"]
    )
    def test_no_address_of_a_store(self, text: str) -> None:
        with pytest.raises(StartFailed) as caught:
            store_url(text, {})
        assert "geheim" not in caught.value.reason

    def test_shown_without_password(self) -> None:
        assert (
            shown(store_url("postgresql://u:geheim@h/d", {})) == "'postgresql+asyncpg://u:***@h/d'"
        )
        assert shown(store_url("/x.db", {})) == "'/x.db'"


class TestOpening:
    async def test_makes_and_reopens(self, blank_url: str, clock: Clock) -> None:
        for _ in range(2):
            store = await Store.open(blank_url, clock)
            assert await store.versions.get("access") == 0
            await store.close()

    async def test_several_at_once(self, blank_url: str, clock: Clock) -> None:
        stores = await asyncio.gather(*(Store.open(blank_url, clock) for _ in range(3)))
        for store in stores:
            await store.close()

    async def test_is_nobody_elses_business(self, tmp_path: Path, clock: Clock) -> None:
        path = tmp_path / "a" / "b" / "store.db"
        engine = await open_engine(str(path), clock, migrate)
        async with engine.writing() as connection:
            await connection.execute(insert(FACTS).values(name="x", value=1))
        for each in path.parent.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
        await engine.close()

    async def test_newer(self, blank_url: str, clock: Clock) -> None:
        engine = await open_engine(blank_url, clock, migrate)
        async with engine.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await engine.close()
        with pytest.raises(StartFailed, match=r"newer release of pyaiot \(schema 9999\)\.$"):
            await Store.open(blank_url, clock)

    async def test_no_database(self, tmp_path: Path, clock: Clock) -> None:
        path = tmp_path / "x.db"
        path.write_bytes(b"something else" * 1000)
        with pytest.raises(StartFailed, match=r"x\.db' cannot be used: File is not a database\.$"):
            await Store.open(str(path), clock)

    async def test_cannot_be_made(self, tmp_path: Path, clock: Clock) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StartFailed, match="Not a directory") as caught:
            await Store.open(str(tmp_path / "file" / "x.db"), clock)
        assert not isinstance(caught.value, StoreAway)
        with pytest.raises(StartFailed, match="Is a directory"):
            await Store.open(str(tmp_path), clock)

    async def test_missing_driver(self, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
        def missing(*_: object, **__: object) -> None:
            raise ModuleNotFoundError("No module named 'asyncpg'", name="asyncpg")

        monkeypatch.setattr(engines, "create_async_engine", missing)
        with pytest.raises(StartFailed, match=r"needs asyncpg: install pyaiot\[postgresql\]"):
            await Store.open("postgresql://u:geheim@h/d", clock)

    async def test_locked_may_be_free_later(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "PATIENCE", 0.1)
        path = tmp_path / "x.db"
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreAway, match=r"x\.db' cannot be used: Database is locked\.$"):
            await Store.open(str(path), clock)
        other.close()
        await (await Store.open(str(path), clock)).close()

    async def test_server_that_is_away(self, tmp_path: Path, clock: Clock) -> None:
        with pytest.raises(StoreAway, match="No such file"):
            await Store.open(f"postgresql://u:geheim@/d?host={tmp_path}", clock)
        with pytest.raises(StoreAway, match=r"u:\*\*\*@127\.0\.0\.1:1/d"):
            await Store.open("postgresql://u:geheim@127.0.0.1:1/d", clock)

    async def test_database_that_is_not_there(self, postgresql: PostgreSQL, clock: Clock) -> None:
        with pytest.raises(StartFailed, match='Database "nothing" does not exist') as caught:
            await Store.open(postgresql.url("nothing"), clock)
        assert not isinstance(caught.value, StoreAway)


class TestTransactions:
    async def test_all_or_nothing(self, engine: Engine) -> None:
        async def change_mind() -> None:
            async with engine.writing() as connection:
                await connection.execute(insert(FACTS).values(name="x", value=1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await change_mind()
        async with engine.reading() as connection:
            assert await connection.scalar(select(func.count()).select_from(FACTS)) == 0
        await engine.close()

    async def test_conflicts(self, engine: Engine) -> None:
        async with engine.writing() as connection:
            await connection.execute(insert(FACTS).values(name="geheim", value=1))
        with pytest.raises(StoreConflict) as caught:
            async with engine.writing() as connection:
                await connection.execute(insert(FACTS).values(name="geheim", value=1))
        assert "geheim" not in caught.value.reason
        assert "\n" not in caught.value.reason
        with pytest.raises(StoreConflict):
            async with engine.writing() as connection:
                await connection.execute(insert(SHARES).values(node="x", user="y", level="view"))
        await engine.close()

    async def test_what_the_database_refuses(self, engine: Engine) -> None:
        with pytest.raises(StoreFailed) as caught:
            async with engine.reading() as connection:
                await connection.execute(text("SELECT geheim FROM nowhere WHERE x = 'geheim'"))
        assert caught.value.reason.endswith(".")
        assert caught.value.__cause__ is not None
        async with engine.reading() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await engine.close()

    async def test_writers_wait_for_each_other(self, engine: Engine) -> None:
        async def raise_it() -> None:
            async with engine.writing() as connection:
                value: int = await connection.scalar(select(FACTS.c.value).with_for_update()) or 0
                await asyncio.sleep(0)
                await connection.execute(FACTS.update().values(value=value + 1))

        async with engine.writing() as connection:
            await connection.execute(insert(FACTS).values(name="x", value=0))
        await asyncio.gather(*(raise_it() for _ in range(20)))
        async with engine.reading() as connection:
            assert await connection.scalar(select(FACTS.c.value)) == 20
        await engine.close()

    async def test_insert_knows_conflicts(self, engine: Engine) -> None:
        statement = engine.insert(SERIES).values(node="n", resource="r").on_conflict_do_nothing()
        async with engine.writing() as connection:
            assert (await connection.execute(statement)).rowcount == 1
            assert (await connection.execute(statement)).rowcount == 0
            await connection.execute(delete(SERIES))
        await engine.close()

    def test_time(self, clock: Clock) -> None:
        clock.time = 1.5
        assert Engine(engines._database(store_url("x", {})), clock).now() == 1_500_000

    async def test_comes_back_with_its_server(self, clock: Clock) -> None:
        from tests.postgresql import postgresql_server

        with postgresql_server() as server:
            engine = await open_engine(server.url(server.create()), clock, migrate)
            server.stop()
            with pytest.raises(StoreFailed):
                async with engine.reading() as connection:
                    await connection.scalar(text("SELECT 1"))
            server.start()
            async with engine.reading() as connection:
                assert await connection.scalar(text("SELECT 1")) == 1
            await engine.close()
