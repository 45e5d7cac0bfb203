"""PostgreSQL itself keeps users apart: a query that names no user touches only rows of the one at work (X06).

Everything is read from the server's catalogue, so that a table to come without a policy fails here.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import hmlr.store
from hmlr.errors import ConfigurationError
from hmlr.store.postgres.points import FUNCTIONS
from hmlr.store.postgres.schema import MEMBER
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres
from hmlr.store.records import AddVectors
from hmlr.store.sql.index import tokens
from tests.places import past_hmlr
from tests.postgres import Server
from tests.store.making import ADA, BOB, encoded, slices, turn, unit_rows
from tests.store.reading import chunk_ids_of

pytestmark = [pytest.mark.security, pytest.mark.timeout(60)]

NOBODYS = {"models", "alembic_version"}  # hold no word and no number of a user's
OPERATORS = {"access_tokens"}  # for all users: who has a secret is found by it
HIDDEN = "chunk_terms"  # searched by a function alone
NUMBERS = {ADA: 1, BOB: 2}
VALUES: dict[str, str] = {
    "text": "'{user}'", "bigint": "{number}", "integer": "{number}", "smallint": "{number}",
    "double precision": "{number}", "boolean": "true", "bytea": "''", "json": "'[]'", "jsonb": "'[]'",
    "tsvector": "''", "timestamp with time zone": "now()", "ARRAY": "'{{}}'", "character varying": "'{user}'",
}  # fmt: skip


@pytest.fixture(scope="module")
def address(postgres_server: Server) -> Iterator[str]:
    """A database in which each user has rows in every table."""
    address = postgres_server.database()
    found = past_hmlr(
        address,
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY table_name",
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in found:
        tables.setdefault(table, {})[column] = kind
    rows = [
        made(table, columns, user, number, row)
        for table, columns in tables.items()
        if table != "alembic_version"
        for user, number in NUMBERS.items()
        for row in range(3)
    ]
    past_hmlr(address, ";".join(["SET session_replication_role = replica", *rows]))  # nothing refers to them
    yield address
    postgres_server.drop(address)


def made(table: str, columns: dict[str, str], user: str, number: int, row: int) -> str:
    """The statement for a row; what it refers to need not be there."""
    values = {
        name: VALUES[kind].format(user=f"{user}{row}", number=10 * number + row)
        for name, kind in columns.items()
    }
    if "user_id" in columns:
        values["user_id"] = f"'{user}{row}'" if table == "users" else f"'{user}'"
    if "user_no" in columns:
        values["user_no"] = str(10 * number + row if table == "users" else number)
    if table == "users" and row == 0:
        values.update(user_id=f"'{user}'", user_no=str(number))
    names, given = ", ".join(f'"{name}"' for name in values), ", ".join(values.values())
    return f"INSERT INTO {table} ({names}) VALUES ({given}) ON CONFLICT DO NOTHING"  # noqa: S608


def owners_column(address: str) -> dict[str, str]:
    """Of each table that holds rows of users, the column that says whose they are."""
    found = past_hmlr(
        address,
        "SELECT c.relname, min(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        " AND a.attname IN ('user_id', 'user_no') GROUP BY 1",
    )
    return {table: column for table, column in found if table not in OPERATORS}


def owned(address: str, table: str, column: str) -> int:
    """How many rows of a table are Ada's."""
    ada = ADA if column == "user_id" else str(NUMBERS[ADA])
    counted = f"SELECT count(*) FROM {table} WHERE {column}::text = $1"  # noqa: S608
    return int(past_hmlr(address, counted, ada)[0][0])


@pytest.fixture
async def member(address: str) -> AsyncIterator[asyncpg.Connection]:
    """A session as the store's, in a transaction that is taken back."""
    connection = await asyncpg.connect(address)
    await connection.execute("SET session_replication_role = replica")  # whatever refers to a row
    await connection.execute(f"SET ROLE {MEMBER}")
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def at_work(member: asyncpg.Connection, user: str) -> None:
    await member.execute("SELECT set_config('hmlr.user', $1, true)", user)


async def touched(member: asyncpg.Connection, statement: str) -> int:
    """How many rows a statement touches; it is taken back."""
    step = member.transaction()
    await step.start()
    try:
        return int((await member.execute(statement)).split()[-1])
    finally:
        await step.rollback()


