"""What all tables share."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, MetaData

metadata = MetaData()

# chunk_id = message_no << ORDINAL_BITS | ordinal: a rebuild gives the same ids, and an id tells the message.
ORDINAL_BITS = 20


def of_turn() -> ForeignKeyConstraint:
    """The row goes with its turn."""
    return ForeignKeyConstraint(
        ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
    )
