# SPDX-License-Identifier: BSD-3-Clause
"""Brings a store of an earlier release to the tables of `pyaiot.store.schema`.

A change of the schema is a new file in ``versions/`` and a new `HEAD`; a test compares a store
that went through all of them with the schema.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from pyaiot.errors import StartFailed
from pyaiot.store.engine import Engine

HEAD: Final = "0002"
"""The revision that this release reads and writes."""

_LOCK: Final = 0x7079_6169_6F74
"""PostgreSQL's advisory lock while the schema changes: several services may start at once."""


async def migrate(engine: Engine) -> None:
    """Bring the store to `HEAD`. Raises StartFailed for one of a newer release, StoreFailed."""
    async with engine.reading() as connection:
        if await connection.run_sync(_revision) == HEAD:
            return
    async with engine.writing() as connection:
        if engine.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_upgrade)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    # Imported where there is something to change: it takes longer than all else at the start.
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
