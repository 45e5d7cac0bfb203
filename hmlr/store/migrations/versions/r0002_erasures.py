"""Erasures are counted, and each says whether the files were rewritten after it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Erasures from before count as not purged: nobody knows, and one rewriting makes sure."""
    op.add_column(
        "users", sa.Column("erasures", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    purged = sa.Boolean(create_constraint=False)
    op.add_column("tombstones", sa.Column("purged", purged, nullable=False, server_default=sa.false()))
