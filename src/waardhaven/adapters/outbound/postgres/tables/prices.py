"""Prices and rates with their revisions, what is odd about them, and the files they came in.

The four large tables (price, fx_rate and their revisions) refer to series and vintages by triggers
that check a whole statement at once: a foreign key checks row by row and made bulk loads six times
slower (docs/adr/0006). Their parents are never deleted, so the promise is the same.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from waardhaven.adapters.outbound.postgres.tables.base import (
    float8,
    instant,
    known_to,
    known_while,
    metadata,
    recorded,
)

CURRENT = text("vintage_to IS NULL")


def _bar_checks() -> tuple[CheckConstraint, ...]:
    """Rules of a bar. NaN is unknown and sorts above every number in PostgreSQL."""
    return (
        CheckConstraint("close > 0 AND close < 'Infinity'", name="close_is_a_price"),
        CheckConstraint("open > 0 AND open <> 'Infinity'", name="open_is_a_price_or_unknown"),
        CheckConstraint("high >= close AND high <> 'Infinity'", name="high_is_not_below_close"),
        CheckConstraint("(low > 0 AND low <= close) OR low = 'NaN'", name="low_is_not_above_close"),
        CheckConstraint("volume >= 0 AND volume <> 'Infinity'", name="volume_is_not_negative"),
    )


def _bar_columns() -> tuple[Column[float], ...]:
    return tuple(Column(name, float8, nullable=False) for name in ("open", "high", "low", "close", "volume"))


price = Table(
    "price",
    metadata,
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    *_bar_columns(),
    Column("vintage", BigInteger, nullable=False),
    *_bar_checks(),
)

price_revision = Table(
    "price_revision",
    metadata,
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("vintage_from", BigInteger, primary_key=True, autoincrement=False),
    Column("vintage_to", BigInteger, nullable=False),
    *_bar_columns(),
    Column("withdrawn", Text, nullable=True),
    CheckConstraint("vintage_to > vintage_from", name="known_while"),
    CheckConstraint("withdrawn IS NULL OR withdrawn <> ''", name="withdrawal_has_a_reason"),
    *_bar_checks(),
)

price_chunk = Table(
    "price_chunk",
    metadata,
    Column("series_id", BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", SmallInteger, nullable=False),
    Column("days", LargeBinary, nullable=False),
    Column("closes", LargeBinary, nullable=False),
    Column("vintage", BigInteger, ForeignKey("vintage.id"), nullable=False),
    CheckConstraint("n > 0 AND n <= 366", name="n_fits_a_year"),
    CheckConstraint(
        "octet_length(days) = 4 * n AND octet_length(closes) = 8 * n", name="columns_have_n_rows"
    ),
)

fx_series = Table(
    "fx_series",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("base", Text, ForeignKey("currency.code"), nullable=False),
    Column("quote", Text, ForeignKey("currency.code"), nullable=False),
    Column("source", Text, nullable=False),
    Column("fixing", Text, nullable=False),
    UniqueConstraint("base", "quote", "source", "fixing"),
    CheckConstraint("base <> quote", name="currencies_differ"),
)

_FX_RATE = "rate > 0 AND rate < 'Infinity'"

fx_rate = Table(
    "fx_rate",
    metadata,
    Column("fx_series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("rate", float8, nullable=False),
    Column("vintage", BigInteger, nullable=False),
    CheckConstraint(_FX_RATE, name="rate_is_a_rate"),
)

fx_rate_revision = Table(
    "fx_rate_revision",
    metadata,
    Column("fx_series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("vintage_from", BigInteger, primary_key=True, autoincrement=False),
    Column("vintage_to", BigInteger, nullable=False),
    Column("rate", float8, nullable=False),
    Column("withdrawn", Text, nullable=True),
    CheckConstraint("vintage_to > vintage_from", name="known_while"),
    CheckConstraint(_FX_RATE, name="rate_is_a_rate"),
)

quality_flag = Table(
    "quality_flag",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("series_id", BigInteger, ForeignKey("series.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("vintage_from", BigInteger, ForeignKey("vintage.id"), primary_key=True, autoincrement=False),
    known_to(),
    Column("state", Text, nullable=False, server_default="open"),
    Column("note", Text, nullable=True),
    Column("reviewed_at", instant, nullable=True),
    Column("reviewed_by", Uuid, ForeignKey("app_user.id"), nullable=True),
    recorded("found_at"),
    known_while(),
    CheckConstraint(
        "kind IN ('non_positive', 'contradiction', 'ohlc_order', 'gap', 'off_session', 'stale', 'outlier', "
        "'volume', 'cross_source', 'fx_hole', 'adjustment', 'artefact', 'held')",
        name="kind_is_known",
    ),
    CheckConstraint("state IN ('open', 'accepted', 'rejected')", name="state_is_known"),
    CheckConstraint("length(note) BETWEEN 1 AND 2000", name="note_is_given"),
    CheckConstraint("(state = 'open') = (reviewed_at IS NULL)", name="verdict_has_an_instant"),
    CheckConstraint("reviewed_by IS NULL OR reviewed_at IS NOT NULL", name="reviewer_has_an_instant"),
    Index("uq_quality_flag_current", "series_id", "day", "kind", unique=True, postgresql_where=CURRENT),
    Index("ix_quality_flag_series_id", "series_id", "day"),
)
"""A flag keeps its id over its versions."""

price_import = Table(
    "price_import",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("state", Text, nullable=False, server_default="uploaded"),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mapping", JSONB, nullable=False),
    Column("report", JSONB, nullable=True),
    Column("owner_id", Uuid, ForeignKey("app_user.id"), nullable=True),
    recorded(),
    Column("vintage", BigInteger, ForeignKey("vintage.id"), nullable=True),
    Column("undone_vintage", BigInteger, ForeignKey("vintage.id"), nullable=True),
    CheckConstraint(
        "state IN ('uploaded', 'checked', 'refused', 'committed', 'undone')", name="state_is_known"
    ),
    CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_is_given"),
    CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest_is_sha256"),
    CheckConstraint("size >= 0", name="size_is_not_negative"),
    CheckConstraint("jsonb_typeof(mapping) = 'object'", name="mapping_is_an_object"),
    CheckConstraint("jsonb_typeof(report) = 'object'", name="report_is_an_object"),
    CheckConstraint("(state = 'uploaded') = (report IS NULL)", name="check_has_a_report"),
    CheckConstraint("vintage IS NULL OR state IN ('committed', 'undone')", name="vintage_when_committed"),
    CheckConstraint(
        "undone_vintage IS NULL OR (state = 'undone' AND vintage IS NOT NULL AND undone_vintage > vintage)",
        name="undone_after_committed",
    ),
)
"""An import of bars that were all there already is committed without a vintage."""
