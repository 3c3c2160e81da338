"""Jobs, their files and schedules, who works, and events in the order everybody sees them in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CREDENTIALS = "'session', 'api_key', {}'break_glass', 'operator', 'system', 'anonymous'"
FUNCTIONS = (
    # Which state may follow which, what never changes, and that a newer attempt fences an older one.
    """
CREATE FUNCTION guard_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'queued' THEN
            RAISE EXCEPTION 'A job begins as queued'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_transition', TABLE = 'job';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.archived_at IS NULL THEN
            RAISE EXCEPTION 'A job is archived before it is removed'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_archived', TABLE = 'job';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('queued', 'running'), ('queued', 'cancelled'),
        ('running', 'queued'), ('running', 'succeeded'), ('running', 'failed'),
        ('running', 'cancelled'), ('running', 'dead'),
        ('failed', 'queued'), ('dead', 'queued')) THEN
        RAISE EXCEPTION 'A job that is % can not become %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_transition', TABLE = 'job';
    END IF;
    IF NEW.state = OLD.state AND OLD.finished_at IS NOT NULL
       AND to_jsonb(OLD) - 'archived_at' - 'parent_id' IS DISTINCT FROM
           to_jsonb(NEW) - 'archived_at' - 'parent_id' THEN
        RAISE EXCEPTION 'A job that has ended stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_transition', TABLE = 'job';
    END IF;
    IF NEW.lease_token < OLD.lease_token OR NEW.delivery < OLD.delivery
       OR (NEW.state = 'running' AND OLD.state = 'queued' AND NEW.lease_token = OLD.lease_token) THEN
        RAISE EXCEPTION 'Leases and messages of a job count up'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_fencing', TABLE = 'job';
    END IF;
    IF (NEW.id, NEW.type, NEW.params, NEW.queue, NEW.owner_id, NEW.credential, NEW.scopes,
        NEW.idempotency_key, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.type, OLD.params, OLD.queue, OLD.owner_id, OLD.credential, OLD.scopes,
        OLD.idempotency_key, OLD.created_at) THEN
        RAISE EXCEPTION 'What was asked for stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'job_request', TABLE = 'job';
    END IF;
    RETURN NEW;
END $$
    """,
    """
CREATE TRIGGER job_guard BEFORE INSERT OR UPDATE OR DELETE ON job
FOR EACH ROW EXECUTE FUNCTION guard_job()
    """,
    """
CREATE TRIGGER job_never_emptied BEFORE TRUNCATE ON job FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    # Every change of state is told, in its transaction: no statement can forget it.
    """
CREATE FUNCTION tell_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (kind, payload, correlation_id)
    SELECT 'job.changed', jsonb_build_object(
        'job', n.id, 'type', n.type, 'state', n.state, 'attempt', n.attempts, 'owner', n.owner_id,
        'parent', n.parent_id, 'code', n.error_code), n.correlation_id
    FROM fresh n ORDER BY n.id;
    RETURN NULL;
END $$
    """,
    """
CREATE FUNCTION tell_changed_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (kind, payload, correlation_id)
    SELECT 'job.changed', jsonb_build_object(
        'job', n.id, 'type', n.type, 'state', n.state, 'attempt', n.attempts, 'owner', n.owner_id,
        'parent', n.parent_id, 'code', n.error_code), n.correlation_id
    FROM fresh n JOIN former o ON o.id = n.id WHERE o.state <> n.state ORDER BY n.id;
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER job_tells_new AFTER INSERT ON job REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION tell_new_jobs()
    """,
    """
CREATE TRIGGER job_tells_changed AFTER UPDATE ON job REFERENCING OLD TABLE AS former NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION tell_changed_jobs()
    """,
    """
CREATE FUNCTION guard_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.archived_at IS NULL OR OLD.position IS NULL THEN
            RAISE EXCEPTION 'An event is archived before it is removed'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'outbox_archived', TABLE = 'outbox';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.position IS NOT NULL AND NEW.position IS DISTINCT FROM OLD.position
       OR (NEW.id, NEW.kind, NEW.payload, NEW.correlation_id, NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.kind, OLD.payload, OLD.correlation_id, OLD.created_at) THEN
        RAISE EXCEPTION 'An event stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'outbox_kept', TABLE = 'outbox';
    END IF;
    RETURN NEW;
END $$
    """,
    """
CREATE TRIGGER outbox_guard BEFORE UPDATE OR DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION guard_event()
    """,
    """
CREATE TRIGGER outbox_never_emptied BEFORE TRUNCATE ON outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    # One at a time numbers what is committed; the row of event_head is the lock.
    """
