# SPDX-License-Identifier: BSD-3-Clause
"""Which nodes were forgotten, so that nothing is stored of them that comes late."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; of what was forgotten before nothing is known."""
    op.create_table(
        "forgotten",
        sa.Column("node", sa.String(length=128), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_forgotten")),
        sqlite_with_rowid=False,
    )
