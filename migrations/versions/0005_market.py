"""Files of prices and what became of them, reviews of odd bars, archived assets, all currencies of the ECB."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FORMER_KINDS = ("outlier", "stale", "artefact", "held")
KINDS = (
    "non_positive",
    "contradiction",
    "ohlc_order",
    "gap",
    "off_session",
    "stale",
    "outlier",
    "volume",
    "cross_source",
    "fx_hole",
    "adjustment",
    "artefact",
    "held",
)
REVIEW_CHECKS = (
    ("state_is_known", "state IN ('open', 'accepted', 'rejected')"),
    ("note_is_given", "length(note) BETWEEN 1 AND 2000"),
    ("verdict_has_an_instant", "(state = 'open') = (reviewed_at IS NULL)"),
    ("reviewer_has_an_instant", "reviewed_by IS NULL OR reviewed_at IS NOT NULL"),
)
REVIEW_COLUMNS = ("state", "note", "reviewed_at", "reviewed_by", "found_at")
CURRENCIES = {
    "BGN": "Bulgarian lev",
    "CYP": "Cypriot pound",
    "EEK": "Estonian kroon",
    "HRK": "Croatian kuna",
    "LTL": "Lithuanian litas",
    "LVL": "Latvian lats",
    "MTL": "Maltese lira",
    "ROL": "Romanian leu (before 2005)",
    "RUB": "Russian rouble",
    "SIT": "Slovenian tolar",
    "SKK": "Slovak koruna",
    "TRL": "Turkish lira (before 2005)",
}
"""What the ECB quotes, or once quoted, and was not known yet."""
REFERENCES = {
    "price": ("series_id", "series", ("vintage",)),
    "price_revision": ("series_id", "series", ("vintage_from", "vintage_to")),
    "fx_rate": ("fx_series_id", "fx_series", ("vintage",)),
    "fx_rate_revision": ("fx_series_id", "fx_series", ("vintage_from", "vintage_to")),
}
GUARD = """
CREATE FUNCTION guard_price_import() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'uploaded' THEN
            RAISE EXCEPTION 'An import begins as uploaded'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'price_import_transition',
                      TABLE = 'price_import';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('uploaded', 'checked'), ('uploaded', 'refused'),
        ('checked', 'checked'), ('checked', 'refused'), ('checked', 'committed'),
        ('refused', 'checked'), ('refused', 'refused'),
        ('committed', 'undone')) THEN
        RAISE EXCEPTION 'An import that is % can not become %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'price_import_transition',
                  TABLE = 'price_import';
    END IF;
    IF (NEW.id, NEW.name, NEW.digest, NEW.size, NEW.owner_id, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.name, OLD.digest, OLD.size, OLD.owner_id, OLD.created_at)
       OR (NEW.state IN ('committed', 'undone')
           AND (NEW.mapping, NEW.report) IS DISTINCT FROM (OLD.mapping, OLD.report))
       OR (OLD.state = 'committed' AND NEW.vintage IS DISTINCT FROM OLD.vintage) THEN
        RAISE EXCEPTION 'What was brought, checked and committed stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'price_import_kept', TABLE = 'price_import';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Create what is new, then the currencies."""
    op.add_column("asset", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("asset", sa.Column("refreshed_through", sa.Date(), nullable=True))
    for table, (key, parent, vintages) in REFERENCES.items():
        _references(table, key, parent, vintages, shortcut=True)
    _create_imports()
    _add_reviews()
    _add_currencies()


def _create_imports() -> None:
    op.create_table(
        "price_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=True),
        sa.Column("undone_vintage", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'checked', 'refused', 'committed', 'undone')",
            name=op.f("ck_price_import_state_is_known"),
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_price_import_name_is_given")),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_price_import_digest_is_sha256")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_price_import_size_is_not_negative")),
        sa.CheckConstraint(
            "jsonb_typeof(mapping) = 'object'", name=op.f("ck_price_import_mapping_is_an_object")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(report) = 'object'", name=op.f("ck_price_import_report_is_an_object")
        ),
        sa.CheckConstraint(
            "(state = 'uploaded') = (report IS NULL)", name=op.f("ck_price_import_check_has_a_report")
        ),
        sa.CheckConstraint(
            "vintage IS NULL OR state IN ('committed', 'undone')",
            name=op.f("ck_price_import_vintage_when_committed"),
        ),
        sa.CheckConstraint(
            "undone_vintage IS NULL OR (state = 'undone' AND vintage IS NOT NULL AND undone_vintage > vintage)",
            name=op.f("ck_price_import_undone_after_committed"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk_price_import_owner_id")),
        sa.ForeignKeyConstraint(["vintage"], ["vintage.id"], name=op.f("fk_price_import_vintage")),
        sa.ForeignKeyConstraint(
            ["undone_vintage"], ["vintage.id"], name=op.f("fk_price_import_undone_vintage")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_import")),
    )
    op.execute(GUARD)
    op.execute(
        "CREATE TRIGGER price_import_guard BEFORE INSERT OR UPDATE ON price_import "
        "FOR EACH ROW EXECUTE FUNCTION guard_price_import()"
    )
    op.execute(
        "CREATE TRIGGER price_import_never_deleted BEFORE DELETE ON price_import "
        "FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER price_import_never_emptied BEFORE TRUNCATE ON price_import "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _add_reviews() -> None:
    op.add_column("quality_flag", sa.Column("state", sa.Text(), server_default="open", nullable=False))
    op.add_column("quality_flag", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("quality_flag", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("quality_flag", sa.Column("reviewed_by", sa.Uuid(), nullable=True))
    op.add_column(
        "quality_flag",
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_foreign_key(
        op.f("fk_quality_flag_reviewed_by"), "quality_flag", "app_user", ["reviewed_by"], ["id"]
    )
    for name, rule in REVIEW_CHECKS:
        op.create_check_constraint(op.f(f"ck_quality_flag_{name}"), "quality_flag", rule)
    _kinds(KINDS, not_valid=False)
    # The versions of a flag have its id.
    op.drop_constraint(op.f("pk_quality_flag"), "quality_flag", type_="primary")
    op.create_primary_key(op.f("pk_quality_flag"), "quality_flag", ["id", "vintage_from"])
    op.create_index("ix_quality_flag_series_id", "quality_flag", ["series_id", "day"])


def _add_currencies() -> None:
    names = ", ".join(f"('{code}', '{name}')" for code, name in CURRENCIES.items())
    op.execute(
        f"INSERT INTO currency (code, name) VALUES {names} "
        "ON CONFLICT (code) DO UPDATE SET name = excluded.name"
    )
    units = ", ".join(f"('{code}', '{code}', 1)" for code in CURRENCIES)
    op.execute(
        f"INSERT INTO quote_unit (code, currency, per_major) VALUES {units} ON CONFLICT (code) DO NOTHING"
    )


def downgrade() -> None:
    """Take it back; currencies in use stay, and so do flags of kinds that were not known before."""
    _drop_unused_currencies()
    op.drop_index("ix_quality_flag_series_id", table_name="quality_flag")
    op.drop_constraint(op.f("pk_quality_flag"), "quality_flag", type_="primary")
    op.execute("ALTER TABLE quality_flag DISABLE TRIGGER quality_flag_superseded_only")
    op.execute(
        "UPDATE quality_flag f SET id = DEFAULT WHERE EXISTS "
        "(SELECT FROM quality_flag n WHERE n.id = f.id AND n.vintage_from > f.vintage_from)"
    )
    op.execute("ALTER TABLE quality_flag ENABLE TRIGGER quality_flag_superseded_only")
    op.create_primary_key(op.f("pk_quality_flag"), "quality_flag", ["id"])
    for name, _ in REVIEW_CHECKS:
        op.drop_constraint(op.f(f"ck_quality_flag_{name}"), "quality_flag", type_="check")
    for column in REVIEW_COLUMNS:
        op.drop_column("quality_flag", column)
    _kinds(FORMER_KINDS, not_valid=True)
    op.drop_table("price_import")
    op.execute("DROP FUNCTION guard_price_import()")
    for table, (key, parent, vintages) in REFERENCES.items():
        _references(table, key, parent, vintages, shortcut=False)
    op.drop_column("asset", "refreshed_through")
    op.drop_column("asset", "archived_at")


def _references(table: str, key: str, parent: str, vintages: tuple[str, ...], *, shortcut: bool) -> None:
    """Check the references of a whole statement.

    The shortcut: when no number is missing between the smallest and the largest, all of them exist. It
    costs half of finding the distinct values. A revision ends after it began, so that its vintages lie
    between the smallest beginning and the largest end.
    """
    known = " AND ".join(f"EXISTS (SELECT FROM vintage v WHERE v.id = f.{one})" for one in vintages)
    columns = ", ".join((key, *vintages))
    sufficient = f"""
            SELECT min({key}), max({key}), min({vintages[0]}), max({vintages[-1]})
            INTO low, high, since, until FROM fresh;
            IF (SELECT count(*) FROM {parent} WHERE id BETWEEN low AND high) = high - low + 1
               AND (SELECT count(*) FROM vintage WHERE id BETWEEN since AND until) = until - since + 1 THEN
                RETURN NULL;
            END IF;
    """
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION {table}_references() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE low bigint; high bigint; since bigint; until bigint;
        BEGIN
            {sufficient if shortcut else ""}
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT {columns} FROM fresh) f
                WHERE NOT (EXISTS (SELECT FROM {parent} p WHERE p.id = f.{key}) AND {known})
            ) THEN
                RAISE EXCEPTION 'Rows of {table} name a {parent} or a vintage that does not exist'
                    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{table}_references',
                          TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NULL;
        END $$
        """
    )


def _kinds(kinds: tuple[str, ...], *, not_valid: bool) -> None:
    name = op.f("ck_quality_flag_kind_is_known")
    op.drop_constraint(name, "quality_flag", type_="check")
    known = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, "quality_flag", f"kind IN ({known})", postgresql_not_valid=not_valid)


def _drop_unused_currencies() -> None:
    codes = ", ".join(f"'{code}'" for code in CURRENCIES)
    op.execute(
        f"DELETE FROM quote_unit u WHERE u.code IN ({codes}) "
        "AND NOT EXISTS (SELECT FROM series s WHERE s.quote_unit = u.code)"
    )
    used = " UNION ALL ".join(
        f"SELECT {column} FROM {table} WHERE {column} IN ({codes})"
        for table, column in (
            ("quote_unit", "currency"),
            ("fx_series", "base"),
            ("fx_series", "quote"),
            ("classification", "currency"),
            ("corporate_action", "currency"),
            ("index_definition", "currency"),
        )
    )
    op.execute(f"DELETE FROM currency WHERE code IN ({codes}) AND code NOT IN ({used})")
