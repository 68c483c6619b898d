# SPDX-License-Identifier: BSD-3-Clause
"""Runs migrations on the connection that `pyaiot.store.migrations` gives; Alembic reads this."""

from alembic import context

from pyaiot.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite changes a table by making another one.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
