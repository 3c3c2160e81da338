"""The share of the shares outstanding that is freely traded, where a source states it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RULE = "float_factor_is_a_share"


def upgrade() -> None:
    op.add_column("shares_outstanding", sa.Column("float_factor", sa.Double(), nullable=True))
    op.create_check_constraint(
        op.f(f"ck_shares_outstanding_{RULE}"),
        "shares_outstanding",
        "float_factor > 0 AND float_factor <= 1",
    )


def downgrade() -> None:
    op.drop_constraint(op.f(f"ck_shares_outstanding_{RULE}"), "shares_outstanding", type_="check")
    op.drop_column("shares_outstanding", "float_factor")
