"""What tables alone can not hold: commit order, append-only rows, no overlaps, news of commits."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "vintage",
    "price_revision",
    "fx_rate_revision",
    "index_definition",
    "build",
    "build_column",
    "publication",
    "audit_entry",
)
NEVER_DELETED = (
    "asset",
    "asset_identifier",
    "classification",
    "series",
    "session",
    "shares_outstanding",
    "corporate_action",
    "universe_member",
    "quality_flag",
    "fx_series",
    "market_index",
    "app_user",
)
SUPERSEDED_ONLY = (
    "asset_identifier",
    "classification",
    "session",
    "shares_outstanding",
    "corporate_action",
    "universe_member",
    "quality_flag",
)
REFERENCES = {
    "price": ("series_id", "series", ("vintage",)),
    "price_revision": ("series_id", "series", ("vintage_from", "vintage_to")),
    "fx_rate": ("fx_series_id", "fx_series", ("vintage",)),
    "fx_rate_revision": ("fx_series_id", "fx_series", ("vintage_from", "vintage_to")),
}
NO_OVERLAP = {
    "asset_identifier": "(o.scheme, o.value, o.venue) = (NEW.scheme, NEW.value, NEW.venue)",
    "classification": "o.asset_id = NEW.asset_id",
    "universe_member": "(o.universe, o.asset_id) = (NEW.universe, NEW.asset_id)",
}
CURRENCIES = {
    "AUD": "Australian dollar",
    "BRL": "Brazilian real",
    "CAD": "Canadian dollar",
    "CHF": "Swiss franc",
    "CNY": "Chinese yuan renminbi",
    "CZK": "Czech koruna",
    "DKK": "Danish krone",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "HKD": "Hong Kong dollar",
    "HUF": "Hungarian forint",
    "IDR": "Indonesian rupiah",
    "ILS": "Israeli shekel",
    "INR": "Indian rupee",
    "ISK": "Icelandic krona",
    "JPY": "Japanese yen",
    "KRW": "South Korean won",
    "MXN": "Mexican peso",
    "MYR": "Malaysian ringgit",
    "NOK": "Norwegian krone",
    "NZD": "New Zealand dollar",
    "PHP": "Philippine peso",
    "PLN": "Polish zloty",
    "RON": "Romanian leu",
    "SEK": "Swedish krona",
    "SGD": "Singapore dollar",
    "THB": "Thai baht",
    "TRY": "Turkish lira",
    "TWD": "New Taiwan dollar",
    "USD": "US dollar",
    "ZAR": "South African rand",
}
MINOR_UNITS = {"GBX": ("GBP", 100), "ZAC": ("ZAR", 100), "ILA": ("ILS", 100)}

FUNCTIONS = (
    """
CREATE FUNCTION lock_facts() RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_advisory_xact_lock(7041) $$
    """,
    """
CREATE FUNCTION next_vintage(note text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE taken bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7041);
    INSERT INTO vintage (id, committed_at, note)
    SELECT coalesce(max(v.id), 0) + 1,
           greatest(clock_timestamp(), max(v.committed_at) + interval '1 microsecond'),
           next_vintage.note
    FROM vintage v
    RETURNING id INTO taken;
    RETURN taken;
END $$
    """,
    """
CREATE FUNCTION stamp_vintage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vintage SET committed_at = greatest(
        clock_timestamp(),
        (SELECT max(v.committed_at) FROM vintage v WHERE v.id < NEW.id) + interval '1 microsecond')
    WHERE id = NEW.id;
    RETURN NULL;
END $$
    """,
    """