CREATE FUNCTION number_events() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE newest bigint; added bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM outbox WHERE position IS NULL) THEN
        RETURN (SELECT position FROM event_head);
    END IF;
    SELECT position INTO newest FROM event_head FOR UPDATE;
    WITH fresh AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n FROM outbox WHERE position IS NULL)
    UPDATE outbox o SET position = newest + fresh.n FROM fresh WHERE o.id = fresh.id;
    GET DIAGNOSTICS added = ROW_COUNT;
    UPDATE event_head SET position = newest + added;
    RETURN newest + added;
END $$
    """,
    # One notice a transaction: notices with the same text are one.
    """
CREATE OR REPLACE FUNCTION announce_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE present bigint;
BEGIN
    PERFORM pg_notify('waardhaven_outbox', '');
    IF NEW.kind LIKE 'market.%' OR NEW.kind LIKE 'index.%' OR NEW.kind LIKE 'strategy.%' THEN
        UPDATE generation SET value = value + 1 RETURNING value INTO present;
        PERFORM pg_notify('waardhaven_generation', present::text);
    END IF;
    RETURN NULL;
END $$
    """,
)
FORMER_ANNOUNCEMENT = """
CREATE OR REPLACE FUNCTION announce_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE present bigint;
BEGIN
    PERFORM pg_notify('waardhaven_outbox', NEW.id::text);
    IF NEW.kind LIKE 'market.%' OR NEW.kind LIKE 'index.%' THEN
        UPDATE generation SET value = value + 1 RETURNING value INTO present;
        PERFORM pg_notify('waardhaven_generation', present::text);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Create the tables, number the events there are, then the rules."""
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_job_running_has_a_lease")
        ),
        sa.CheckConstraint(
            "(state = 'succeeded') = (result IS NOT NULL)", name=op.f("ck_job_success_has_a_result")
        ),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled', 'dead')) = (finished_at IS NOT NULL)",
            name=op.f("ck_job_end_has_an_instant"),
        ),
        sa.CheckConstraint(
            "archived_at IS NULL OR state IN ('succeeded', 'failed', 'cancelled', 'dead')",
            name=op.f("ck_job_archived_when_ended"),
        ),
        sa.CheckConstraint("jsonb_typeof(params) = 'object'", name=op.f("ck_job_params_are_an_object")),
        sa.CheckConstraint("jsonb_typeof(result) = 'object'", name=op.f("ck_job_result_is_an_object")),
        sa.CheckConstraint("queue IN ('interactive', 'bulk')", name=op.f("ck_job_queue_is_known")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')",
            name=op.f("ck_job_state_is_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('failed', 'dead') OR error_code IS NOT NULL",
            name=op.f("ck_job_failure_has_a_reason"),
        ),
        sa.CheckConstraint("type ~ '^[a-z][a-z0-9_]{0,59}$'", name=op.f("ck_job_type_is_a_name")),
        sa.CheckConstraint(
            "(error_code IS NULL) = (error_message IS NULL)", name=op.f("ck_job_error_is_whole")
        ),
        sa.CheckConstraint("attempts BETWEEN 0 AND max_attempts", name=op.f("ck_job_attempts_count_up")),
        sa.CheckConstraint("done >= 0 AND total >= 0", name=op.f("ck_job_progress_counts_up")),
        sa.CheckConstraint("length(idempotency_key) BETWEEN 1 AND 200", name=op.f("ck_job_key_is_given")),
        sa.CheckConstraint(
            "length(stage) <= 60 AND length(message) <= 300", name=op.f("ck_job_progress_is_short")
        ),
        sa.CheckConstraint("max_attempts BETWEEN 1 AND 100", name=op.f("ck_job_attempts_are_bounded")),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk_job_owner_id")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["job.id"], name=op.f("fk_job_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_dead", "job", ["id"], unique=False, postgresql_where=sa.text("state = 'dead'"))
    op.create_index("ix_job_finished_at", "job", ["finished_at"], unique=False)
    op.create_index(
        "ix_job_leased", "job", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'running'")
    )
    op.create_index("ix_job_owner_id", "job", ["owner_id", "id"], unique=False)
    op.create_index("ix_job_parent_id", "job", ["parent_id"], unique=False)
    op.create_index(
        "ix_job_queued", "job", ["due_at"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "uq_job_idempotency_key",
        "job",
        ["owner_id", "idempotency_key"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "job_artifact",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,99}$'", name=op.f("ck_job_artifact_name_is_safe")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_job_artifact_digest_is_sha256")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_job_artifact_size_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_job_artifact_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_job_artifact")),
    )
    op.create_table(
        "job_schedule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_job", sa.Uuid(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,59}$'", name=op.f("ck_job_schedule_name_is_a_name")),
        sa.CheckConstraint("length(rule) BETWEEN 1 AND 100", name=op.f("ck_job_schedule_rule_is_given")),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk_job_schedule_changed_by")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_schedule")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("queues", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("concurrency > 0 AND running >= 0", name=op.f("ck_worker_numbers_are_counts")),
        sa.CheckConstraint("length(id) BETWEEN 1 AND 120", name=op.f("ck_worker_id_is_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_index(
        "ix_worker_beat_at", "worker", ["beat_at"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "event_head",
        sa.Column("one", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_event_head_there_is_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_event_head")),
    )
    op.add_column("outbox", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE outbox o SET position = n.position"
        " FROM (SELECT id, row_number() OVER (ORDER BY id) AS position FROM outbox) n WHERE n.id = o.id"
    )
    op.execute("INSERT INTO event_head (one, position) SELECT 1, coalesce(max(position), 0) FROM outbox")
    op.drop_index("ix_outbox_pending", table_name="outbox")
    op.drop_column("outbox", "delivered_at")
    op.create_unique_constraint(op.f("uq_outbox_position"), "outbox", ["position"])
    op.create_index("ix_outbox_unnumbered", "outbox", ["id"], postgresql_where=sa.text("position IS NULL"))
    op.create_index(
        "ix_outbox_job",
        "outbox",
        [sa.text("(payload ->> 'job')"), "position"],
        postgresql_where=sa.text("kind = 'job.changed'"),
    )
    _credentials("'job', ")
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back; entries that jobs wrote in the audit trail stay."""
    op.execute(FORMER_ANNOUNCEMENT)
    for function in ("number_events", "guard_event", "tell_changed_jobs", "tell_new_jobs", "guard_job"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
    op.execute("DROP TRIGGER outbox_never_emptied ON outbox")
    _credentials("")
    op.drop_index("ix_outbox_job", table_name="outbox")
    op.drop_index("ix_outbox_unnumbered", table_name="outbox")
    op.add_column("outbox", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE outbox SET delivered_at = now() WHERE position IS NOT NULL")
    op.drop_column("outbox", "archived_at")
    op.drop_column("outbox", "position")
    op.create_index("ix_outbox_pending", "outbox", ["id"], postgresql_where=sa.text("delivered_at IS NULL"))
    for table in ("event_head", "worker", "job_schedule", "job_artifact", "job"):
        op.drop_table(table)


def _credentials(job: str) -> None:
    name = op.f("ck_audit_entry_credential_is_known")
    op.drop_constraint(name, "audit_entry", type_="check")
    # What is in the trail can not be changed: rows from before a downgrade are not checked again.
    op.create_check_constraint(
        name, "audit_entry", f"credential IN ({CREDENTIALS.format(job)})", postgresql_not_valid=not job
    )
