"""The trail of what was done, and the chain that seals it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from waardhaven.adapters.outbound.postgres.tables.base import metadata, recorded

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    recorded("at"),
    Column("actor_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    Column("credential", Text, nullable=False, server_default="system"),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("before_digest", LargeBinary, nullable=True),
    Column("after_digest", LargeBinary, nullable=True),
    Column("occurrences", Integer, nullable=False, server_default=text("1")),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("correlation_id", Text, nullable=True),
    CheckConstraint("action ~ '^[a-z_.]+$'", name="action_is_a_name"),
    CheckConstraint(
        "credential IN ('session', 'api_key', 'job', 'break_glass', 'operator', 'system', 'anonymous')",
        name="credential_is_known",
    ),
    CheckConstraint("octet_length(before_digest) = 32", name="before_is_a_digest"),
    CheckConstraint("octet_length(after_digest) = 32", name="after_is_a_digest"),
    CheckConstraint("occurrences > 0", name="occurred"),
    Index("ix_audit_entry_actor_id", "actor_id", "id"),
    Index("ix_audit_entry_target", "target", "id"),
)

audit_link = Table(
    "audit_link",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, ForeignKey("audit_entry.id"), nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    recorded("sealed_at"),
    CheckConstraint("position > 0", name="position_is_positive"),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
)
