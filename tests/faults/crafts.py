"""Crafted database files (X17): each function makes one of a sound copy of a memory, at the given path."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from hmlr.store.schema import HEAD

Craft = Callable[[Path], object]
SPY = "BEGIN DELETE FROM messages; END"


def run(*statements: str, given: tuple[object, ...] = ()) -> Craft:
    """The file after these statements, references not looked at."""

    def craft(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            for statement in statements:
                changed = raw.execute(statement, given if "?" in statement else ())
                assert changed.rowcount, f"{statement} changed nothing"

    return craft


def rewrite(name: str, old: str, new: str) -> Craft:
    """The statement of an object in the schema is changed behind SQLite's back."""

    def craft(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("PRAGMA writable_schema = ON")
            (before,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            assert old in before
            changed = (before.replace(old, new, 1), name)
            raw.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", changed)

    return craft


def schema(statement: str, *given: object) -> Craft:
    """A statement about `sqlite_master` itself."""
    return run("PRAGMA writable_schema = ON", statement, given=given)


def instead(drop: str, make: str) -> Craft:
    """One thing under the name of another; what refers to it stays."""
    return run("PRAGMA legacy_alter_table = ON", drop, make)


def patch(place: int, data: bytes) -> Craft:
    """Some bytes of the file are others."""

    def craft(path: Path) -> None:
        whole = bytearray(path.read_bytes())
        whole[place : place + len(data)] = data
        path.write_bytes(whole)

    return craft


def page_of(name: str, change: Callable[[bytearray], None]) -> Craft:
    """The root page of a table or index is changed."""

    def craft(path: Path) -> None:
        with closing(sqlite3.connect(path)) as raw:
            (size,) = raw.execute("PRAGMA page_size").fetchone()
            (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        whole = path.read_bytes()
        page = bytearray(whole[(root - 1) * size : root * size])
        change(page)
        path.write_bytes(whole[: (root - 1) * size] + page + whole[root * size :])

    return craft


def zeroed(page: bytearray) -> None:
    page[:] = bytes(len(page))


def wild(page: bytearray) -> None:
    """Its cells lie anywhere."""
    page[8:40] = b"\xff\xfe" * 16


def said(content: str | bytes) -> Craft:
    """A message with a content that fits its digest; bytes are taken for text as they are."""
    data = content if isinstance(content, bytes) else content.encode()
    return run(
        "UPDATE messages SET content = CAST(? AS TEXT), sha256 = ? WHERE message_no = 1",
        given=(data, hashlib.sha256(data).hexdigest()),
    )


def column(table: str, name: str, value: object) -> Craft:
    """One value of one row is another."""
    return run(
        f'UPDATE {table} SET "{name}" = ? WHERE rowid = (SELECT min(rowid) FROM {table})',  # noqa: S608
        given=(value,),
    )


def cut(share: float) -> Craft:
    """Only the beginning is there."""

    def craft(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return craft


def replaced(data: bytes) -> Craft:
    """Another file under that name."""
    return lambda path: path.write_bytes(data)


def made(make: Callable[[Path], object]) -> Craft:
    """Something that is no file, or another database."""

    def craft(path: Path) -> None:
        path.rename(path.with_name("aside"))
        make(path)

    return craft


def beside(ending: str) -> Craft:
    """Something lies beside it that SQLite would take for its log."""
    return lambda path: path.with_name(path.name + ending).write_bytes(b"\x37\x7f\x06\x82" + bytes(60))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("memory.db", b"SQLite format 3\x00")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        here = Path.cwd()
        os.chdir(path.parent)  # its name may be long
        try:
            door.bind(path.name)
        finally:
            os.chdir(here)


def fresh(*statements: str) -> Craft:
    """Another database under that name."""

    def make(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            for statement in statements:
                raw.execute(statement)

    return made(make)


def dumped(path: Path, *, pragma: str) -> None:
    """Everything that is in it, in a file of another kind."""
    with closing(sqlite3.connect(path.with_name("aside"))) as raw:
        schema_of = raw.execute(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE sql IS NOT NULL "
            "AND name NOT LIKE 'chunk!_terms!_%' ESCAPE '!' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        ).fetchall()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute(pragma)
        for *_, statement in schema_of:
            raw.execute(statement)
        raw.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))


# A program, or an object that HMLR never makes, in the schema. The word is what the error says.
IN_SCHEMA: dict[str, tuple[Craft, str]] = {
    "trigger": (run(f"CREATE TRIGGER spy AFTER INSERT ON turns {SPY}"), "trigger 'spy'"),
    "trigger on update": (run(f"CREATE TRIGGER spy BEFORE UPDATE ON users {SPY}"), "trigger"),
    "trigger on the index": (
        run(f"CREATE TRIGGER spy AFTER INSERT ON chunk_terms_data {SPY}"),
        "trigger",
    ),
    "trigger on its version": (run(f"CREATE TRIGGER spy AFTER UPDATE ON alembic_version {SPY}"), "trigger"),
    "trigger like a table": (
        schema(
            "INSERT INTO sqlite_master VALUES ('table', 'spy', 'turns', 0, ?)",
            f"CREATE TRIGGER spy AFTER INSERT ON turns {SPY}",
        ),
        "spy",
    ),
    "view": (run("CREATE VIEW spy AS SELECT content FROM messages"), "view 'spy'"),
    "view for a table": (
        instead("ALTER TABLE facts RENAME TO hidden", "CREATE VIEW facts AS SELECT * FROM hidden"),
        "view 'facts'",
    ),
    "view that writes": (
        run(
            "CREATE VIEW spy AS SELECT 1 AS one",
            f"CREATE TRIGGER act INSTEAD OF INSERT ON spy {SPY}",
        ),
        "triggers or views",
    ),
    "index for a table": (
        instead("ALTER TABLE tags RENAME TO hidden", "CREATE VIRTUAL TABLE tags USING fts5(user_id, tag_id)"),
        "",
    ),
    "full text of its own": (run("CREATE VIRTUAL TABLE spy USING fts5(text)"), "spy"),
    "tree": (run("CREATE VIRTUAL TABLE spy USING rtree(id, low, high)"), "spy"),
    "words of the index": (
        run("CREATE VIRTUAL TABLE spy USING fts5vocab('chunk_terms', 'row')"),
        "table 'spy'",
    ),
    "table": (run("CREATE TABLE spy (text)"), "table 'spy'"),
    "statistics": (run("ANALYZE"), "sqlite_stat"),
    "index": (run("CREATE INDEX spy ON facts (value)"), "index 'spy'"),
    "index of an expression": (run("CREATE INDEX spy ON facts (upper(value))"), "index 'spy'"),
    "index with a condition": (
        run("CREATE INDEX spy ON facts (value) WHERE substr(value, 1, 1) = 'a'"),
        "index 'spy'",
    ),
    "our index with a condition": (
        run(
            "DROP INDEX ix_facts_key",
            "CREATE INDEX ix_facts_key ON facts (user_id, key) WHERE abs(version) > 0",
        ),
        "ix_facts_key",
    ),
    "our index of an expression": (
        run("DROP INDEX ix_facts_key", "CREATE INDEX ix_facts_key ON facts (user_id, upper(key))"),
        "ix_facts_key",
    ),
    "our index, unique": (
        run("DROP INDEX ix_facts_key", "CREATE UNIQUE INDEX ix_facts_key ON facts (user_id, key, fact_id)"),
        "ix_facts_key",
    ),
    "no index": (run("DROP INDEX ix_facts_turn"), "lacks the index ix_facts_turn"),
    "no table": (run("DROP TABLE tags"), "lacks the table tags"),
    "no unique key": (rewrite("users", "UNIQUE (user_no)", "CHECK (user_no > 0)"), ""),
    "check": (rewrite("turns", "seq BIGINT NOT NULL", "seq BIGINT NOT NULL CHECK (abs(seq) > 0)"), "turns"),
    "check of the table": (
        rewrite("turns", "PRIMARY KEY (user_id", "CHECK (length(turn_id)), PRIMARY KEY (user_id"),
        "turns",
    ),
    "default": (rewrite("users", "erasures BIGINT DEFAULT 0", "erasures BIGINT DEFAULT (random())"), "users"),
    "generated column": (
        run("ALTER TABLE facts ADD COLUMN spy TEXT AS (upper(value)) VIRTUAL"),
        "table 'facts'",
    ),
    "ours, generated": (
        rewrite("edits", "payload TEXT NOT NULL", "payload TEXT NOT NULL AS (upper(target))"),
        "",
    ),
    "more columns": (run("ALTER TABLE facts ADD COLUMN spy TEXT"), "table 'facts'"),
    "other order": (
        rewrite(
            "edits",
            "kind TEXT NOT NULL, \n\ttarget TEXT NOT NULL",
            "target TEXT NOT NULL, kind TEXT NOT NULL",
        ),
        "table 'edits'",
    ),
    "other type": (rewrite("edits", "kind TEXT", "kind BLOB"), "table 'edits'"),
    "quoted words": (rewrite("edits", "kind TEXT NOT NULL", 'kind TEXT "NOT" NULL'), "table 'edits'"),
    "nullable": (rewrite("edits", "kind TEXT NOT NULL", "kind TEXT"), "table 'edits'"),
    "other collation": (rewrite("edits", "kind TEXT", "kind TEXT COLLATE NOCASE"), "table 'edits'"),
    "conflicts replaced": (
        rewrite("turns", "UNIQUE (user_id, seq)", "UNIQUE (user_id, seq) ON CONFLICT REPLACE"),
        "table 'turns'",
    ),
    "no reference": (
        rewrite(
            "fact_events",
            "FOREIGN KEY(user_id, fact_id) REFERENCES facts (user_id, fact_id) ON DELETE CASCADE",
            "CHECK (1)",
        ),
        "table 'fact_events'",
    ),
    "other reference": (
        rewrite("fact_events", "REFERENCES facts (user_id, fact_id)", "REFERENCES tags (user_id, tag_id)"),
        "table 'fact_events'",
    ),
    "nothing cascades": (
        rewrite("fact_events", "ON DELETE CASCADE", "ON DELETE SET NULL"),
        "table 'fact_events'",
    ),
    "strict": (rewrite("edits", "(user_id, seq)\n)", "(user_id, seq)\n) STRICT"), ""),
    "comment": (rewrite("edits", "kind TEXT", "kind /* spy */ TEXT"), "table 'edits'"),
    "end of text": (rewrite("edits", "kind TEXT", "kind\x00TEXT"), ""),
    "statement of bytes": (
        schema("UPDATE sqlite_master SET sql = CAST(sql AS BLOB) WHERE name = 'edits'"),
        "'edits'",
    ),
    "statement without end": (
        rewrite("edits", "kind TEXT NOT NULL", "kind TEXT NOT NULL" + " " * 300_000),
        "",
    ),
    "other tokens": (rewrite("chunk_terms", "ascii", "porter ascii"), "chunk_terms"),
    "index with content": (rewrite("chunk_terms", "content=''", "content='messages'"), ""),
    "words of another index": (rewrite("chunk_postings", "'instance'", "'row'"), "chunk_postings"),
    "no version": (run("DELETE FROM alembic_version"), "which schema"),
    "two versions": (run("INSERT INTO alembic_version VALUES ('0006')"), "which schema"),
    "newer": (run("UPDATE alembic_version SET version_num = '9999'"), "newer HMLR"),
    "older by its word alone": (run("UPDATE alembic_version SET version_num = '0005'"), ""),
    "version of another kind": (
        rewrite("alembic_version", "VARCHAR(32) NOT NULL", "VARCHAR(32) NOT NULL DEFAULT (random())"),
        "which schema",
    ),
    "another program's": (fresh("CREATE TABLE notes (text)"), "another program"),
    "another program's with Alembic": (
        fresh("CREATE TABLE alembic_version (version_num TEXT)", "CREATE TABLE notes (text)"),
        "",
    ),
    "not a database": (replaced(b"Dear diary, " * 1000), "not a database"),
    "archive": (made(zipped), "not a database"),
    "folder": (made(Path.mkdir), ""),
    "pipe": (made(os.mkfifo), "no "),
    "socket": (made(listening), "no "),
    "device": (made(lambda path: path.symlink_to("/dev/zero")), "no "),
}

# What only a look at the whole file finds.
IN_FILE: dict[str, tuple[Craft, str]] = {
    "two tables on one page": (
        schema(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'facts') "
            "WHERE name = 'tags'"
        ),
        "",
    ),
    "empty": (replaced(b""), "not a database"),
    "half a header": (cut(0.0001), "not a database"),
    "half": (cut(0.5), "cut"),
    "page and a half": (cut(0.03), "cut"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + bytes(4096)), "cut, or longer"),
    "page of 3 bytes": (patch(16, b"\x00\x03"), "pages"),
    "other size of pages": (patch(16, b"\x20\x00"), "cut, or longer"),
    "huge size": (patch(28, b"\x7f\xff\xff\xff"), "cut, or longer"),
    "other format": (patch(18, b"\x07\x07"), "format"),
    "bytes left in pages": (patch(20, b"\x20"), "format"),
    "fractions": (patch(21, b"\xff\x01\x01"), "fractions"),
    "other writer": (patch(92, b"\x00\x00\x00\x01"), "last written"),
    "schema format": (patch(44, b"\x00\x00\x00\x01"), "schema format"),
    "reserved": (patch(72, b"\x01"), "reserved"),
    "free pages that are nowhere": (patch(32, b"\x00\x00\x00\x00\x00\x00\x00\x05"), "free pages"),
    "more free pages than pages": (patch(32, b"\x00\x00\x00\x03\x7f\xff\xff\xff"), "free pages"),
    "mark of a program": (run("PRAGMA application_id = 77"), "mark"),
    "version of a user": (run("PRAGMA user_version = 7"), "mark"),
    "UTF-16": (made(partial(dumped, pragma="PRAGMA encoding = 'UTF-16'")), "UTF-8"),
    "auto-vacuum": (made(partial(dumped, pragma="PRAGMA auto_vacuum = FULL")), "auto-vacuum"),
    "zeroed page": (page_of("messages", zeroed), ""),
    "wild cells": (page_of("facts", wild), ""),
    "wild index": (page_of("ix_facts_key", wild), ""),
    "wild schema": (patch(108, b"\xff\xfe\xfd\xfc" * 8), ""),
    "log": (beside("-wal"), "-wal lies beside"),
    "journal": (beside("-journal"), "-journal lies beside"),
    "link": (made(lambda path: path.symlink_to(path.with_name("aside"))), "no regular file"),
    "no full text": (run("DROP TABLE chunk_postings", "DROP TABLE chunk_terms"), "lacks the table chunk_"),
}

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
# What SQLite takes and HMLR never writes.
IN_VALUES: dict[str, tuple[Craft, str]] = {
    "NUL": (said("Oslo\x00 and more words"), "content"),
    "bytes of no text": (said(b"\xff\xfe words of no alphabet"), "UTF-8"),
    "lone surrogate": (said(b"a \xed\xa0\x80 surrogate, and words"), "UTF-8"),
    "another text": (run("UPDATE messages SET content = replace(content, 'Oslo', 'Rome')"), ""),
    "number for a text": (run("UPDATE messages SET speaker = x'00ff' WHERE message_no = 1"), "speaker"),
    "unknown role": (column("messages", "role", "god"), "role"),
    "flag of seven": (column("messages", "owner", 7), "owner"),
    "no JSON": (column("messages", "metadata", "{not json"), "metadata must be JSON"),
    "deep JSON": (column("messages", "metadata", DEEP), "metadata must be"),
    "list for an object": (column("messages", "metadata", "[1]"), "metadata must be an object"),
    "surrogate in JSON": (column("messages", "metadata", '{"a":"\\ud800"}'), "metadata must be"),
    "long integer in JSON": (column("messages", "metadata", '{"a":' + "9" * 5000 + "}"), "metadata must be"),
    "id of another place": (column("messages", "message_id", "elsewhere/9"), ""),
    "message of nobody": (column("messages", "user_id", "mallory"), "refers to"),
    "message of the other": (column("messages", "user_id", "bob"), "refers to"),
    "negative number": (column("turns", "seq", -5), "seq"),
    "number beyond the last": (column("turns", "seq", 10**6), "beyond the last"),
    "text for a number": (column("turns", "seq", "first"), "seq"),
    "the year 20000": (column("turns", "occurred_at", 568_971_820_800_000_000), "occurred_at"),
    "turn of nobody": (
        run("INSERT INTO turns VALUES ('mallory', 't', 1, 's', 0, 0, NULL)"),
        "belongs to no user",
    ),
    "paragraphs of the other": (
        run("UPDATE chunks SET user_no = 3 - user_no"),
        "chunks belongs to no message, to one of another user",
    ),
    "paragraph beyond": (column("chunks", "end", 10**6), "beyond its end"),
    "paragraph of nothing": (run("UPDATE chunks SET chunk_id = chunk_id + (1 << 40)"), ""),
    "vectors of the other": (column("vectors", "user_no", 2), "vectors belongs to no chunk"),
    "huge vector": (run("UPDATE vectors SET data = zeroblob(20000000)"), "data"),
    "short vector": (column("vectors", "data", b"\x01"), "another length"),
    "endless vector": (column("vectors", "dim", 10**9), "another length"),
    "vector of text": (column("vectors", "data", "abcd"), "data"),
    "token signs that do not fit": (column("vectors", "tokens", b"\x01" * 3), ""),
    "half a word piece": (column("vectors", "pieces", b"\x01"), "checksum"),
    "vector of no model": (column("vectors", "model_no", 99), "vectors belongs to no chunk"),
    "two models, one number": (run("INSERT INTO models VALUES ('n', 1)"), "models has a number twice"),
    "unknown state": (column("facts", "state", "holy"), "state"),
    "unknown category": (column("facts", "category", "root"), "category"),
    "quote that nobody said": (column("facts", "quote", "I owe Mallory a million"), "facts does not stand"),
    "fact of the other": (column("facts", "user_id", "bob"), "refers to"),
    "history of nothing": (column("fact_events", "fact_id", "nowhere"), "refers to"),
    "change of no kind": (column("fact_events", "change", "granted"), "change"),
    "block of no state": (column("blocks", "state", "ROOT"), "state"),
    "words that are no list": (column("blocks", "keywords", '{"a":1}'), "keywords"),
    "block of nobody": (
        run(
            "INSERT INTO blocks SELECT 'mallory', 'b', label, summary, keywords, open_loops, decisions, "
            "state, renamed, version, turn_count, started_at, last_at, last_seq FROM blocks LIMIT 1"
        ),
        "blocks belongs to no user",
    ),
    "half a dossier's vector": (
        run("INSERT INTO dossiers VALUES ('ada', 'd', 't', '', '', 'm', NULL, 1)"),
        "half a vector",
    ),
    "job of no kind": (
        run(
            "INSERT INTO jobs (user_id, kind, turn_id, seq, state, attempts, due_at, lease_until, error) "
            "SELECT user_id, 'shell', turn_id, seq, 'pending', 0, 0, 0, '' FROM turns LIMIT 1"
        ),
        "jobs is of no known kind",
    ),
    "endless money": (
        run("INSERT INTO day_spending VALUES ('ada', '2026-01-01', 1, 1, 9e999)"),
        "cost_usd",
    ),
    "grave of no shape": (
        run(
            "INSERT INTO tombstones (user_id, scope, target, turn_seqs, recorded_at, purged) "
            "VALUES ('ada', 'turn', 't', ?, 0, 1)",
            given=(json.dumps({"a": 1}),),
        ),
        "turn_seqs",
    ),
    "last number of all": (
        run("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'messages'"),
        "sqlite_sequence",
    ),
    "NULL in a column that has none": (
        run(
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'session_id TEXT NOT NULL', 'session_id TEXT') "
            "WHERE name = 'turns'",
            "PRAGMA writable_schema = RESET",
            "UPDATE turns SET session_id = NULL",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'session_id TEXT', 'session_id TEXT NOT NULL') "
            "WHERE name = 'turns'",
        ),
        "",
    ),
}
