# SPDX-License-Identifier: BSD-3-Clause
"""What was changed with which version, so that not everything is read again for one change."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; versions before it are not in it, and are read as a whole."""
    op.create_table(
        "changes",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("version", "kind", "id", name=op.f("pk_changes")),
        sqlite_with_rowid=False,
    )
