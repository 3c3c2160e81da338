"""Why a definition was changed, and the reviews that people asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "forced_review"


def upgrade() -> None:
    op.add_column("index_definition", sa.Column("reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_index_definition_reason_says_something"), "index_definition", "reason <> ''"
    )
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("after_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_forced_review_reason_is_given")),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_forced_review_index_id")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["app_user.id"], name=op.f("fk_forced_review_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forced_review")),
        sa.UniqueConstraint("index_id", "after_day", name=op.f("uq_forced_review_index_id_after_day")),
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_never_emptied BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    op.drop_column("index_definition", "reason")
