"""The tables on PostgreSQL, and who may see which rows.

Every connection works as the role MEMBER, which owns nothing and can't pass row-level security. It sees the
rows of the user that the transaction has named (`hmlr.user`), or all of them where the transaction says that
the operator is at work (`hmlr.operator`). A query of ours that forgot its user would find nothing.
"""

from __future__ import annotations

from sqlalchemy import DDL, Connection, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from hmlr.errors import ConfigurationError, SchemaTooNew, StorageError
from hmlr.store import schema
from hmlr.store.postgres import full_text, points

MEMBER = "hmlr_member"
_LOCK = 0x484D4C52  # who builds the schema holds this advisory lock
_SHARED = {"models", "alembic_version"}  # hold nothing of a user's
_OPERATORS = {"access_tokens"}  # are nobody's rows

_MINE = "user_id = (SELECT current_setting('hmlr.user', true))"
_MY_NUMBER = (
    "user_no = (SELECT user_no FROM users WHERE user_id = (SELECT current_setting('hmlr.user', true)))"
)
_OPERATOR = "(SELECT current_setting('hmlr.operator', true)) = 'on'"

_PROTECT = (
    "ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE %(table)s FORCE ROW LEVEL SECURITY",
    "CREATE POLICY operator ON %(table)s USING (%(operator)s)",
)
_SEQUENCES = (
    "CREATE SEQUENCE users_user_no_seq OWNED BY users.user_no",
    "CREATE SEQUENCE models_model_no_seq OWNED BY models.model_no",
)
# Terms are words of messages: the member may add and remove rows of its user and ask the function, no more.
_TERMS = (
    "REVOKE ALL ON chunk_terms FROM %(member)s",
    "GRANT INSERT, DELETE, SELECT (chunk_id, part, user_no) ON chunk_terms TO %(member)s",
    "CREATE POLICY owner ON chunk_terms TO CURRENT_USER USING (true)",
    """
    CREATE FUNCTION hmlr_postings(tokens text[]) RETURNS TABLE (token text, ids bigint[], counts integer[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
    BEGIN ATOMIC
        SELECT asked.token, array_agg(found.chunk_id), array_agg(found.count)
        FROM (
            SELECT each AS token, '''' || replace(replace(each, '\\', '\\\\'), '''', '''''') AS opened
            FROM unnest(tokens) AS each
        ) AS asked
        CROSS JOIN LATERAL (
            SELECT
                held.chunk_id,
                CASE WHEN held.terms @@ (asked.opened || chr(9) || ''':*')::tsquery THEN (
                    SELECT split_part(lexeme, chr(9), 2)::integer
                    FROM unnest(held.terms) WHERE starts_with(lexeme, asked.token || chr(9))
                ) ELSE 1 END AS count
            FROM chunk_terms AS held
            WHERE held.terms @@ (asked.opened || '''')::tsquery
            AND held.user_no = (
                SELECT users.user_no FROM users WHERE users.user_id = current_setting('hmlr.user', true)
            )
        ) AS found
        GROUP BY asked.token;
    END
    """,
    "REVOKE ALL ON FUNCTION hmlr_postings(text[]) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION hmlr_postings(text[]) TO %(member)s",
)


def build(connection: Connection) -> None:
    """Make everything that is missing, in the caller's transaction; connected as who is to own the tables.

    Raises SchemaTooNew for a database of a newer HMLR, StorageError for one of another program, and
    ConfigurationError when the member's role is missing and can't be made.
    """
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if is_current(connection):
        return
    _require_vectors(connection)
    _make_member(connection)
    schema.create_all(connection)
    full_text.own.create_all(connection)
    for statement in _SEQUENCES:
        _run(connection, statement)
    _grant(connection)
    for table in (*schema.metadata.sorted_tables, full_text.chunk_terms):
        _protect(connection, table)
    for statement in _TERMS:
        _run(connection, statement, member=MEMBER)
    for name, statement in points.FUNCTIONS.items():
        _run(connection, statement)
        _run(connection, "REVOKE ALL ON FUNCTION %(name)s FROM PUBLIC", name=name)
        _run(connection, "GRANT EXECUTE ON FUNCTION %(name)s TO %(member)s", name=name, member=MEMBER)


def is_current(connection: Connection) -> bool:
    """Whether the schema is the newest; False in an empty database."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return False
    ours = {table.name for table in (*schema.metadata.sorted_tables, full_text.chunk_terms)}
    if "alembic_version" not in names or not ours <= names:
        if names & ours:
            raise StorageError("the database holds tables of another program", hint="Name an empty one")
        return False
    revision = connection.execute(select(schema.alembic_version.c.version_num)).scalar()
    if revision != schema.HEAD:
        raise SchemaTooNew(
            f"the database was written by a newer HMLR (schema {revision})",
            hint="Install that version or a newer one",
        )
    return True


def _require_vectors(connection: Connection) -> None:
    if connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")).first() is None:
        try:
            _run(connection, "CREATE EXTENSION vector")
        except DBAPIError as error:
            raise ConfigurationError(
                "the extension pgvector is missing, and the database user may not create it",
                hint="Install pgvector on the server; as an administrator: CREATE EXTENSION vector;",
            ) from error


def _make_member(connection: Connection) -> None:
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
    if connection.execute(known, {"name": MEMBER}).first() is None:
        may = text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
        if not connection.execute(may).scalar():
            raise ConfigurationError(
                f"the role {MEMBER} is missing, and the database user may not create it",
                hint="As an administrator: CREATE ROLE hmlr_member NOLOGIN; GRANT hmlr_member TO that user;",
            )
        _run(connection, "CREATE ROLE %(member)s NOLOGIN", member=MEMBER)


def _grant(connection: Connection) -> None:
    name = connection.execute(text("SELECT quote_ident(current_schema())")).scalar()
    place = {"member": MEMBER, "schema": str(name)}
    for statement in (
        "GRANT USAGE ON SCHEMA %(schema)s TO %(member)s",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %(schema)s TO %(member)s",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA %(schema)s TO %(member)s",
        "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM %(member)s",
    ):
        _run(connection, statement, **place)


def _protect(connection: Connection, table: Table) -> None:
    if table.name in _SHARED:
        return
    if table.name not in _OPERATORS:
        mine = _MINE if "user_id" in table.c else _MY_NUMBER
        _run(connection, "CREATE POLICY mine ON %(table)s USING (%(mine)s)", table=table.name, mine=mine)
    for statement in _PROTECT:
        _run(connection, statement, table=table.name, operator=_OPERATOR)


def _run(connection: Connection, statement: str, **names: str) -> None:
    connection.execute(DDL(statement, context=names))  # type: ignore[no-untyped-call]
