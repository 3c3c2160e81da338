"""Chunks of prices whole in their row: a read of many fetches no parts from elsewhere.

A chunk is at most 4.4 kB (366 days), half a page; the threshold from which PostgreSQL moves columns out of
a row is 2 kB unless said otherwise. Those that are there are written again.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REWRITE = "UPDATE price_chunk SET closes = closes || ''::bytea"


def upgrade() -> None:
    op.execute("ALTER TABLE price_chunk SET (toast_tuple_target = 8160)")
    op.execute(REWRITE)


def downgrade() -> None:
    op.execute("ALTER TABLE price_chunk RESET (toast_tuple_target)")
    op.execute(REWRITE)
