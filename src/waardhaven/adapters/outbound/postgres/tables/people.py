"""Accounts, and what proves who somebody is."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
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

from waardhaven.adapters.outbound.postgres.tables.base import instant, metadata, recorded

app_user = Table(
    "app_user",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("password_hash", Text, nullable=True),
    Column("role", Text, nullable=False, server_default="viewer"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_verified", Boolean, nullable=False, server_default=text("false")),
    Column("token_version", Integer, nullable=False, server_default=text("1")),
    recorded(),
    recorded("updated_at"),
    Column("deleted_at", instant, nullable=True),
    CheckConstraint("email = lower(email) AND email LIKE '_%@_%'", name="email_is_normalised"),
    CheckConstraint("username ~ '^[a-z0-9][a-z0-9._-]{2,49}$'", name="username_is_normalised"),
    CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name="role_is_known"),
    CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_is_hashed"),
    CheckConstraint("token_version > 0", name="token_version_counts_up"),
    Index("uq_app_user_email", "email", unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index("uq_app_user_username", "username", unique=True, postgresql_where=text("deleted_at IS NULL")),
)

login_session = Table(
    "login_session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=False),
    recorded(),
    Column("last_used_at", instant, nullable=False),
    Column("expires_at", instant, nullable=False),
    Column("device", Text, nullable=True),
    Column("address", Text, nullable=True),
    Column("ended_at", instant, nullable=True),
    Column("end_reason", Text, nullable=True),
    CheckConstraint("expires_at > created_at", name="lasts_a_while"),
    CheckConstraint("length(device) <= 200", name="device_is_short"),
    CheckConstraint("length(address) <= 64", name="address_is_short"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_a_reason"),
    Index("ix_login_session_user_id", "user_id"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("login_session.id"), nullable=False),
    Column("issued_at", instant, nullable=False),
    Column("used_at", instant, nullable=True),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    Index("ix_refresh_token_session_id", "session_id"),
)

revocation = Table(
    "revocation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("login_session.id"), nullable=True),
    Column("version", Integer, nullable=True),
    recorded("at"),
    CheckConstraint("(session_id IS NULL) <> (version IS NULL)", name="ends_a_session_or_a_version"),
    Index("ix_revocation_at", "at"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("per_minute", Integer, nullable=True),
    recorded(),
    Column("expires_at", instant, nullable=True),
    Column("last_used_at", instant, nullable=True),
    Column("revoked_at", instant, nullable=True),
    CheckConstraint("length(name) BETWEEN 1 AND 80", name="name_is_given"),
    CheckConstraint("prefix ~ '^[a-z0-9]{10}$'", name="prefix_is_a_name"),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("per_minute > 0", name="limit_is_positive"),
    CheckConstraint("expires_at > created_at", name="lasts_a_while"),
    Index("ix_api_key_user_id", "user_id"),
)

one_time_token = Table(
    "one_time_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=False),
    Column("email", Text, nullable=True),
    Column("issued_at", instant, nullable=False),
    Column("expires_at", instant, nullable=False),
    Column("used_at", instant, nullable=True),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("purpose IN ('verify_email', 'reset_password')", name="purpose_is_known"),
    CheckConstraint("expires_at > issued_at", name="lasts_a_while"),
    Index("ix_one_time_token_user_id", "user_id"),
)

identity_link = Table(
    "identity_link",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=False),
    Column("linked_at", instant, nullable=False),
    CheckConstraint("provider ~ '^[a-z][a-z0-9_]{0,31}$'", name="provider_is_a_name"),
    CheckConstraint("length(subject) BETWEEN 1 AND 255", name="subject_is_given"),
    Index("ix_identity_link_user_id", "user_id"),
)

spent_proof = Table(
    "spent_proof",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", instant, nullable=False),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
)

mail = Table(
    "mail",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    recorded(),
    Column("due_at", instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("done_at", instant, nullable=True),
    CheckConstraint("attempts >= 0", name="attempts_count_up"),
    CheckConstraint("done_at IS NULL OR sealed IS NULL", name="nothing_is_kept_when_done"),
    Index("ix_mail_pending", "due_at", postgresql_where=text("done_at IS NULL")),
)

resource_grant = Table(
    "resource_grant",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("resource_id", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("app_user.id"), primary_key=True),
    Column("right", Text, nullable=False),
    Column("granted_by", Uuid, ForeignKey("app_user.id"), nullable=True),
    recorded("granted_at"),
    CheckConstraint("kind ~ '^[a-z_]+$'", name="kind_is_a_name"),
    CheckConstraint("\"right\" IN ('read', 'edit')", name="right_is_known"),
    Index("ix_resource_grant_user_id", "user_id", "kind"),
)
