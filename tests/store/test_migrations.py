# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from pyaiot.store import migrations
from pyaiot.store.engine import Engine, open_engine
from pyaiot.store.migrations import HEAD, migrate, upgrade
from pyaiot.store.schema import METADATA
from tests.contracts.store import Clock


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences: list[Any] = compare_metadata(context, METADATA)
    return differences


def _tables(connection: Connection) -> dict[str, list[Any]]:
    """All that is known of each table, in the order of names."""
    found = inspect(connection)
    ways = (
        found.get_columns, found.get_indexes, found.get_foreign_keys, found.get_unique_constraints,
    )  # fmt: skip
    return {
        table: [
            sorted(({**each, "type": str(each.get("type"))} for each in way(table)), key=str)
            for way in ways
        ]
        + [found.get_pk_constraint(table)]
        for table in found.get_table_names()
    }


async def _nothing(_engine: Engine) -> None:
    """Leave it as it is."""


async def test_lead_to_the_schema(blank_url: str, clock: Clock) -> None:
    engine = await open_engine(blank_url, clock, _nothing)
    async with engine.writing() as connection:
        await connection.run_sync(upgrade)
        assert await connection.run_sync(_differences) == []
        migrated = await connection.run_sync(_tables)
        assert set(migrated) == {*METADATA.tables, "alembic_version"}
        await connection.run_sync(METADATA.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
    await migrate(engine)
    async with engine.reading() as connection:
        assert await connection.run_sync(_tables) == migrated
        found = (await connection.execute(text("SELECT * FROM alembic_version"))).scalars().all()
        assert found == [HEAD]
    await engine.close()


async def test_tables_of_a_file_are_as_small_as_can_be(tmp_path: Path, clock: Clock) -> None:
    for migration in (migrate, _through_all):
        engine = await open_engine(str(tmp_path / migration.__name__), clock, migration)
        async with engine.reading() as connection:
            made = "SELECT sql FROM sqlite_master WHERE name IN ('readings', 'minutes', 'hours')"
            tables = (await connection.execute(text(made))).scalars().all()
            assert len(tables) == 3
            assert all("WITHOUT ROWID" in each for each in tables)
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert await connection.scalar(text("PRAGMA auto_vacuum")) == 2
        await engine.close()


async def _through_all(engine: Engine) -> None:
    async with engine.writing() as connection:
        await connection.run_sync(upgrade)


def test_end_at_the_head_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_what_is_not_needed_is_not_loaded(tmp_path: Path) -> None:
    # It was a seventh of the memory of all services in one process.
    program = (
        "import asyncio, sys, time; from pyaiot.store.store import Store;"
        " store = lambda: Store.open(sys.argv[1], time.time);"
        " opened = asyncio.run(store()); asyncio.run(opened.close());"
        " print({'alembic', 'asyncpg', 'sqlalchemy.dialects.postgresql'} & sys.modules.keys())"
    )
    for _ in range(2):
        command = [sys.executable, "-c", program, str(tmp_path / "store.db")]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert ran.stdout == "set()\n"
