"""Proofs of identity: sessions, API keys, one-time tokens, links, revocations, grants, and a sealed trail."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = ("revocation", "spent_proof", "audit_link")
NEVER_DELETED = ("login_session", "refresh_token", "api_key", "one_time_token", "identity_link", "mail")
CHECKS = (
    ("token_version_counts_up", "app_user", "token_version > 0"),
    (
        "credential_is_known",
        "audit_entry",
        "credential IN ('session', 'api_key', 'break_glass', 'operator', 'system', 'anonymous')",
    ),
    ("before_is_a_digest", "audit_entry", "octet_length(before_digest) = 32"),
    ("after_is_a_digest", "audit_entry", "octet_length(after_digest) = 32"),
    ("occurred", "audit_entry", "occurrences > 0"),
)
FUNCTIONS = (
    # Who may less than before must prove anew who he is: no statement can forget it.
    """
CREATE FUNCTION next_token_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.token_version := OLD.token_version + 1;
    RETURN NEW;
END $$
    """,
    """
CREATE TRIGGER app_user_ends_tokens BEFORE UPDATE ON app_user FOR EACH ROW
WHEN (NEW.role <> OLD.role OR NEW.is_active <> OLD.is_active
      OR (NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL))
EXECUTE FUNCTION next_token_version()
    """,
    """
CREATE FUNCTION revoke_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocation (user_id, version) VALUES (NEW.id, NEW.token_version);
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER app_user_revokes AFTER UPDATE ON app_user FOR EACH ROW
WHEN (NEW.token_version <> OLD.token_version) EXECUTE FUNCTION revoke_versions()
    """,
    """
CREATE FUNCTION revoke_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocation (user_id, session_id) VALUES (NEW.user_id, NEW.id);
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER login_session_revokes AFTER UPDATE ON login_session FOR EACH ROW
WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION revoke_session()
    """,
    """
