# SPDX-License-Identifier: BSD-3-Clause
"""The tables, the same for SQLite and PostgreSQL. ``migrations/`` brings older stores to these.

Times are whole microseconds since the epoch, in UTC: they compare exactly, so that a reading that
comes twice is known for the same.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SERIES: Final = Table(
    "series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("node", String(128), nullable=False),
    Column("resource", String(128), nullable=False),
    # Where in a structured value: "acc.x"; empty for a value that is one.
    Column("path", String(256), nullable=False, server_default=""),
    Column("unit", String(16), nullable=False, server_default=""),
    UniqueConstraint("node", "resource", "path"),
)

READINGS: Final = Table(
    "readings",
    METADATA,
    Column("series", Integer, ForeignKey("series.id", ondelete="CASCADE"), nullable=False),
    Column("time", BigInteger, nullable=False),
    # One of the two: a number, or else the text.
    Column("number", Float),
    Column("text", Text),
    PrimaryKeyConstraint("series", "time"),
    sqlite_with_rowid=False,
)


def _summary(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("series", Integer, ForeignKey("series.id", ondelete="CASCADE"), nullable=False),
        # The beginning of the minute or hour.
        Column("time", BigInteger, nullable=False),
        Column("low", Float, nullable=False),
        Column("mean", Float, nullable=False),
        Column("high", Float, nullable=False),
        Column("count", Integer, nullable=False),
        PrimaryKeyConstraint("series", "time"),
        sqlite_with_rowid=False,
    )


MINUTES: Final = _summary("minutes")
HOURS: Final = _summary("hours")

USERS: Final = Table(
    "users",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    # The name as it is compared: case-folded.
    Column("key", String(192), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    # Tokens that were made before no longer hold.
    Column("since", BigInteger, nullable=False),
    Column("seen", BigInteger),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # The id of the one refresh token that holds; one that was used before ends the session.
    Column("token", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("agent", String(256), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Index(None, "user"),
)

NODES: Final = Table(
    "nodes",
    METADATA,
    Column("uid", String(128), primary_key=True),
    # What people call it, and how that is compared; empty where it goes by its own name.
    Column("name", String(64), nullable=False, server_default=""),
    Column("key", String(192), nullable=False, server_default=""),
    # What it calls itself.
    Column("title", String(128), nullable=False, server_default=""),
    Column("protocol", String(32), nullable=False, server_default=""),
    Column("owner", String(64), ForeignKey("users.id", ondelete="SET NULL")),
    Column("public", String(16)),
    Column("location", JSON),
    Column("kind", String(64), nullable=False, server_default=""),
    Column("config", JSON),
    Column("first_seen", BigInteger),
    Column("last_seen", BigInteger),
    Column("availability", String(16)),
    # It was given a token once: from then on it needs one.
    Column("bound", Boolean, nullable=False, server_default="0"),
    Column("approved", Boolean, nullable=False, server_default="0"),
    Index(None, "owner"),
)

AVAILABILITY: Final = Table(
    "availability",
    METADATA,
    Column("node", String(128), ForeignKey("nodes.uid", ondelete="CASCADE"), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    PrimaryKeyConstraint("node", "time"),
)

SHARES: Final = Table(
    "shares",
    METADATA,
    Column("node", String(128), ForeignKey("nodes.uid", ondelete="CASCADE"), nullable=False),
    Column("user", String(64), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("level", String(16), nullable=False),
    PrimaryKeyConstraint("node", "user"),
)

TOKENS: Final = Table(
    "tokens",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("node", String(128), ForeignKey("nodes.uid", ondelete="CASCADE"), nullable=False),
    Column("maker", String(64), ForeignKey("users.id", ondelete="SET NULL")),
    Column("label", String(64), nullable=False, server_default=""),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Index(None, "node"),
)

INBOX: Final = Table(
    "inbox",
    METADATA,
    Column("uid", String(128), primary_key=True),
    Column("name", String(256), nullable=False, server_default=""),
    Column("protocol", String(32), nullable=False, server_default=""),
    Column("gateway", String(256), nullable=False, server_default=""),
    Column("address", String(256), nullable=False, server_default=""),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    # Somebody said that it may not come; it is not asked again.
    Column("refused", Boolean, nullable=False, server_default="0"),
)

RULES: Final = Table(
    "rules",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), ForeignKey("users.id", ondelete="CASCADE")),
    Column("name", String(64), nullable=False),
    Column("enabled", Boolean, nullable=False, server_default="1"),
    # The whole rule (`pyaiot.dashboard.api.forms.RuleForm`).
    Column("rule", JSON, nullable=False),
    Column("muted_until", BigInteger),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

CHANNELS: Final = Table(
    "channels",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), ForeignKey("users.id", ondelete="CASCADE")),
    Column("name", String(64), nullable=False),
    # An address as apprise knows them; may hold passwords, so it is never shown again.
    Column("url", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("rule", String(64), ForeignKey("rules.id", ondelete="CASCADE"), nullable=False),
    Column("node", String(128), nullable=False),
    Column("resource", String(128), nullable=False, server_default=""),
    Column("severity", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("text", String(256), nullable=False),
    Column("value", String(256), nullable=False, server_default=""),
    Column("raised", BigInteger, nullable=False),
    Column("acknowledged", BigInteger),
    Column("acknowledged_by", String(64), ForeignKey("users.id", ondelete="SET NULL")),
    Column("cleared", BigInteger),
    Column("finding", JSON),
    Index(None, "raised"),
    Index(None, "rule", "node", "resource"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("time", BigInteger, nullable=False),
    # The account's id and name as they were; accounts may go, what they did stays.
    Column("user", String(64), nullable=False, server_default=""),
    Column("user_name", String(64), nullable=False, server_default=""),
    Column("action", String(64), nullable=False),
    Column("subject", String(256), nullable=False, server_default=""),
    Column("detail", JSON),
    Index(None, "time"),
)

VERSIONS: Final = Table(
    "versions",
    METADATA,
    # "access" or "rules": whoever changes what is under it raises its version.
    Column("name", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

CHANGES: Final = Table(
    "changes",
    METADATA,
    # Of "access", with which version which record became another; only the last versions.
    Column("version", BigInteger, nullable=False),
    # "person" or "node".
    Column("kind", String(8), nullable=False),
    Column("id", String(128), nullable=False),
    PrimaryKeyConstraint("version", "kind", "id"),
    sqlite_with_rowid=False,
)

FORGOTTEN: Final = Table(
    "forgotten",
    METADATA,
    # A node of which nothing is to be stored that was measured before.
    Column("node", String(128), primary_key=True),
    Column("time", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

FACTS: Final = Table(
    "facts",
    METADATA,
    # What is known once for the whole store, such as how far summaries have been made.
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)