CREATE CONSTRAINT TRIGGER vintage_stamped_at_commit AFTER INSERT ON vintage
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stamp_vintage()
    """,
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are kept as they are', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$
    """,
    """
CREATE FUNCTION only_supersede() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.vintage_to IS NOT NULL OR NEW.vintage_to IS NULL
       OR to_jsonb(OLD) - 'vintage_to' IS DISTINCT FROM to_jsonb(NEW) - 'vintage_to' THEN
        RAISE EXCEPTION 'A fact in % can only be superseded', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$
    """,
    """
CREATE FUNCTION announce_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE present bigint;
BEGIN
    PERFORM pg_notify('waardhaven_outbox', NEW.id::text);
    IF NEW.kind LIKE 'market.%' OR NEW.kind LIKE 'index.%' THEN
        UPDATE generation SET value = value + 1 RETURNING value INTO present;
        PERFORM pg_notify('waardhaven_generation', present::text);
    END IF;
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER announce AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION announce_event()
    """,
)


def upgrade() -> None:
    """Create functions and triggers, then the rows every database begins with."""
    for statement in FUNCTIONS:
        op.execute(statement)
    for table in APPEND_ONLY:
        _refuse(table, "append_only", "UPDATE OR DELETE")
    for table in NEVER_DELETED:
        _refuse(table, "never_deleted", "DELETE")
    for table in SUPERSEDED_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_superseded_only BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION only_supersede()"
        )
    for table, same in NO_OVERLAP.items():
        _no_overlap(table, same)
    for table, (key, parent, vintages) in REFERENCES.items():
        _references(table, key, parent, vintages)
    for table, column in (
        ("price_chunk", "days"),
        ("price_chunk", "closes"),
        ("build_column", "data"),
    ):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
    # Generations of two databases must never meet in one cache: each counts on from its own birth.
    op.execute(
        "INSERT INTO generation (one, value) SELECT 1, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint"
    )
    _seed_currencies()


def _refuse(table: str, rule: str, acts: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{rule} BEFORE {acts} ON {table} "
        "FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _references(table: str, key: str, parent: str, vintages: tuple[str, ...]) -> None:
    """Check references once for each statement, over its distinct values, in place of once a row."""
    known = " AND ".join(f"EXISTS (SELECT FROM vintage v WHERE v.id = f.{one})" for one in vintages)
    columns = ", ".join((key, *vintages))
    op.execute(
        f"""
        CREATE FUNCTION {table}_references() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
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
    for act in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER {table}_references_{act.lower()} AFTER {act} ON {table} "
            f"REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {table}_references()"
        )


def _no_overlap(table: str, same: str) -> None:
    op.execute(
        f"""
        CREATE FUNCTION {table}_no_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.vintage_to IS NULL AND EXISTS (
                SELECT FROM {table} o WHERE {same} AND o.vintage_to IS NULL
                AND daterange(o.valid_from, o.valid_to) && daterange(NEW.valid_from, NEW.valid_to)
            ) THEN
                RAISE EXCEPTION 'Two current rows of {table} overlap in time'
                    USING ERRCODE = 'exclusion_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_overlap BEFORE INSERT ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_no_overlap()"
    )


def _seed_currencies() -> None:
    rows = ", ".join(f"('{code}', '{name}')" for code, name in CURRENCIES.items())
    op.execute(f"INSERT INTO currency (code, name) VALUES {rows}")
    units = ", ".join(f"('{code}', '{major}', {per})" for code, (major, per) in MINOR_UNITS.items())
    majors = ", ".join(f"('{code}', '{code}', 1)" for code in CURRENCIES)
    op.execute(f"INSERT INTO quote_unit (code, currency, per_major) VALUES {majors}, {units}")


def downgrade() -> None:
    """Drop what upgrade made; the tables go with the revision before."""
    for table in NO_OVERLAP:
        op.execute(f"DROP FUNCTION {table}_no_overlap() CASCADE")
    for table in REFERENCES:
        op.execute(f"DROP FUNCTION {table}_references() CASCADE")
    for function in ("announce_event", "only_supersede", "refuse_change", "stamp_vintage"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
    op.execute("DROP FUNCTION next_vintage(text)")
    op.execute("DROP FUNCTION lock_facts()")
    op.execute("DELETE FROM generation")
    for table, column in (
        ("price_chunk", "days"),
        ("price_chunk", "closes"),
        ("build_column", "data"),
    ):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTENDED")
