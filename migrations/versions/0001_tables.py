"""Every table: people, market facts, prices, indices, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="viewer", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "email = lower(email) AND email LIKE '_%@_%'", name=op.f("ck_app_user_email_is_normalised")
        ),
        sa.CheckConstraint("password_hash LIKE '$argon2id$%'", name=op.f("ck_app_user_password_is_hashed")),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name=op.f("ck_app_user_role_is_known")),
        sa.CheckConstraint(
            "username ~ '^[a-z0-9][a-z0-9._-]{2,49}$'", name=op.f("ck_app_user_username_is_normalised")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
    )
    op.create_index(
        "uq_app_user_email",
        "app_user",
        ["email"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_app_user_username",
        "app_user",
        ["username"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "asset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    op.create_table(
        "currency",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z]{3}$'", name=op.f("ck_currency_code_is_iso")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_currency")),
    )
    op.create_table(
        "generation",
        sa.Column("one", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_generation_there_is_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_generation")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(payload) = 'object'", name=op.f("ck_outbox_payload_is_an_object")),
        sa.CheckConstraint("kind ~ '^[a-z_]+[.][a-z_]+$'", name=op.f("ck_outbox_kind_is_a_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_pending", "outbox", ["id"], unique=False, postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.create_table(
        "universe",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_universe_slug_is_a_slug")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_universe")),
    )
    op.create_table(
        "vintage",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("id > 0", name=op.f("ck_vintage_id_is_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vintage")),
        sa.UniqueConstraint("committed_at", name=op.f("uq_vintage_committed_at")),
    )
    op.create_table(
        "asset_identifier",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), server_default="", nullable=False),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("'-infinity'"), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("vintage_from", sa.BigInteger(), nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(scheme IN ('ticker', 'provider')) = (venue <> '')",
            name=op.f("ck_asset_identifier_venue_where_it_belongs"),
        ),
        sa.CheckConstraint(
            "scheme IN ('ticker', 'isin', 'figi', 'provider')",
            name=op.f("ck_asset_identifier_scheme_is_known"),
        ),
        sa.CheckConstraint(
            "value ~ '^[A-Za-z0-9._^/=-]{1,40}$'", name=op.f("ck_asset_identifier_value_is_an_identifier")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_asset_identifier_valid_while")
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_asset_identifier_known_while")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_identifier_asset_id")),
        sa.ForeignKeyConstraint(
            ["vintage_from"], ["vintage.id"], name=op.f("fk_asset_identifier_vintage_from")
        ),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_asset_identifier_vintage_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_identifier")),
    )
    op.create_index("ix_asset_identifier_asset_id", "asset_identifier", ["asset_id"], unique=False)
    op.create_index(
        "uq_asset_identifier_current",
        "asset_identifier",
        ["scheme", "value", "venue", "valid_from"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.CheckConstraint("action ~ '^[a-z_.]+$'", name=op.f("ck_audit_entry_action_is_a_name")),
        sa.ForeignKeyConstraint(["actor_id"], ["app_user.id"], name=op.f("fk_audit_entry_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "classification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asset_type", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("'-infinity'"), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("vintage_from", sa.BigInteger(), nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "asset_type IN ('equity', 'etf', 'index', 'fund', 'bond', 'commodity', 'crypto', 'fx', 'cash')",
            name=op.f("ck_classification_asset_type_is_known"),
        ),
        sa.CheckConstraint(
            "country IS NULL OR country ~ '^[A-Z]{2}$'", name=op.f("ck_classification_country_is_iso")
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_classification_name_is_given")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_classification_valid_while")
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_classification_known_while")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_classification_asset_id")),
        sa.ForeignKeyConstraint(["currency"], ["currency.code"], name=op.f("fk_classification_currency")),
        sa.ForeignKeyConstraint(
            ["vintage_from"], ["vintage.id"], name=op.f("fk_classification_vintage_from")
        ),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_classification_vintage_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification")),
    )
    op.create_index(
        "uq_classification_current",
        "classification",
        ["asset_id", "valid_from"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "corporate_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("record_date", sa.Date(), nullable=True),
        sa.Column("pay_date", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=8), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("ratio", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("other_asset_id", sa.BigInteger(), nullable=True),
        sa.Column("vintage_from", sa.BigInteger(), nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind <> 'split' OR ratio IS NOT NULL", name=op.f("ck_corporate_action_split_has_a_ratio")
        ),
        sa.CheckConstraint(
            "kind IN ('split', 'cash_dividend', 'special_dividend', 'spin_off', 'merger', 'symbol_change', 'delisting', 'rights')",
            name=op.f("ck_corporate_action_kind_is_known"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('cash_dividend', 'special_dividend') OR amount IS NOT NULL",
            name=op.f("ck_corporate_action_dividend_has_an_amount"),
        ),
        sa.CheckConstraint(
            "status IN ('announced', 'confirmed', 'cancelled')",
            name=op.f("ck_corporate_action_status_is_known"),
        ),
        sa.CheckConstraint(
            "(amount IS NULL) = (currency IS NULL)", name=op.f("ck_corporate_action_amount_has_a_currency")
        ),
        sa.CheckConstraint(
            "amount IS NULL OR (amount >= 0 AND amount < 'Infinity')",
            name=op.f("ck_corporate_action_amount_is_not_negative"),
        ),
        sa.CheckConstraint(
            "pay_date IS NULL OR pay_date >= ex_date", name=op.f("ck_corporate_action_pay_follows_ex")
        ),
        sa.CheckConstraint(
            "ratio IS NULL OR (ratio > 0 AND ratio < 'Infinity')",
            name=op.f("ck_corporate_action_ratio_is_positive"),
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_corporate_action_known_while")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_corporate_action_asset_id")),
        sa.ForeignKeyConstraint(["currency"], ["currency.code"], name=op.f("fk_corporate_action_currency")),
        sa.ForeignKeyConstraint(
            ["other_asset_id"], ["asset.id"], name=op.f("fk_corporate_action_other_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["vintage_from"], ["vintage.id"], name=op.f("fk_corporate_action_vintage_from")
        ),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_corporate_action_vintage_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corporate_action")),
    )
    op.create_index(
        "uq_corporate_action_current",
        "corporate_action",
        ["asset_id", "source", "key"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "fx_series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fixing", sa.Text(), nullable=False),
        sa.CheckConstraint("base <> quote", name=op.f("ck_fx_series_currencies_differ")),
        sa.ForeignKeyConstraint(["base"], ["currency.code"], name=op.f("fk_fx_series_base")),
        sa.ForeignKeyConstraint(["quote"], ["currency.code"], name=op.f("fk_fx_series_quote")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fx_series")),
        sa.UniqueConstraint(
            "base", "quote", "source", "fixing", name=op.f("uq_fx_series_base_quote_source_fixing")
        ),
    )
    op.create_table(
        "market_index",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("visibility", sa.Text(), server_default="public", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "owner_id IS NOT NULL OR visibility = 'public'",
            name=op.f("ck_market_index_system_index_is_public"),
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_market_index_slug_is_a_slug")),
        sa.CheckConstraint(
            "visibility IN ('private', 'shared', 'public')", name=op.f("ck_market_index_visibility_is_known")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk_market_index_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_index")),
        sa.UniqueConstraint("slug", name=op.f("uq_market_index_slug")),
    )
    op.create_table(
        "quote_unit",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("per_major", sa.Integer(), nullable=False),
        sa.CheckConstraint("per_major > 0", name=op.f("ck_quote_unit_per_major_is_positive")),
        sa.ForeignKeyConstraint(["currency"], ["currency.code"], name=op.f("fk_quote_unit_currency")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_quote_unit")),
        sa.UniqueConstraint("code", "currency", name=op.f("uq_quote_unit_code_currency")),
    )
    op.create_table(
        "session",
        sa.Column("mic", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.Column("open_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("close_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mic ~ '^[A-Z0-9]{4}$'", name=op.f("ck_session_mic_is_iso")),
        sa.CheckConstraint("close_at > open_at", name=op.f("ck_session_close_follows_open")),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_session_known_while")
        ),
        sa.ForeignKeyConstraint(["vintage_from"], ["vintage.id"], name=op.f("fk_session_vintage_from")),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_session_vintage_to")),
        sa.PrimaryKeyConstraint("mic", "day", "vintage_from", name=op.f("pk_session")),
    )
    op.create_index(
        "uq_session_current",
        "session",
        ["mic", "day"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "shares_outstanding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shares", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "shares > 0 AND shares < 'Infinity'", name=op.f("ck_shares_outstanding_shares_are_positive")
        ),
        sa.CheckConstraint(
            "status IN ('reported', 'approximate', 'unchecked')",
            name=op.f("ck_shares_outstanding_status_is_known"),
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_shares_outstanding_known_while")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_shares_outstanding_asset_id")),
        sa.ForeignKeyConstraint(
            ["vintage_from"], ["vintage.id"], name=op.f("fk_shares_outstanding_vintage_from")
        ),
        sa.ForeignKeyConstraint(
            ["vintage_to"], ["vintage.id"], name=op.f("fk_shares_outstanding_vintage_to")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares_outstanding")),
    )
    op.create_index(
        "uq_shares_outstanding_current",
        "shares_outstanding",
        ["asset_id", "day", "source"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "universe_member",
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_universe_member_valid_while")
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_universe_member_known_while")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_universe_member_asset_id")),
        sa.ForeignKeyConstraint(["universe"], ["universe.slug"], name=op.f("fk_universe_member_universe")),
        sa.ForeignKeyConstraint(
            ["vintage_from"], ["vintage.id"], name=op.f("fk_universe_member_vintage_from")
        ),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_universe_member_vintage_to")),
        sa.PrimaryKeyConstraint(
            "universe", "asset_id", "valid_from", "vintage_from", name=op.f("pk_universe_member")
        ),
    )
    op.create_index(
        "uq_universe_member_current",
        "universe_member",
        ["universe", "asset_id", "valid_from"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "fx_rate",
        sa.Column("fx_series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rate > 0 AND rate < 'Infinity'", name=op.f("ck_fx_rate_rate_is_a_rate")),
        sa.PrimaryKeyConstraint("fx_series_id", "day", name=op.f("pk_fx_rate")),
    )
    op.create_table(
        "fx_rate_revision",
        sa.Column("fx_series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("withdrawn", sa.Text(), nullable=True),
        sa.CheckConstraint("rate > 0 AND rate < 'Infinity'", name=op.f("ck_fx_rate_revision_rate_is_a_rate")),
        sa.CheckConstraint("vintage_to > vintage_from", name=op.f("ck_fx_rate_revision_known_while")),
        sa.PrimaryKeyConstraint("fx_series_id", "day", "vintage_from", name=op.f("pk_fx_rate_revision")),
    )
    op.create_table(
        "index_definition",
        sa.Column("index_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_date", sa.Date(), nullable=False),
        sa.Column("base_value", sa.Double(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("lag", sa.Integer(), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("fixing", sa.Text(), nullable=False),
        sa.Column("restatement", sa.Text(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "base_value > 0 AND base_value < 'Infinity'",
            name=op.f("ck_index_definition_base_value_is_positive"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(rules) = 'object'", name=op.f("ck_index_definition_rules_are_an_object")
        ),
        sa.CheckConstraint(
            "restatement IN ('leave', 'restate')", name=op.f("ck_index_definition_restatement_is_known")
        ),
        sa.CheckConstraint("decimals BETWEEN 0 AND 12", name=op.f("ck_index_definition_decimals_are_sane")),
        sa.CheckConstraint("lag >= 1", name=op.f("ck_index_definition_selection_precedes_effect")),
        sa.CheckConstraint("version > 0", name=op.f("ck_index_definition_version_is_positive")),
        sa.ForeignKeyConstraint(["author_id"], ["app_user.id"], name=op.f("fk_index_definition_author_id")),
        sa.ForeignKeyConstraint(["currency"], ["currency.code"], name=op.f("fk_index_definition_currency")),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_index_definition_index_id")),
        sa.ForeignKeyConstraint(["universe"], ["universe.slug"], name=op.f("fk_index_definition_universe")),
        sa.PrimaryKeyConstraint("index_id", "version", name=op.f("pk_index_definition")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("adjustment", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quote_unit", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "adjustment IN ('raw', 'splits', 'all')", name=op.f("ck_series_adjustment_is_known")
        ),
        sa.CheckConstraint("source ~ '^[a-z][a-z0-9_-]{0,31}$'", name=op.f("ck_series_source_is_a_slug")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_series_asset_id")),
        sa.ForeignKeyConstraint(
            ["quote_unit", "currency"],
            ["quote_unit.code", "quote_unit.currency"],
            name=op.f("fk_series_quote_unit_currency"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "asset_id",
            "source",
            "adjustment",
            "currency",
            "quote_unit",
            name=op.f("uq_series_asset_id_source_adjustment_currency_quote_unit"),
        ),
    )
    op.create_table(
        "build",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("restates", sa.Boolean(), nullable=False),
        sa.Column("opened_from", sa.Date(), nullable=True),
        sa.Column("start_day", sa.Date(), nullable=False),
        sa.Column("through_day", sa.Date(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "input_hash ~ '^[0-9a-f]{64}$' AND code_digest ~ '^[0-9a-f]{64}$' AND fingerprint ~ '^[0-9a-f]{64}$'",
            name=op.f("ck_build_digests_are_sha256"),
        ),
        sa.CheckConstraint(
            "opened_from IS NULL OR opened_from < start_day", name=op.f("ck_build_opening_precedes_start")
        ),
        sa.CheckConstraint("sessions > 0", name=op.f("ck_build_sessions_are_positive")),
        sa.CheckConstraint("through_day >= start_day", name=op.f("ck_build_range_runs_forward")),
        sa.ForeignKeyConstraint(
            ["index_id", "definition_version"],
            ["index_definition.index_id", "index_definition.version"],
            name=op.f("fk_build_index_id_definition_version"),
        ),
        sa.ForeignKeyConstraint(["vintage"], ["vintage.id"], name=op.f("fk_build_vintage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build")),
        sa.UniqueConstraint("id", "index_id", name=op.f("uq_build_id_index_id")),
    )
    op.create_index(
        "ix_build_index_id_created_at",
        "build",
        ["index_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "price",
        sa.Column("series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(low > 0 AND low <= close) OR low = 'NaN'", name=op.f("ck_price_low_is_not_above_close")
        ),
        sa.CheckConstraint("close > 0 AND close < 'Infinity'", name=op.f("ck_price_close_is_a_price")),
        sa.CheckConstraint(
            "high >= close AND high <> 'Infinity'", name=op.f("ck_price_high_is_not_below_close")
        ),
        sa.CheckConstraint(
            "open > 0 AND open <> 'Infinity'", name=op.f("ck_price_open_is_a_price_or_unknown")
        ),
        sa.CheckConstraint(
            "volume >= 0 AND volume <> 'Infinity'", name=op.f("ck_price_volume_is_not_negative")
        ),
        sa.PrimaryKeyConstraint("series_id", "day", name=op.f("pk_price")),
    )
    op.create_table(
        "price_chunk",
        sa.Column("series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=False),
        sa.Column("closes", sa.LargeBinary(), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("n > 0 AND n <= 366", name=op.f("ck_price_chunk_n_fits_a_year")),
        sa.CheckConstraint(
            "octet_length(days) = 4 * n AND octet_length(closes) = 8 * n",
            name=op.f("ck_price_chunk_columns_have_n_rows"),
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_price_chunk_series_id")),
        sa.ForeignKeyConstraint(["vintage"], ["vintage.id"], name=op.f("fk_price_chunk_vintage")),
        sa.PrimaryKeyConstraint("series_id", "year", name=op.f("pk_price_chunk")),
    )
    op.create_table(
        "price_revision",
        sa.Column("series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("withdrawn", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(low > 0 AND low <= close) OR low = 'NaN'", name=op.f("ck_price_revision_low_is_not_above_close")
        ),
        sa.CheckConstraint(
            "close > 0 AND close < 'Infinity'", name=op.f("ck_price_revision_close_is_a_price")
        ),
        sa.CheckConstraint(
            "high >= close AND high <> 'Infinity'", name=op.f("ck_price_revision_high_is_not_below_close")
        ),
        sa.CheckConstraint(
            "open > 0 AND open <> 'Infinity'", name=op.f("ck_price_revision_open_is_a_price_or_unknown")
        ),
        sa.CheckConstraint(
            "volume >= 0 AND volume <> 'Infinity'", name=op.f("ck_price_revision_volume_is_not_negative")
        ),
        sa.CheckConstraint(
            "withdrawn IS NULL OR withdrawn <> ''", name=op.f("ck_price_revision_withdrawal_has_a_reason")
        ),
        sa.CheckConstraint("vintage_to > vintage_from", name=op.f("ck_price_revision_known_while")),
        sa.PrimaryKeyConstraint("series_id", "day", "vintage_from", name=op.f("pk_price_revision")),
    )
    op.create_table(
        "quality_flag",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("vintage_from", sa.BigInteger(), nullable=False),
        sa.Column("vintage_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('outlier', 'stale', 'artefact', 'held')", name=op.f("ck_quality_flag_kind_is_known")
        ),
        sa.CheckConstraint(
            "vintage_to IS NULL OR vintage_to > vintage_from", name=op.f("ck_quality_flag_known_while")
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_quality_flag_series_id")),
        sa.ForeignKeyConstraint(["vintage_from"], ["vintage.id"], name=op.f("fk_quality_flag_vintage_from")),
        sa.ForeignKeyConstraint(["vintage_to"], ["vintage.id"], name=op.f("fk_quality_flag_vintage_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_flag")),
    )
    op.create_index(
        "uq_quality_flag_current",
        "quality_flag",
        ["series_id", "day", "kind"],
        unique=True,
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.create_table(
        "build_column",
        sa.Column("build_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "dtype IN ('<i4', '<i8', '<f8', '|i1') AND octet_length(data) = n * CASE dtype WHEN '<i4' THEN 4 WHEN '|i1' THEN 1 ELSE 8 END",
            name=op.f("ck_build_column_data_has_n_values"),
        ),
        sa.CheckConstraint(
            "name ~ '^[a-z]+[.][a-z_]+$'", name=op.f("ck_build_column_name_is_group_and_column")
        ),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_build_column_build_id")),
        sa.PrimaryKeyConstraint("build_id", "name", name=op.f("pk_build_column")),
    )
    op.create_table(
        "publication",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("build_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("follows", sa.BigInteger(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("through_day", sa.Date(), nullable=False),
        sa.Column(
            "announced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('extend', 'restate')", name=op.f("ck_publication_kind_is_known")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_publication_reason_is_given")),
        sa.CheckConstraint(
            "effective_at >= announced_at", name=op.f("ck_publication_announced_before_effective")
        ),
        sa.CheckConstraint("through_day >= from_day", name=op.f("ck_publication_range_runs_forward")),
        sa.ForeignKeyConstraint(
            ["build_id", "index_id"],
            ["build.id", "build.index_id"],
            name=op.f("fk_publication_build_id_index_id"),
        ),
        sa.ForeignKeyConstraint(["follows"], ["publication.id"], name=op.f("fk_publication_follows")),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_publication_index_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("build_id", name=op.f("uq_publication_build_id")),
    )
    op.create_index(
        "uq_publication_chain",
        "publication",
        ["index_id", "follows"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_index("uq_publication_chain", table_name="publication", postgresql_nulls_not_distinct=True)
    op.drop_table("publication")
    op.drop_table("build_column")
    op.drop_index(
        "uq_quality_flag_current", table_name="quality_flag", postgresql_where=sa.text("vintage_to IS NULL")
    )
    op.drop_table("quality_flag")
    op.drop_table("price_revision")
    op.drop_table("price_chunk")
    op.drop_table("price")
    op.drop_index("ix_build_index_id_created_at", table_name="build")
    op.drop_table("build")
    op.drop_table("series")
    op.drop_table("index_definition")
    op.drop_table("fx_rate_revision")
    op.drop_table("fx_rate")
    op.drop_index(
        "uq_universe_member_current",
        table_name="universe_member",
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.drop_table("universe_member")
    op.drop_index(
        "uq_shares_outstanding_current",
        table_name="shares_outstanding",
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.drop_table("shares_outstanding")
    op.drop_index("uq_session_current", table_name="session", postgresql_where=sa.text("vintage_to IS NULL"))
    op.drop_table("session")
    op.drop_table("quote_unit")
    op.drop_table("market_index")
    op.drop_table("fx_series")
    op.drop_index(
        "uq_corporate_action_current",
        table_name="corporate_action",
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.drop_table("corporate_action")
    op.drop_index(
        "uq_classification_current",
        table_name="classification",
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.drop_table("classification")
    op.drop_table("audit_entry")
    op.drop_index(
        "uq_asset_identifier_current",
        table_name="asset_identifier",
        postgresql_where=sa.text("vintage_to IS NULL"),
    )
    op.drop_index("ix_asset_identifier_asset_id", table_name="asset_identifier")
    op.drop_table("asset_identifier")
    op.drop_table("vintage")
    op.drop_table("universe")
    op.drop_index("ix_outbox_pending", table_name="outbox", postgresql_where=sa.text("delivered_at IS NULL"))
    op.drop_table("outbox")
    op.drop_table("generation")
    op.drop_table("currency")
    op.drop_table("asset")
    op.drop_index(
        "uq_app_user_username", table_name="app_user", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index("uq_app_user_email", table_name="app_user", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("app_user")
