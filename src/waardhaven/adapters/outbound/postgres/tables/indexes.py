"""Definitions, builds and publications of indices: added to, never changed."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from waardhaven.adapters.outbound.postgres.tables.base import float8, instant, metadata, recorded

market_index = Table(
    "market_index",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("owner_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    Column("visibility", Text, nullable=False, server_default="public"),
    recorded(),
    Column("deleted_at", instant, nullable=True),
    CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug_is_a_slug"),
    CheckConstraint("visibility IN ('private', 'shared', 'public')", name="visibility_is_known"),
    CheckConstraint("owner_id IS NOT NULL OR visibility = 'public'", name="system_index_is_public"),
)

index_definition = Table(
    "index_definition",
    metadata,
    Column("index_id", BigInteger, ForeignKey("market_index.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("base_date", Date, nullable=False),
    Column("base_value", float8, nullable=False),
    Column("currency", Text, ForeignKey("currency.code"), nullable=False),
    Column("universe", Text, ForeignKey("universe.slug"), nullable=False),
    Column("lag", Integer, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("fixing", Text, nullable=False),
    Column("restatement", Text, nullable=False),
    Column("rules", JSONB, nullable=False),
    Column("author_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    Column("reason", Text, nullable=True),
    recorded(),
    CheckConstraint("version > 0", name="version_is_positive"),
    CheckConstraint("base_value > 0 AND base_value < 'Infinity'", name="base_value_is_positive"),
    CheckConstraint("lag >= 1", name="selection_precedes_effect"),
    CheckConstraint("decimals BETWEEN 0 AND 12", name="decimals_are_sane"),
    CheckConstraint("restatement IN ('leave', 'restate')", name="restatement_is_known"),
    CheckConstraint("jsonb_typeof(rules) = 'object'", name="rules_are_an_object"),
    CheckConstraint("reason <> ''", name="reason_says_something"),
)

forced_review = Table(
    "forced_review",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("index_id", BigInteger, ForeignKey("market_index.id"), nullable=False),
    Column("after_day", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Uuid, ForeignKey("app_user.id"), nullable=True),
    recorded("requested_at"),
    UniqueConstraint("index_id", "after_day"),
    CheckConstraint("reason <> ''", name="reason_is_given"),
)

build = Table(
    "build",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("index_id", BigInteger, nullable=False),
    Column("definition_version", Integer, nullable=False),
    Column("vintage", BigInteger, ForeignKey("vintage.id"), nullable=False),
    Column("code_version", Text, nullable=False),
    Column("code_digest", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("input_hash", Text, nullable=False),
    Column("restates", Boolean, nullable=False),
    Column("opened_from", Date, nullable=True),
    Column("start_day", Date, nullable=False),
    Column("through_day", Date, nullable=False),
    Column("sessions", Integer, nullable=False),
    Column("created_at", instant, nullable=False),
    ForeignKeyConstraint(
        ["index_id", "definition_version"], ["index_definition.index_id", "index_definition.version"]
    ),
    UniqueConstraint("id", "index_id"),
    CheckConstraint("through_day >= start_day", name="range_runs_forward"),
    CheckConstraint("opened_from IS NULL OR opened_from < start_day", name="opening_precedes_start"),
    CheckConstraint("sessions > 0", name="sessions_are_positive"),
    CheckConstraint(
        "input_hash ~ '^[0-9a-f]{64}$' AND code_digest ~ '^[0-9a-f]{64}$' AND fingerprint ~ '^[0-9a-f]{64}$'",
        name="digests_are_sha256",
    ),
    Index("ix_build_index_id_created_at", "index_id", text("created_at DESC"), text("id DESC")),
)

build_column = Table(
    "build_column",
    metadata,
    Column("build_id", Uuid, ForeignKey("build.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("dtype", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    CheckConstraint(
        "dtype IN ('<i4', '<i8', '<f8', '|i1') AND octet_length(data) = n * "
        "CASE dtype WHEN '<i4' THEN 4 WHEN '|i1' THEN 1 ELSE 8 END",
        name="data_has_n_values",
    ),
    CheckConstraint("name ~ '^[a-z]+[.][a-z_]+$'", name="name_is_group_and_column"),
)

publication = Table(
    "publication",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("index_id", BigInteger, ForeignKey("market_index.id"), nullable=False),
    Column("build_id", Uuid, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("follows", BigInteger, ForeignKey("publication.id"), nullable=True),
    Column("from_day", Date, nullable=False),
    Column("through_day", Date, nullable=False),
    recorded("announced_at"),
    Column("effective_at", instant, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["build_id", "index_id"], ["build.id", "build.index_id"]),
    CheckConstraint("kind IN ('extend', 'restate')", name="kind_is_known"),
    CheckConstraint("through_day >= from_day", name="range_runs_forward"),
    CheckConstraint("effective_at >= announced_at", name="announced_before_effective"),
    CheckConstraint("reason <> ''", name="reason_is_given"),
    Index(
        "uq_publication_chain",
        "index_id",
        "follows",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

index_revision = Table(
    "index_revision",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("index_id", BigInteger, ForeignKey("market_index.id"), nullable=False),
    Column("publication_id", BigInteger, ForeignKey("publication.id"), nullable=False),
    Column("vintage", BigInteger, ForeignKey("vintage.id"), nullable=False),
    recorded("checked_at"),
    Column("first_day", Date, nullable=True),
    Column("days", Integer, nullable=False),
    Column("largest", float8, nullable=False),
    Column("published", float8, nullable=False),
    Column("known", float8, nullable=True),
    Column("decision", Text, nullable=False),
    UniqueConstraint("publication_id", "vintage"),
    CheckConstraint("(days = 0) = (first_day IS NULL)", name="days_have_a_first"),
    CheckConstraint("days >= 0 AND largest >= 0", name="figures_are_sizes"),
    CheckConstraint("decision IN ('same', 'left', 'restated')", name="decision_is_known"),
    Index("ix_index_revision_index_id_id", "index_id", text("id DESC")),
)

trial = Table(
    "trial",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("index_id", BigInteger, ForeignKey("market_index.id"), nullable=False),
    Column("variant", LargeBinary, nullable=False),
    Column("ratio", float8, nullable=True),
    recorded(),
    CheckConstraint("octet_length(variant) = 32", name="variant_is_sha256"),
    CheckConstraint("abs(ratio) < 'Infinity'", name="ratio_is_a_number"),
    Index("uq_trial_variant", "index_id", "variant", text("(ratio IS NULL)"), unique=True),
)

publication_to_measure = Table(
    "publication_to_measure",
    metadata,
    Column("publication_id", BigInteger, ForeignKey("publication.id"), primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", instant, nullable=False),
    CheckConstraint("attempts >= 0", name="attempts_are_counted"),
    Index("ix_publication_to_measure_due_at", "due_at"),
)

risk_set = Table(
    "risk_set",
    metadata,
    Column("publication_id", BigInteger, ForeignKey("publication.id"), primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("index_id", BigInteger, ForeignKey("market_index.id"), nullable=False),
    Column("base", Date, nullable=False),
    Column("currency", Text, ForeignKey("currency.code"), nullable=False),
    Column("variant", Text, nullable=False),
    Column("benchmark", Text, nullable=True),
    Column("returns", Integer, nullable=False),
    Column("common", Integer, nullable=True),
    Column("coverage", float8, nullable=False),
    Column("periods_per_year", float8, nullable=False),
    Column("risk_free_rate", float8, nullable=False),
    Column("confidence", float8, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("names", ARRAY(Text), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("values", ARRAY(float8), nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("notes", ARRAY(Text), nullable=False),
    Column("code", Text, nullable=False),
    Column("measured_at", instant, nullable=False),
    CheckConstraint("base < day", name="base_precedes_day"),
    CheckConstraint(
        "cardinality(units) = cardinality(names) AND cardinality(values) = cardinality(names) "
        "AND cardinality(reasons) = cardinality(names)",
        name="columns_belong_together",
    ),
    CheckConstraint(
        "cardinality(array_remove(values, NULL)) + cardinality(array_remove(reasons, NULL)) "
        "= cardinality(names)",
        name="value_or_reason",
    ),
    CheckConstraint(
        "NOT ('NaN'::float8 = ANY (values) OR 'Infinity'::float8 = ANY (values) "
        "OR '-Infinity'::float8 = ANY (values))",
        name="values_are_numbers",
    ),
    CheckConstraint("returns > 0 AND trials > 0", name="counts_are_positive"),
    Index("ix_risk_set_index_id_day", "index_id", text("day DESC"), text("publication_id DESC")),
)
