"""Blocks: headers are stored as given, counts and times follow from their turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Delete,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from hmlr.errors import Conflict
from hmlr.records import Block, BlockId, UserId
from hmlr.store.records import PutBlock, StoredBlock
from hmlr.store.schema import blocks, turn_blocks, turns
from hmlr.store.sql.rows import listed, mine, the
from hmlr.store.sql.words import Upsert, upsert

# What a block holds that no turn is in: one that is new, or one that its turns have left.
EMPTY: Mapping[str, Any] = {"turn_count": 0, "started_at": None, "last_at": None, "last_seq": 0}


def read_blocks(
    connection: Connection, user: UserId, block_ids: Sequence[BlockId] | None, limit: int | None
) -> list[StoredBlock]:
    """See KnowledgeStore.blocks; a block that no turn is in yet is not listed."""
    asked = {"user": user, "ids": block_ids, "limit": limit}
    statement = _latest(some=block_ids is not None, limited=limit is not None)
    return [_stored(row) for row in connection.execute(statement, asked)]


@cache
def _latest(*, some: bool, limited: bool) -> Select[Any]:
    found = select(blocks).where(mine(blocks), blocks.c.last_seq > 0).order_by(blocks.c.last_seq.desc())
    if some:
        found = found.where(listed(blocks.c.block_id, "ids"))
    return found.limit(bindparam("limit")) if limited else found


def put_block(connection: Connection, user: UserId, change: PutBlock) -> None:
    """Write a header; Conflict when its version is another by now."""
    block = change.block
    values = header_values(block) | {"state": block.state, "renamed": block.renamed}
    if change.version == 0:
        new = {"user_id": user, "block_id": block.block_id, "version": 1, **values, **EMPTY}
        written = connection.execute(_new_block(), new)
    else:
        same = {"user": user, "of": block.block_id, "read": change.version}
        written = connection.execute(_same_block(), {**same, **values, "version": change.version + 1})
    if not written.rowcount:
        raise Conflict(
            f"block {block.block_id} has changed since version {change.version}", hint="Read it again"
        )


@cache
def _new_block() -> Upsert:
    return upsert(blocks).on_conflict_do_nothing()


@cache
def _same_block() -> Update:
    return this_block().where(blocks.c.version == bindparam("read"))


@cache
def this_block() -> Update:
    """Change the user's block in the parameter `of`."""
    return update(blocks).where(the(blocks, "block_id"))


@cache
def newer_block() -> Update:
    """The same, with a new version."""
    return this_block().values(version=blocks.c.version + 1)


def header_values(block: Block) -> dict[str, object]:
    """The words of a block's header."""
    return {
        "label": block.label,
        "summary": block.summary,
        "keywords": list(block.keywords),
        "open_loops": list(block.open_loops),
        "decisions": list(block.decisions),
    }


def recount(connection: Connection, user: UserId, block_ids: Iterable[BlockId]) -> None:
    """Write down again what the blocks hold."""
    ids = sorted(block_ids)
    if not ids:
        return
    found = connection.execute(_ages(), {"user": user, "ids": ids})
    held = {row["block_id"]: row for row in found.mappings()}
    connection.execute(
        this_block(),
        [
            {"user": user, "of": block_id, **{name: held.get(block_id, EMPTY)[name] for name in EMPTY}}
            for block_id in ids
        ],
    )


@cache
def _ages() -> Select[Any]:
    return select_ages().where(mine(turn_blocks), listed(turn_blocks.c.block_id, "ids"))


def select_ages() -> Select[Any]:
    """What the turns say about every block: how many, when, and the latest number."""
    of_turn = and_(turns.c.user_id == turn_blocks.c.user_id, turns.c.turn_id == turn_blocks.c.turn_id)
    return (
        select(
            turn_blocks.c.user_id,
            turn_blocks.c.block_id,
            func.count().label("turn_count"),
            func.min(turns.c.occurred_at).label("started_at"),
            func.max(turns.c.occurred_at).label("last_at"),
            func.max(turns.c.seq).label("last_seq"),
        )
        .join(turns, of_turn)
        .group_by(turn_blocks.c.user_id, turn_blocks.c.block_id)
    )


def drop_empty(connection: Connection, user: UserId, block_ids: Sequence[str]) -> None:
    """Delete those of the blocks that no turn is in."""
    connection.execute(_drop_empty(), {"user": user, "ids": block_ids})


@cache
def _drop_empty() -> Delete:
    used = exists().where(
        turn_blocks.c.user_id == blocks.c.user_id, turn_blocks.c.block_id == blocks.c.block_id
    )
    return delete(blocks).where(mine(blocks), listed(blocks.c.block_id, "ids"), ~used)


def _stored(row: Row[Any]) -> StoredBlock:
    return StoredBlock(
        version=row.version,
        last_seq=row.last_seq,
        block=Block(
            block_id=row.block_id,
            label=row.label,
            summary=row.summary,
            keywords=tuple(row.keywords),
            open_loops=tuple(row.open_loops),
            decisions=tuple(row.decisions),
            state=row.state,
            turn_count=row.turn_count,
            started_at=row.started_at,
            last_at=row.last_at,
            renamed=row.renamed,
        ),
    )