def test_every_table_is_guarded(address: str) -> None:
    tables = past_hmlr(
        address,
        "SELECT relname, relrowsecurity AND relforcerowsecurity,"
        " (SELECT array_agg(polname::text) FROM pg_policy WHERE polrelid = pg_class.oid)"
        " FROM pg_class WHERE relkind NOT IN ('i', 'I', 'S', 't') AND relnamespace = 'public'::regnamespace",
    )
    names = {table for table, _, _ in tables}
    assert names >= NOBODYS | OPERATORS | {HIDDEN, "turns", "facts"}
    assert owners_column(address).keys() | NOBODYS | OPERATORS == names
    assert {table for table, forced, _ in tables if not forced} == NOBODYS
    policies = {table: set(found or ()) for table, _, found in tables}
    assert {table for table in names if "mine" not in policies[table]} == NOBODYS | OPERATORS
    extra = {table: found - {"mine", "operator"} for table, found in policies.items()}
    assert {table: found for table, found in extra.items() if found} == {HIDDEN: {"owner"}}


def test_the_role_has_no_right_of_its_own(address: str) -> None:
    (role,) = past_hmlr(address, "SELECT * FROM pg_roles WHERE rolname = $1", MEMBER)
    rights = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication")
    assert [right for right in rights if role[right]] == []
    assert not past_hmlr(address, "SELECT 1 FROM pg_auth_members WHERE member = $1::regrole", MEMBER)
    assert not past_hmlr(address, "SELECT 1 FROM pg_class WHERE relowner = $1::regrole", MEMBER)
    ((create,),) = past_hmlr(address, "SELECT has_schema_privilege($1, 'public', 'CREATE')", MEMBER)
    assert not create


