"""Blocks: headers are stored, counts and times follow from their turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from hmlr.errors import Conflict, NotFound
from hmlr.records import Block, BlockId, UserId
from hmlr.store.records import AssignTurn, PutBlock, StoredBlock
from hmlr.store.schema import blocks, turn_blocks, turns
from hmlr.store.sqlite_rows import among


def read_blocks(
    connection: Connection, user: UserId, block_ids: Sequence[BlockId] | None, limit: int | None
) -> list[StoredBlock]:
    """See KnowledgeStore.blocks; a block that no turn is in yet is not listed."""
    ages = _ages(user).subquery()
    found = (
        select(blocks, ages.c.turn_count, ages.c.started_at, ages.c.last_at)
        .join(ages, ages.c.block_id == blocks.c.block_id)
        .where(blocks.c.user_id == user)
        .order_by(ages.c.last_seq.desc())
    )
    if block_ids is not None:
        found = found.where(among(blocks.c.block_id, block_ids))
    if limit is not None:
        found = found.limit(limit)
    return [_stored(row) for row in connection.execute(found).mappings()]


def put_block(connection: Connection, user: UserId, change: PutBlock) -> None:
    """Write a header; Conflict when its version is another by now."""
    block = change.block
    values = header_values(block) | {"state": block.state, "renamed": block.renamed}
    if change.version == 0:
        new = insert(blocks).values(user_id=user, block_id=block.block_id, version=1, **values)
        written = connection.execute(new.on_conflict_do_nothing())
    else:
        same = and_(
            blocks.c.user_id == user,
            blocks.c.block_id == block.block_id,
            blocks.c.version == change.version,
        )
        written = connection.execute(update(blocks).where(same).values(version=change.version + 1, **values))
    if not written.rowcount:
        raise Conflict(
            f"block {block.block_id} has changed since version {change.version}", hint="Read it again"
        )


def header_values(block: Block) -> dict[str, object]:
    """The words of a block's header."""
    return {
        "label": block.label,
        "summary": block.summary,
        "keywords": list(block.keywords),
        "open_loops": list(block.open_loops),
        "decisions": list(block.decisions),
    }


def assign_turn(connection: Connection, user: UserId, change: AssignTurn) -> BlockId | None:
    """Put a turn into a block; the block that it was in before."""
    turn = select(turns.c.seq).where(turns.c.user_id == user, turns.c.turn_id == change.turn_id)
    block = select(blocks.c.version).where(blocks.c.user_id == user, blocks.c.block_id == change.block_id)
    if connection.execute(turn).first() is None:
        raise NotFound(f"there is no turn {change.turn_id}")
    if connection.execute(block).first() is None:
        raise NotFound(f"there is no block {change.block_id}")
    mine = and_(turn_blocks.c.user_id == user, turn_blocks.c.turn_id == change.turn_id)
    before = connection.execute(select(turn_blocks.c.block_id).where(mine)).scalar()
    values = {"block_id": change.block_id, "by": change.by}
    connection.execute(
        insert(turn_blocks)
        .values(user_id=user, turn_id=change.turn_id, **values)
        .on_conflict_do_update(index_elements=["user_id", "turn_id"], set_=values)
    )
    if change.activate:
        _activate(connection, user, change.block_id)
    return None if before is None else BlockId(before)


def drop_empty(connection: Connection, user: UserId, block_ids: Sequence[str]) -> None:
    """Delete those of the blocks that no turn is in."""
    used = exists().where(
        turn_blocks.c.user_id == blocks.c.user_id, turn_blocks.c.block_id == blocks.c.block_id
    )
    connection.execute(
        delete(blocks).where(blocks.c.user_id == user, among(blocks.c.block_id, block_ids), ~used)
    )


def _activate(connection: Connection, user: UserId, block_id: BlockId) -> None:
    # A changed state is a new version, so that a header read before can't be written back over it.
    mine = blocks.c.user_id == user
    newer = blocks.c.version + 1
    others = and_(mine, blocks.c.state == "ACTIVE", blocks.c.block_id != block_id)
    this = and_(mine, blocks.c.state != "ACTIVE", blocks.c.block_id == block_id)
    connection.execute(update(blocks).where(others).values(state="PAUSED", version=newer))
    connection.execute(update(blocks).where(this).values(state="ACTIVE", version=newer))


def _ages(user: UserId) -> Select[Any]:
    of_turn = and_(turns.c.user_id == turn_blocks.c.user_id, turns.c.turn_id == turn_blocks.c.turn_id)
    return (
        select(
            turn_blocks.c.block_id,
            func.count().label("turn_count"),
            func.min(turns.c.occurred_at).label("started_at"),
            func.max(turns.c.occurred_at).label("last_at"),
            func.max(turns.c.seq).label("last_seq"),
        )
        .join(turns, of_turn)
        .where(turn_blocks.c.user_id == user)
        .group_by(turn_blocks.c.block_id)
    )


def _stored(row: Any) -> StoredBlock:
    return StoredBlock(
        version=row["version"],
        block=Block(
            block_id=row["block_id"],
            label=row["label"],
            summary=row["summary"],
            keywords=tuple(row["keywords"]),
            open_loops=tuple(row["open_loops"]),
            decisions=tuple(row["decisions"]),
            state=row["state"],
            turn_count=row["turn_count"],
            started_at=row["started_at"],
            last_at=row["last_at"],
            renamed=row["renamed"],
        ),
    )
