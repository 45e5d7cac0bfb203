"""Whether the tables, indexes and references are those that this version makes."""

from __future__ import annotations

from sqlalchemy import Connection, create_engine, text

from hmlr.store.sqlite import full_text

# In no order, since columns added later stand last; automatic indexes are numbered in any order.
_PARTS = (
    "SELECT t.name, c.name, upper(c.type), c.\"notnull\", trim(c.dflt_value, '()'), c.pk, c.hidden "
    "FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table'",
    "SELECT t.name, iif(i.origin = 'c', i.name, ''), i.\"unique\", i.origin, i.partial, "
    "group_concat(c.name || c.desc || c.coll || c.key) "
    "FROM sqlite_master t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c "
    "WHERE t.type = 'table' GROUP BY t.name, i.name",
    'SELECT t.name, f."table", f.seq, f."from", f."to", f.on_update, f.on_delete '
    "FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'",
)


def differing(connection: Connection) -> list[str]:
    """The tables of which something is missing, added or other."""
    engine = create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    with engine.connect() as fresh:
        full_text.create(fresh)
        wanted = _described(fresh)
    engine.dispose()
    return sorted({str(part[0]) for part in wanted ^ _described(connection)})


def _described(connection: Connection) -> set[tuple[object, ...]]:
    return {tuple(row) for part in _PARTS for row in connection.execute(text(part))}
