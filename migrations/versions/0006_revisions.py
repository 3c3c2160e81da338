"""What was published then beside what was known at a later vintage, and what was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "index_revision"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("vintage", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("largest", sa.Double(), nullable=False),
        sa.Column("published", sa.Double(), nullable=False),
        sa.Column("known", sa.Double(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(days = 0) = (first_day IS NULL)", name=op.f("ck_index_revision_days_have_a_first")
        ),
        sa.CheckConstraint("days >= 0 AND largest >= 0", name=op.f("ck_index_revision_figures_are_sizes")),
        sa.CheckConstraint(
            "decision IN ('same', 'left', 'restated')", name=op.f("ck_index_revision_decision_is_known")
        ),
        sa.ForeignKeyConstraint(["index_id"], ["market_index.id"], name=op.f("fk_index_revision_index_id")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_index_revision_publication_id")
        ),
        sa.ForeignKeyConstraint(["vintage"], ["vintage.id"], name=op.f("fk_index_revision_vintage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_revision")),
        sa.UniqueConstraint(
            "publication_id", "vintage", name=op.f("uq_index_revision_publication_id_vintage")
        ),
    )
    op.create_index("ix_index_revision_index_id_id", TABLE, ["index_id", sa.text("id DESC")])
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
