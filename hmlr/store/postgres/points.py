"""Vectors that PostgreSQL searches by itself: for memories too large to be read before the first answer.

A large user's pooled vectors stand once more in a table of that user and model, as half-precision vectors
under an HNSW index (pgvector). A table for each of them, because an index over everybody's would have to be
walked past the others' rows: this one is filtered before it is asked. Only the functions reach these tables;
they work for the user whom the transaction has named.
Source: Malkov & Yashunin 2018 for HNSW.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, Float, Integer, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from hmlr.records import ChunkId
from hmlr.store.search_records import VectorBatch

# Candidates that the index looks at for an answer; more find more and take longer.
EF_SEARCH = 400

_NAME = """
    CREATE FUNCTION hmlr_points(model bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
    BEGIN ATOMIC
        SELECT 'points_' || users.user_no || '_' || model FROM users
        WHERE users.user_id = current_setting('hmlr.user', true);
    END
"""
_MAKE = """
    CREATE FUNCTION hmlr_make_points(model bigint, dim integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    BEGIN
        IF to_regclass(hmlr_points(model)) IS NOT NULL THEN RETURN; END IF;
        EXECUTE format(
            'CREATE TABLE %%I (chunk_id bigint PRIMARY KEY, vector_no bigint NOT NULL,'
            ' point halfvec(%%s) NOT NULL)',
            hmlr_points(model), dim
        );
        EXECUTE format('CREATE INDEX ON %%I (vector_no)', hmlr_points(model));
    END $$
"""
_ADD = """
    CREATE FUNCTION hmlr_add_points(model bigint, chunk bigint, number bigint, levels real[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    BEGIN
        EXECUTE format(
            'INSERT INTO %%I VALUES ($1, $2, $3::halfvec) ON CONFLICT (chunk_id)'
            ' DO UPDATE SET vector_no = excluded.vector_no, point = excluded.point',
            hmlr_points(model)
        ) USING chunk, number, levels;
    END $$
"""
_LAST = """
    CREATE FUNCTION hmlr_last_point(model bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE last bigint;
    BEGIN
        IF to_regclass(hmlr_points(model)) IS NULL THEN RETURN 0; END IF;
        EXECUTE format('SELECT coalesce(max(vector_no), 0) FROM %%I', hmlr_points(model)) INTO last;
        RETURN last;
    END $$
"""
_READY = """
    CREATE FUNCTION hmlr_points_ready(model bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
    BEGIN ATOMIC
        SELECT EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass(hmlr_points(model) || '_hnsw') AND indisvalid
        );
    END
"""
_NEAREST = """
    CREATE FUNCTION hmlr_nearest(model bigint, asked real[], most integer, ef integer) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM set_config('hnsw.ef_search', ef::text, true);
        RETURN QUERY EXECUTE format(
            'SELECT chunk_id FROM %%I ORDER BY point <=> $1::halfvec LIMIT $2', hmlr_points(model)
        ) USING asked, most;
    END $$
"""
_DROP = """
    CREATE FUNCTION hmlr_drop_points(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE held record;
    BEGIN
        FOR held IN SELECT models.model_no FROM models
            WHERE to_regclass(hmlr_points(models.model_no)) IS NOT NULL
        LOOP
            EXECUTE format('DELETE FROM %%I WHERE chunk_id = ANY ($1)', hmlr_points(held.model_no)) USING ids;
        END LOOP;
    END $$
"""
# Who is at a table for long builds its index; it is left empty then, for its rows are gone.
_DROP_TABLES = """
    CREATE FUNCTION hmlr_drop_tables_of_points() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '500ms' AS $$
    DECLARE held record;
    BEGIN
        FOR held IN SELECT models.model_no FROM models
            WHERE to_regclass(hmlr_points(models.model_no)) IS NOT NULL
        LOOP
            BEGIN
                EXECUTE format('DROP TABLE %%I', hmlr_points(held.model_no));
            EXCEPTION WHEN lock_not_available THEN NULL;
            END;
        END LOOP;
    END $$
"""
FUNCTIONS = {
    "hmlr_points(bigint)": _NAME,
    "hmlr_make_points(bigint, integer)": _MAKE,
    "hmlr_add_points(bigint, bigint, bigint, real[])": _ADD,
    "hmlr_last_point(bigint)": _LAST,
    "hmlr_points_ready(bigint)": _READY,
    "hmlr_nearest(bigint, real[], integer, integer)": _NEAREST,
    "hmlr_drop_points(bigint[])": _DROP,
    "hmlr_drop_tables_of_points()": _DROP_TABLES,
}


@dataclass(frozen=True)
class Plan:
    """The index of a user's vectors, and the statements that build it and throw it away."""

    index: str
    build: str
    drop: str


def is_ready(connection: Connection, model: int) -> bool:
    """Whether the user has an index of that model."""
    return bool(connection.execute(_ready(), {"model": model}).scalar())


def last_point(connection: Connection, model: int) -> int:
    """The number of the latest vector that was taken, 0 for none."""
    return int(connection.execute(_last(), {"model": model}).scalar() or 0)


def add_points(connection: Connection, model: int, batch: VectorBatch) -> None:
    """Take vectors into the user's table, which is made when missing."""
    connection.execute(_make(), {"model": model, "dim": batch.encoded.dim})
    numbers, ids = batch.vector_nos.tolist(), batch.chunk_ids.tolist()
    rows = batch.encoded.pooled.astype(np.float32).tolist()
    connection.execute(
        _add(),
        [
            {"model": model, "chunk": chunk_id, "number": number, "point": row}
            for number, chunk_id, row in zip(numbers, ids, rows, strict=True)
        ],
    )


def plan(connection: Connection, model: int) -> Plan | None:
    """How the index of the user's table of that model is built; None while there is no table."""
    index, build, drop, is_there = connection.execute(_plan(), {"model": model}).one()
    return Plan(index=index, build=build, drop=drop) if is_there else None


def nearest(connection: Connection, model: int, row: NDArray[np.float32], most: int) -> list[ChunkId]:
    """The chunks whose vectors are nearest, about; the nearest first."""
    asked = {"model": model, "row": row.tolist(), "most": most, "ef": max(EF_SEARCH, most)}
    return [ChunkId(each) for each in connection.execute(_nearest(), asked).scalars()]


def drop_points(connection: Connection, ids: Sequence[int]) -> None:
    """Forget chunks in all tables of the user."""
    connection.execute(_drop(), {"ids": list(ids)})


def drop_tables(connection: Connection) -> None:
    """Drop all tables of the user, whose rows are gone; not in a database that was made before it could."""
    if connection.execute(_can_drop_tables()).scalar():
        connection.execute(_drop_tables())


@cache
def _can_drop_tables() -> TextClause:
    return text("SELECT to_regprocedure('hmlr_drop_tables_of_points()') IS NOT NULL")


@cache
def _drop_tables() -> TextClause:
    return text("SELECT hmlr_drop_tables_of_points()")


@cache
def _ready() -> TextClause:
    return text("SELECT hmlr_points_ready(:model)").bindparams(bindparam("model", type_=BigInteger))


@cache
def _last() -> TextClause:
    return text("SELECT hmlr_last_point(:model)").bindparams(bindparam("model", type_=BigInteger))


@cache
def _make() -> TextClause:
    made = text("SELECT hmlr_make_points(:model, :dim)")
    return made.bindparams(bindparam("model", type_=BigInteger), bindparam("dim", type_=Integer))


@cache
def _add() -> TextClause:
    return text("SELECT hmlr_add_points(:model, :chunk, :number, :point)").bindparams(
        *(bindparam(name, type_=BigInteger) for name in ("model", "chunk", "number")),
        bindparam("point", type_=ARRAY(Float(24))),
    )


@cache
def _plan() -> TextClause:
    return text(
        "SELECT index, 'CREATE INDEX CONCURRENTLY ' || index || ' ON ' || quote_ident(named)"
        " || ' USING hnsw (point halfvec_cosine_ops)', 'DROP INDEX CONCURRENTLY ' || index,"
        " to_regclass(named) IS NOT NULL"
        " FROM hmlr_points(:model) AS named, quote_ident(named || '_hnsw') AS index"
    ).bindparams(bindparam("model", type_=BigInteger))


@cache
def _nearest() -> TextClause:
    return text("SELECT * FROM hmlr_nearest(:model, :row, :most, :ef)").bindparams(
        bindparam("model", type_=BigInteger),
        bindparam("row", type_=ARRAY(Float(24))),
        *(bindparam(name, type_=Integer) for name in ("most", "ef")),
    )


@cache
def _drop() -> TextClause:
    return text("SELECT hmlr_drop_points(:ids)").bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