def test_functions_with_the_owners_rights_are_for_the_member_alone(address: str) -> None:
    functions = past_hmlr(
        address,
        "SELECT proname, proconfig, has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    )
    assert {name for name, _, _ in functions} == {
        "hmlr_postings",
        *(name.partition("(")[0] for name in FUNCTIONS),
    }
    for name, settings, everybody in functions:
        assert any(setting.startswith("search_path=") for setting in settings or ()), name
        assert not everybody, name


async def test_a_statement_without_condition_touches_only_ones_own(address: str, member: Any) -> None:
    await at_work(member, ADA)
    for table, column in owners_column(address).items():
        own = owned(address, table, column)
        assert own > 0, table
        assert await touched(member, f"SELECT {column} FROM {table}") == own, table  # noqa: S608
        assert await touched(member, f"DELETE FROM {table}") == own, table  # noqa: S608
        if table != HIDDEN:
            assert await touched(member, f"UPDATE {table} SET {column} = {column}") == own, table  # noqa: S608


async def test_no_row_is_given_to_another(address: str, member: Any) -> None:
    await at_work(member, ADA)
    for table, column in owners_column(address).items():
        if table == "users":
            continue  # its row is its user
        bob = f"'{BOB}'" if column == "user_id" else NUMBERS[BOB]
        for statement in (
            f"UPDATE {table} SET {column} = {bob}",  # noqa: S608
            f"INSERT INTO {table} ({column}) VALUES ({bob})",  # noqa: S608
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await touched(member, statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await touched(member, f"INSERT INTO users (user_id, user_no) VALUES ('{BOB}9', 99)")  # noqa: S608


@pytest.mark.parametrize("user", [None, "", "nobody", "ADA", "ada "])
async def test_without_a_user_nothing_is_seen(address: str, member: Any, user: str | None) -> None:
    if user is not None:
        await at_work(member, user)
    for table, column in owners_column(address).items():
        assert await touched(member, f"SELECT {column} FROM {table}") == 0, table  # noqa: S608
        assert await touched(member, f"DELETE FROM {table}") == 0, table  # noqa: S608
    for table in OPERATORS:
        assert await touched(member, f"SELECT * FROM {table}") == 0  # noqa: S608


async def test_words_are_found_by_their_owner_alone(postgres_server: Server) -> None:
    address = postgres_server.database()
    store = await open_postgres(Reach(url=address), slicer=slices)
    await store.add_turns(ADA, [turn("quetzal nest")])
    await store.add_turns(BOB, [turn("quetzal egg")])
    await store.aclose()
    numbers = dict(past_hmlr(address, "SELECT user_id, user_no FROM users"))
    asked = [token for number in numbers.values() for token in tokens(number, ["quetzal", "nest", "egg"])]
    member = await asyncpg.connect(address)
    try:
        await member.execute(f"SET ROLE {MEMBER}")
        for user in (ADA, BOB):
            async with member.transaction():
                await at_work(member, user)
                found = await member.fetch("SELECT token, ids FROM hmlr_postings($1)", asked)
                assert {row["token"].partition(":")[0] for row in found} == {str(numbers[user])}
                assert len(found) == 2
        assert await member.fetch("SELECT token FROM hmlr_postings($1)", asked) == []
        for statement in (
            "SELECT terms FROM chunk_terms",
            "SELECT * FROM chunk_terms",
            "SELECT 1 FROM chunk_terms WHERE terms @@ 'quetzal'",
            "DELETE FROM chunk_terms RETURNING terms",
            "UPDATE chunk_terms SET part = 1",
            "TRUNCATE chunk_terms",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await member.fetch(statement)
    finally:
        await member.close()
        postgres_server.drop(address)


async def test_vectors_are_found_by_their_owner_alone(postgres_server: Server) -> None:
    address = postgres_server.database()
    store = await open_postgres(Reach(url=address), slicer=slices)
    rows = unit_rows(6)
    ids = {}
    for user in (ADA, BOB):
        await store.add_turns(user, [turn("\n".join("abcdef"))])
        ids[user] = list(await chunk_ids_of(store, user))
        await store.apply(user, [AddVectors(model_id="m", chunk_ids=tuple(ids[user]), encoded=encoded(rows))])
        taken = await store.index_vectors(user, "m")
    await store.aclose()
    if not taken:
        pytest.skip("this server has no pgvector")
    member = await asyncpg.connect(address)
    try:
        await member.execute(f"SET ROLE {MEMBER}")
        asked = "SELECT hmlr_nearest(1, $1, 99, 99)"
        for user in (ADA, BOB):
            async with member.transaction():
                await at_work(member, user)
                found = [row[0] for row in await member.fetch(asked, rows[0].tolist())]
                assert sorted(found) == ids[user]
        tables = past_hmlr(
            address, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'points%'"
        )
        assert len(tables) == 2
        for (table,) in tables:
            for statement in ("SELECT * FROM {}", "DELETE FROM {}", "DROP TABLE {}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await member.execute(statement.format(table))
    finally:
        await member.close()
        postgres_server.drop(address)


def test_only_the_operators_calls_see_everybodys_rows() -> None:
    """A call of the store that names no user is one of these."""
    found = set()
    for folder in ("sql", "postgres"):
        for file in (Path(hmlr.store.__file__).parent / folder).glob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for function in ast.walk(tree):
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    found |= {function.name for node in ast.walk(function) if names_nobody(node)}
    assert found == {
        "add_token", "token_of", "tokens", "revoke_token",  # of the server's doors
        "users_left", "users_stalled", "work_left",  # of workers
        "every_user", "moves", "begin_moves", "end_moves", "token_digests",  # of a move
        "users", "purge_pending", "purge_files", "rebuild_search",
        "content_lines", "derived_lines", "_server",  # doctor
    }  # fmt: skip


def names_nobody(node: ast.AST) -> bool:
    """Whether it is a call of a gate for no user."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read", "write", "snapshot")
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value is None
    )


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (f"ALTER ROLE {MEMBER} BYPASSRLS", f"ALTER ROLE {MEMBER} NOBYPASSRLS"),
        (f"ALTER ROLE {MEMBER} SUPERUSER", f"ALTER ROLE {MEMBER} NOSUPERUSER"),
        (f"GRANT postgres TO {MEMBER}", f"REVOKE postgres FROM {MEMBER}"),
    ],
)
async def test_a_role_that_could_pass_is_refused(postgres_server: Server, given: str, taken: str) -> None:
    address = postgres_server.database()
    past_hmlr(address, given)
    try:
        with pytest.raises(ConfigurationError, match=MEMBER):
            await open_postgres(Reach(url=address), slicer=slices)
    finally:
        past_hmlr(address, taken)
    store = await open_postgres(Reach(url=address), slicer=slices)
    await store.aclose()
    postgres_server.drop(address)