CREATE FUNCTION announce_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('waardhaven_revocation', NEW.id::text);
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER announce AFTER INSERT ON revocation FOR EACH ROW EXECUTE FUNCTION announce_revocation()
    """,
)


def upgrade() -> None:
    op.create_table(
        "spent_proof",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_spent_proof_digest_is_sha256")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_proof")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("prefix ~ '^[a-z0-9]{10}$'", name=op.f("ck_api_key_prefix_is_a_name")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_key_lasts_a_while")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name=op.f("ck_api_key_name_is_given")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_api_key_digest_is_sha256")),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_key_limit_is_positive")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_api_key_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
    op.create_index("ix_api_key_user_id", "api_key", ["user_id"], unique=False)
    op.create_table(
        "identity_link",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "provider ~ '^[a-z][a-z0-9_]{0,31}$'", name=op.f("ck_identity_link_provider_is_a_name")
        ),
        sa.CheckConstraint(
            "length(subject) BETWEEN 1 AND 255", name=op.f("ck_identity_link_subject_is_given")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_identity_link_user_id")),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_identity_link")),
    )
    op.create_index("ix_identity_link_user_id", "identity_link", ["user_id"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_login_session_end_has_a_reason")
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_login_session_lasts_a_while")),
        sa.CheckConstraint("length(address) <= 64", name=op.f("ck_login_session_address_is_short")),
        sa.CheckConstraint("length(device) <= 200", name=op.f("ck_login_session_device_is_short")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_login_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"], unique=False)
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_mail_attempts_count_up")),
        sa.CheckConstraint(
            "done_at IS NULL OR sealed IS NULL", name=op.f("ck_mail_nothing_is_kept_when_done")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_mail_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
    )
    op.create_index(
        "ix_mail_pending", "mail", ["due_at"], unique=False, postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_table(
        "one_time_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('verify_email', 'reset_password')", name=op.f("ck_one_time_token_purpose_is_known")
        ),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_one_time_token_lasts_a_while")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_one_time_token_digest_is_sha256")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_one_time_token_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_one_time_token")),
    )
    op.create_index("ix_one_time_token_user_id", "one_time_token", ["user_id"], unique=False)
    op.create_table(
        "resource_grant",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("right", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind ~ '^[a-z_]+$'", name=op.f("ck_resource_grant_kind_is_a_name")),
        sa.CheckConstraint("\"right\" IN ('read', 'edit')", name=op.f("ck_resource_grant_right_is_known")),
        sa.ForeignKeyConstraint(["granted_by"], ["app_user.id"], name=op.f("fk_resource_grant_granted_by")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_resource_grant_user_id")),
        sa.PrimaryKeyConstraint("kind", "resource_id", "user_id", name=op.f("pk_resource_grant")),
    )
    op.create_index("ix_resource_grant_user_id", "resource_grant", ["user_id", "kind"], unique=False)
    op.create_table(
        "audit_link",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_audit_link_digest_is_sha256")),
        sa.CheckConstraint("position > 0", name=op.f("ck_audit_link_position_is_positive")),
        sa.ForeignKeyConstraint(["entry_id"], ["audit_entry.id"], name=op.f("fk_audit_link_entry_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_link_entry_id")),
    )
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_refresh_token_digest_is_sha256")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["login_session.id"], name=op.f("fk_refresh_token_session_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_token")),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"], unique=False)
    op.create_table(
        "revocation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(session_id IS NULL) <> (version IS NULL)",
            name=op.f("ck_revocation_ends_a_session_or_a_version"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["login_session.id"], name=op.f("fk_revocation_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_revocation_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation")),
    )
    op.create_index("ix_revocation_at", "revocation", ["at"], unique=False)
    op.add_column(
        "app_user", sa.Column("token_version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.alter_column("app_user", "password_hash", existing_type=sa.TEXT(), nullable=True)
    op.add_column("audit_entry", sa.Column("credential", sa.Text(), server_default="system", nullable=False))
    op.add_column("audit_entry", sa.Column("before_digest", sa.LargeBinary(), nullable=True))
    op.add_column("audit_entry", sa.Column("after_digest", sa.LargeBinary(), nullable=True))
    op.add_column(
        "audit_entry", sa.Column("occurrences", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id", "id"], unique=False)
    op.create_index("ix_audit_entry_target", "audit_entry", ["target", "id"], unique=False)
    for name, table, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    for statement in FUNCTIONS:
        op.execute(statement)
    for table in APPEND_ONLY:
        _refuse(table, "append_only", "UPDATE OR DELETE")
    for table in NEVER_DELETED:
        _refuse(table, "never_deleted", "DELETE")


def _refuse(table: str, rule: str, acts: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{rule} BEFORE {acts} ON {table} "
        "FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for function in ("announce_revocation", "revoke_session", "revoke_versions", "next_token_version"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
    for name, table, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.execute("UPDATE app_user SET password_hash = '$argon2id$none' WHERE password_hash IS NULL")

    op.drop_index("ix_audit_entry_target", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id", table_name="audit_entry")
    op.drop_column("audit_entry", "occurrences")
    op.drop_column("audit_entry", "after_digest")
    op.drop_column("audit_entry", "before_digest")
    op.drop_column("audit_entry", "credential")
    op.alter_column("app_user", "password_hash", existing_type=sa.TEXT(), nullable=False)
    op.drop_column("app_user", "token_version")
    op.drop_index("ix_revocation_at", table_name="revocation")
    op.drop_table("revocation")
    op.drop_index("ix_refresh_token_session_id", table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_table("audit_link")
    op.drop_index("ix_resource_grant_user_id", table_name="resource_grant")
    op.drop_table("resource_grant")
    op.drop_index("ix_one_time_token_user_id", table_name="one_time_token")
    op.drop_table("one_time_token")
    op.drop_index("ix_mail_pending", table_name="mail", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_table("mail")
    op.drop_index("ix_login_session_user_id", table_name="login_session")
    op.drop_table("login_session")
    op.drop_index("ix_identity_link_user_id", table_name="identity_link")
    op.drop_table("identity_link")
    op.drop_index("ix_api_key_user_id", table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("spent_proof")
