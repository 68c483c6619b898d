# SPDX-License-Identifier: BSD-3-Clause
"""Brings a store of an earlier release to the tables of `pyaiot.store.schema`.

A change of the schema is a new file in ``versions/`` and a new `HEAD`; a test compares a store
that went through all of them with one that is made of the schema at once, as all new ones are.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from pyaiot.errors import StartFailed
from pyaiot.store.engine import Engine
from pyaiot.store.schema import METADATA

HEAD: Final = "0004"
"""The revision that this release reads and writes."""

_LOCK: Final = 0x7079_6169_6F74
"""PostgreSQL's advisory lock while the schema changes: several services may start at once."""


async def migrate(engine: Engine) -> None:
    """Bring the store to `HEAD`. Raises StartFailed for one of a newer release, StoreFailed."""
    async with engine.reading() as connection:
        if await connection.run_sync(_revision) == HEAD:
            return
    async with engine.writing() as connection:
        await engine.lock(connection, _LOCK)
        if await connection.run_sync(_is_empty):
            await connection.run_sync(make)
        elif await connection.run_sync(_revision) != HEAD:
            # Unless another service has done it meanwhile.
            await connection.run_sync(upgrade)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _is_empty(connection: Connection) -> bool:
    return not inspect(connection).get_table_names()


def make(connection: Connection) -> None:
    """Make all tables of the schema where there are none."""
    METADATA.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def upgrade(connection: Connection) -> None:
    """Change all that has changed since an earlier release. Raises StartFailed for a newer one."""
    # Imported where there is something to change: it takes longer than all else at the start, and
    # a tenth of the memory of the whole process.
    from alembic import command  # noqa: PLC0415 - as said above
    from alembic.config import Config  # noqa: PLC0415 - as said above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as said above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    found = _revision(connection)
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StartFailed(f"it is of a newer release of pyaiot (schema {found})")
    command.upgrade(config, "head")
