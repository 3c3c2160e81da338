"""Accounts and the trail of what was done."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from waardhaven.adapters.outbound.postgres.tables.base import instant, metadata, recorded

app_user = Table(
    "app_user",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="viewer"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_verified", Boolean, nullable=False, server_default=text("false")),
    recorded(),
    recorded("updated_at"),
    Column("deleted_at", instant, nullable=True),
    CheckConstraint("email = lower(email) AND email LIKE '_%@_%'", name="email_is_normalised"),
    CheckConstraint("username ~ '^[a-z0-9][a-z0-9._-]{2,49}$'", name="username_is_normalised"),
    CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name="role_is_known"),
    CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_is_hashed"),
    Index("uq_app_user_email", "email", unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index("uq_app_user_username", "username", unique=True, postgresql_where=text("deleted_at IS NULL")),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    recorded("at"),
    Column("actor_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("correlation_id", Text, nullable=True),
    CheckConstraint("action ~ '^[a-z_.]+$'", name="action_is_a_name"),
)
