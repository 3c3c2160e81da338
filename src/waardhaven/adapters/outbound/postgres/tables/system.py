"""What carries news of commits to whoever needs it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from waardhaven.adapters.outbound.postgres.tables.base import instant, metadata, recorded

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("correlation_id", Text, nullable=True),
    recorded(),
    Column("position", BigInteger, nullable=True, unique=True),
    Column("archived_at", instant, nullable=True),
    CheckConstraint("kind ~ '^[a-z_]+[.][a-z_]+$'", name="kind_is_a_name"),
    CheckConstraint("jsonb_typeof(payload) = 'object'", name="payload_is_an_object"),
    Index("ix_outbox_unnumbered", "id", postgresql_where=text("position IS NULL")),
    Index(
        "ix_outbox_job",
        text("(payload ->> 'job')"),
        "position",
        postgresql_where=text("kind = 'job.changed'"),
    ),
)

generation = Table(
    "generation",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="there_is_one_row"),
)

event_head = Table(
    "event_head",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="there_is_one_row"),
)
