"""Assets and every dated fact about them; their prices and rates: see ``prices``."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from waardhaven.adapters.outbound.postgres.tables.base import (
    float8,
    instant,
    known_from,
    known_to,
    known_while,
    metadata,
    recorded,
)

CURRENT = text("vintage_to IS NULL")


vintage = Table(
    "vintage",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("committed_at", instant, nullable=False, unique=True),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint("id > 0", name="id_is_positive"),
)

currency = Table(
    "currency",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    CheckConstraint("code ~ '^[A-Z]{3}$'", name="code_is_iso"),
)

quote_unit = Table(
    "quote_unit",
    metadata,
    Column("code", Text, primary_key=True),
    Column("currency", Text, ForeignKey("currency.code"), nullable=False),
    Column("per_major", Integer, nullable=False),
    UniqueConstraint("code", "currency"),
    CheckConstraint("per_major > 0", name="per_major_is_positive"),
)

asset = Table(
    "asset",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    recorded(),
    Column("archived_at", instant, nullable=True),
    Column("refreshed_through", Date, nullable=True),
)
"""``refreshed_through``: no fact of a vintage but how far refreshes came; see MarketFacts.mark_refreshed."""

asset_identifier = Table(
    "asset_identifier",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), nullable=False),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("venue", Text, nullable=False, server_default=""),
    Column("valid_from", Date, nullable=False, server_default=text("'-infinity'")),
    Column("valid_to", Date, nullable=True),
    known_from(),
    known_to(),
    known_while(),
    CheckConstraint("scheme IN ('ticker', 'isin', 'figi', 'provider')", name="scheme_is_known"),
    CheckConstraint("value ~ '^[A-Za-z0-9._^/=-]{1,40}$'", name="value_is_an_identifier"),
    CheckConstraint("(scheme IN ('ticker', 'provider')) = (venue <> '')", name="venue_where_it_belongs"),
    CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="valid_while"),
    Index(
        "uq_asset_identifier_current",
        "scheme",
        "value",
        "venue",
        "valid_from",
        unique=True,
        postgresql_where=CURRENT,
    ),
    Index("ix_asset_identifier_asset_id", "asset_id"),
)

classification = Table(
    "classification",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("asset_type", Text, nullable=False),
    Column("currency", Text, ForeignKey("currency.code"), nullable=False),
    Column("sector", Text, nullable=True),
    Column("country", Text, nullable=True),
    Column("valid_from", Date, nullable=False, server_default=text("'-infinity'")),
    Column("valid_to", Date, nullable=True),
    known_from(),
    known_to(),
    known_while(),
    CheckConstraint(
        "asset_type IN ('equity', 'etf', 'index', 'fund', 'bond', 'commodity', 'crypto', 'fx', 'cash')",
        name="asset_type_is_known",
    ),
    CheckConstraint("name <> ''", name="name_is_given"),
    CheckConstraint("country IS NULL OR country ~ '^[A-Z]{2}$'", name="country_is_iso"),
    CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="valid_while"),
    Index("uq_classification_current", "asset_id", "valid_from", unique=True, postgresql_where=CURRENT),
)

series = Table(
    "series",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("adjustment", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("quote_unit", Text, nullable=False),
    recorded(),
    UniqueConstraint("asset_id", "source", "adjustment", "currency", "quote_unit"),
    ForeignKeyConstraint(["quote_unit", "currency"], ["quote_unit.code", "quote_unit.currency"]),
    CheckConstraint("adjustment IN ('raw', 'splits', 'all')", name="adjustment_is_known"),
    CheckConstraint("source ~ '^[a-z][a-z0-9_-]{0,31}$'", name="source_is_a_slug"),
)

shares_outstanding = Table(
    "shares_outstanding",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("shares", float8, nullable=False),
    Column("status", Text, nullable=False),
    Column("source", Text, nullable=False),
    known_from(),
    known_to(),
    Column("float_factor", float8, nullable=True),
    known_while(),
    CheckConstraint("float_factor > 0 AND float_factor <= 1", name="float_factor_is_a_share"),
    CheckConstraint("shares > 0 AND shares < 'Infinity'", name="shares_are_positive"),
    CheckConstraint("status IN ('reported', 'approximate', 'unchecked')", name="status_is_known"),
    Index(
        "uq_shares_outstanding_current", "asset_id", "day", "source", unique=True, postgresql_where=CURRENT
    ),
)

corporate_action = Table(
    "corporate_action",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("announced_at", instant, nullable=True),
    Column("ex_date", Date, nullable=False),
    Column("record_date", Date, nullable=True),
    Column("pay_date", Date, nullable=True),
    Column("amount", Numeric(20, 8), nullable=True),
    Column("currency", Text, ForeignKey("currency.code"), nullable=True),
    Column("ratio", Numeric(20, 10), nullable=True),
    Column("other_asset_id", BigInteger, ForeignKey("asset.id"), nullable=True),
    known_from(),
    known_to(),
    known_while(),
    CheckConstraint(
        "kind IN ('split', 'cash_dividend', 'special_dividend', 'spin_off', 'merger', 'symbol_change', "
        "'delisting', 'rights')",
        name="kind_is_known",
    ),
    CheckConstraint("status IN ('announced', 'confirmed', 'cancelled')", name="status_is_known"),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="amount_has_a_currency"),
    CheckConstraint("amount IS NULL OR (amount >= 0 AND amount < 'Infinity')", name="amount_is_not_negative"),
    CheckConstraint("ratio IS NULL OR (ratio > 0 AND ratio < 'Infinity')", name="ratio_is_positive"),
    CheckConstraint("kind <> 'split' OR ratio IS NOT NULL", name="split_has_a_ratio"),
    CheckConstraint(
        "kind NOT IN ('cash_dividend', 'special_dividend') OR amount IS NOT NULL",
        name="dividend_has_an_amount",
    ),
    CheckConstraint("pay_date IS NULL OR pay_date >= ex_date", name="pay_follows_ex"),
    Index("uq_corporate_action_current", "asset_id", "source", "key", unique=True, postgresql_where=CURRENT),
)

session = Table(
    "session",
    metadata,
    Column("mic", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("vintage_from", BigInteger, ForeignKey("vintage.id"), primary_key=True, autoincrement=False),
    known_to(),
    Column("open_at", instant, nullable=False),
    Column("close_at", instant, nullable=False),
    known_while(),
    CheckConstraint("close_at > open_at", name="close_follows_open"),
    CheckConstraint("mic ~ '^[A-Z0-9]{4}$'", name="mic_is_iso"),
    Index("uq_session_current", "mic", "day", unique=True, postgresql_where=CURRENT),
)

universe = Table(
    "universe",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("name", Text, nullable=False),
    recorded(),
    CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug_is_a_slug"),
)

universe_member = Table(
    "universe_member",
    metadata,
    Column("universe", Text, ForeignKey("universe.slug"), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), primary_key=True, autoincrement=False),
    Column("valid_from", Date, primary_key=True),
    Column("vintage_from", BigInteger, ForeignKey("vintage.id"), primary_key=True, autoincrement=False),
    Column("valid_to", Date, nullable=True),
    known_to(),
    known_while(),
    CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="valid_while"),
    Index(
        "uq_universe_member_current",
        "universe",
        "asset_id",
        "valid_from",
        unique=True,
        postgresql_where=CURRENT,
    ),
)
