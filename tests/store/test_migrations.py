# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from pyaiot.store import migrations
from pyaiot.store.engine import open_engine
from pyaiot.store.migrations import HEAD, migrate
from pyaiot.store.schema import METADATA
from tests.contracts.store import Clock


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences: list[Any] = compare_metadata(context, METADATA)
    return differences


def _defaults(connection: Connection) -> dict[tuple[str, str], str | None]:
    found = inspect(connection)
    return {
        (table, column["name"]): column["default"]
        for table in METADATA.tables
        for column in found.get_columns(table)
    }


def _made_anew(connection: Connection) -> None:
    METADATA.drop_all(connection)
    METADATA.create_all(connection)


async def test_lead_to_the_schema(blank_url: str, clock: Clock) -> None:
    engine = await open_engine(blank_url, clock, migrate)
    async with engine.reading() as connection:
        assert await connection.run_sync(_differences) == []
        if engine.dialect == "sqlite":
            made = "SELECT sql FROM sqlite_master WHERE name IN ('readings', 'minutes', 'hours')"
            tables = (await connection.execute(text(made))).scalars().all()
            assert len(tables) == 3
            assert all("WITHOUT ROWID" in each for each in tables)
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert await connection.scalar(text("PRAGMA auto_vacuum")) == 2
    async with engine.writing() as connection:
        migrated = await connection.run_sync(_defaults)
        await connection.run_sync(_made_anew)
        assert await connection.run_sync(_defaults) == migrated
    await engine.close()


def test_end_at_the_head_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
