"""Vectors are int8 with the signs of token vectors beside them; paragraphs say whether they only ask."""

import sqlalchemy as sa
from alembic import op

from hmlr.language.traits import only_asks, speaks_of_self

revision = "0003"
down_revision = "0002"

_PAGE = 500


def upgrade() -> None:
    """Vectors of the older form are dropped: the next start makes them again from the messages."""
    op.execute("DELETE FROM vectors")
    for name in ("tokens", "pieces"):
        blob = sa.Column(name, sa.LargeBinary(), nullable=False, server_default=sa.text("x''"))
        op.add_column("vectors", blob)
    for name in ("asks", "of_self"):
        flag = sa.Boolean(create_constraint=False)
        op.add_column("chunks", sa.Column(name, flag, nullable=False, server_default=sa.false()))
    _note_traits()
    op.drop_index("ix_chunks_searchable", "chunks")
    searchable = sa.text("searchable = 1")
    op.create_index("ix_chunks_searchable", "chunks", ["user_id", "chunk_id"], sqlite_where=searchable)


def _note_traits() -> None:
    """Look at every searchable paragraph."""
    connection = op.get_bind()
    page = sa.text(
        'SELECT c.chunk_id, substr(m.content, c.start + 1, c."end" - c.start) FROM chunks c '
        "JOIN messages m ON m.message_no = c.message_no "
        "WHERE c.searchable AND c.chunk_id > :last ORDER BY c.chunk_id LIMIT :size"
    )
    note = sa.text("UPDATE chunks SET asks = :asks, of_self = :of_self WHERE chunk_id = :chunk_id")
    last = -1
    while rows := connection.execute(page, {"last": last, "size": _PAGE}).all():
        traits = [
            {"chunk_id": chunk_id, "asks": only_asks(text), "of_self": speaks_of_self(text)}
            for chunk_id, text in rows
        ]
        connection.execute(note, traits)
        last = rows[-1][0]
