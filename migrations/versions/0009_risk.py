"""The risk metrics of publications as they were measured, and the variants that were tried."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEPT = ("trial", "risk_set")
LABELS = "slug,name,description,base_value,decimals,benchmark,restatement,restatement_threshold"
"""Parts of the rules that no return depends on."""


def _number(name: str, kind: sa.types.TypeEngine[object], *, unknown: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=unknown)


def _texts(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False)


def upgrade() -> None:
    op.execute(
        f"CREATE FUNCTION rule_variant(rules jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE "
        f"RETURN sha256(convert_to((rules - '{{{LABELS}}}'::text[])::text, 'UTF8'))"
    )
    _trials()
    op.create_table(
        "publication_to_measure",
        sa.Column("publication_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_publication_to_measure_attempts_are_counted")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_publication_to_measure_publication_id")
        ),
        sa.PrimaryKeyConstraint("publication_id", name=op.f("pk_publication_to_measure")),
    )
    op.create_index(op.f("ix_publication_to_measure_due_at"), "publication_to_measure", ["due_at"])
    _sets()
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "INSERT INTO trial (index_id, variant, created_at) "
        "SELECT DISTINCT ON (b.index_id, rule_variant(d.rules)) "
        "b.index_id, rule_variant(d.rules), b.created_at FROM build b JOIN index_definition d "
        "ON d.index_id = b.index_id AND d.version = b.definition_version "
        "ORDER BY b.index_id, rule_variant(d.rules), b.created_at"
    )
    op.execute(
        "INSERT INTO publication_to_measure (publication_id, due_at) SELECT id, effective_at FROM publication"
    )


def _trials() -> None:
    op.create_table(
        "trial",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("variant", sa.LargeBinary(), nullable=False),
        _number("ratio", sa.Double(), unknown=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(variant) = 32", name=op.f("ck_trial_variant_is_sha256")),
        sa.CheckConstraint("abs(ratio) < 'Infinity'", name=op.f("ck_trial_ratio_is_a_number")),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_trial_index_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
    )
    op.create_index(
        op.f("uq_trial_variant"), "trial", ["index_id", "variant", sa.text("(ratio IS NULL)")], unique=True
    )


def _sets() -> None:
    op.create_table(
        "risk_set",
        sa.Column("publication_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _number("index_id", sa.BigInteger()),
        sa.Column("base", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("benchmark", sa.Text(), nullable=True),
        _number("returns", sa.Integer()),
        _number("common", sa.Integer(), unknown=True),
        _number("coverage", sa.Double()),
        _number("periods_per_year", sa.Double()),
        _number("risk_free_rate", sa.Double()),
        _number("confidence", sa.Double()),
        _number("trials", sa.Integer()),
        _texts("names"),
        _texts("units"),
        sa.Column("values", postgresql.ARRAY(sa.Double()), nullable=False),
        _texts("reasons"),
        _texts("notes"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_risk_set_{name}")) for name, rule in SET_RULES.items()),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_risk_set_publication_id")
        ),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_risk_set_index_id")),
        sa.ForeignKeyConstraint(["currency"], ["currency.code"], name=op.f("fk_risk_set_currency")),
        sa.PrimaryKeyConstraint("publication_id", "day", name=op.f("pk_risk_set")),
    )
    op.create_index(
        op.f("ix_risk_set_index_id_day"),
        "risk_set",
        ["index_id", sa.text("day DESC"), sa.text("publication_id DESC")],
    )


SET_RULES = {
    "base_precedes_day": "base < day",
    "columns_belong_together": (
        "cardinality(units) = cardinality(names) AND cardinality(values) = cardinality(names) "
        "AND cardinality(reasons) = cardinality(names)"
    ),
    "value_or_reason": (
        "cardinality(array_remove(values, NULL)) + cardinality(array_remove(reasons, NULL)) "
        "= cardinality(names)"
    ),
    "values_are_numbers": (
        "NOT ('NaN'::float8 = ANY (values) OR 'Infinity'::float8 = ANY (values) "
        "OR '-Infinity'::float8 = ANY (values))"
    ),
    "counts_are_positive": "returns > 0 AND trials > 0",
}


def downgrade() -> None:
    for table in ("risk_set", "publication_to_measure", "trial"):
        op.drop_table(table)
    op.execute("DROP FUNCTION rule_variant(jsonb)")
