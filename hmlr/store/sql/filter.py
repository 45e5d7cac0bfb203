"""Which chunks pass a filter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, bindparam, select, type_coerce

from hmlr.records import ChunkId, UserId
from hmlr.store.columns import to_json
from hmlr.store.schema import chunks, messages, turn_blocks, turns
from hmlr.store.search_records import ChunkFilter
from hmlr.store.sql.index import numbered
from hmlr.store.sql.news import PAGE, with_turns
from hmlr.store.sql.rows import by_speaker, given, mine


def chunk_ids(connection: Connection, user: UserId, where: ChunkFilter) -> list[ChunkId]:
    """See SearchStore.chunk_ids."""
    asked = by_speaker(given(where))
    wanted = asked.pop("metadata")
    statement = _filtered(frozenset(asked), metadata=bool(wanted))
    found = connection.execute(statement, {"user": user, **asked})
    if not wanted:
        return list(found.scalars())
    # Compared in Python: exact about types, and no caller's key ever becomes a JSON path.
    passes: dict[str, bool] = {}
    passed: list[ChunkId] = []
    for rows in found.partitions(PAGE):
        for chunk_id, kept in rows:
            if kept not in passes:
                passes[kept] = _matches(json.loads(kept), wanted)
            if passes[kept]:
                passed.append(chunk_id)
    return passed


@cache
def _filtered(asked: frozenset[str], *, metadata: bool) -> Select[Any]:
    """The ids of the chunks under these conditions, with their messages' raw metadata if that is wanted."""
    cut = numbered(select(chunks.c.chunk_id).where(mine(chunks)))
    columns = (cut.c.chunk_id, *([type_coerce(messages.c.metadata, Text)] if metadata else []))
    found = select(*columns).select_from(with_turns(cut))
    if "block_id" in asked:
        of_turn = and_(turn_blocks.c.user_id == turns.c.user_id, turn_blocks.c.turn_id == turns.c.turn_id)
        found = found.join(turn_blocks, of_turn)
    found = found.where(*(made for name, made in _conditions().items() if name in asked))
    return found.order_by(cut.c.chunk_id)


def _conditions() -> dict[str, ColumnElement[bool]]:
    return {
        "block_id": turn_blocks.c.block_id == bindparam("block_id"),
        "session_id": turns.c.session_id == bindparam("session_id"),
        "role": and_(messages.c.speaker.is_(None), messages.c.role == bindparam("role")),
        "speaker": messages.c.speaker_key == bindparam("speaker"),
        "since": messages.c.occurred_at >= bindparam("since"),
        "until": messages.c.occurred_at < bindparam("until"),
        "known_until": messages.c.recorded_at <= bindparam("known_until"),
    }


def _matches(stored: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    # By their JSON, because in Python 1 == True and 1 == 1.0.
    return all(key in stored and to_json(stored[key]) == to_json(value) for key, value in wanted.items())
