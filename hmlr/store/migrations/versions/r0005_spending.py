"""What model calls took of each user's days, and which garden runs were allowed to change much."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Older runs had no limit to be allowed beyond."""
    flag = sa.Boolean(create_constraint=False)
    op.add_column("garden_runs", sa.Column("large", flag, nullable=False, server_default=sa.false()))
    op.create_table(
        "day_spending",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day"),
    )
