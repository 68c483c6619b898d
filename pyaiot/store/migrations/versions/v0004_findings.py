# SPDX-License-Identifier: BSD-3-Clause
"""What an alert says, for those who say it in words of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; of alerts before there is the sentence alone."""
    op.add_column("alerts", sa.Column("finding", sa.JSON()))
