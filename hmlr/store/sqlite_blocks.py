"""Blocks: headers are stored as given, counts and times follow from their turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from sqlalchemy.dialects.sqlite import Insert, insert

from hmlr.errors import Conflict, NotFound
from hmlr.records import Block, BlockId, UserId
from hmlr.store.columns import UtcMicros
from hmlr.store.records import AssignTurn, PutBlock, StoredBlock
from hmlr.store.schema import blocks, turn_blocks, turns
from hmlr.store.sqlite_rows import among, listed, mine

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
def _new_block() -> Insert:
    return insert(blocks).on_conflict_do_nothing()


@cache
def _same_block() -> Update:
    return _this_block().where(blocks.c.version == bindparam("read"))


@cache
def _this_block() -> Update:
    return update(blocks).where(mine(blocks), blocks.c.block_id == bindparam("of"))


def header_values(block: Block) -> dict[str, object]:
    """The words of a block's header."""
    return {
        "label": block.label,
        "summary": block.summary,
        "keywords": list(block.keywords),
        "open_loops": list(block.open_loops),
        "decisions": list(block.decisions),
    }


def assign_turns(connection: Connection, user: UserId, changes: Sequence[AssignTurn]) -> set[BlockId]:
    """Put turns into blocks; the blocks that turns were in before, which may stand empty now."""
    found = _places(connection, user, [change.turn_id for change in changes])
    _require_blocks(connection, user, {change.block_id for change in changes})
    left: set[BlockId] = set()
    grown: dict[BlockId, list[_Place]] = {}
    for change in changes:
        place = found.get(change.turn_id)
        if place is None:
            raise NotFound(f"there is no turn {change.turn_id}")
        if place.block_id is not None:
            left.add(place.block_id)
        found[change.turn_id] = replace(place, block_id=change.block_id)
        grown.setdefault(change.block_id, []).append(place)
    connection.execute(
        _place(),
        [
            {"user_id": user, "turn_id": change.turn_id, "block_id": change.block_id, "by": change.by}
            for change in changes
        ],
    )
    if left:  # a turn has moved: what the blocks hold is counted anew
        recount(connection, user, left | set(grown))
    else:
        _grow(connection, user, grown)
    active = [change.block_id for change in changes if change.activate]
    if active:
        _activate(connection, user, active[-1])
    return left


@cache
def _place() -> Insert:
    new = insert(turn_blocks)
    values = {"block_id": new.excluded.block_id, "by": new.excluded.by}
    return new.on_conflict_do_update(index_elements=["user_id", "turn_id"], set_=values)


def recount(connection: Connection, user: UserId, block_ids: Iterable[BlockId]) -> None:
    """Write down again what the blocks hold."""
    ids = sorted(block_ids)
    if not ids:
        return
    ages = select_ages().where(turn_blocks.c.user_id == user, among(turn_blocks.c.block_id, ids))
    held = {row["block_id"]: row for row in connection.execute(ages).mappings()}
    connection.execute(
        _this_block(),
        [
            {"user": user, "of": block_id, **{name: held.get(block_id, EMPTY)[name] for name in EMPTY}}
            for block_id in ids
        ],
    )


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


def _activate(connection: Connection, user: UserId, block_id: BlockId) -> None:
    this = {"user": user, "of": block_id}
    connection.execute(_pause_others(), this)
    connection.execute(_activate_this(), this)


@cache
def _pause_others() -> Update:
    others = and_(mine(blocks), blocks.c.state == "ACTIVE", blocks.c.block_id != bindparam("of"))
    return update(blocks).where(others).values(state="PAUSED", version=_newer())


@cache
def _activate_this() -> Update:
    return _this_block().where(blocks.c.state != "ACTIVE").values(state="ACTIVE", version=_newer())


def _newer() -> ColumnElement[int]:
    # A changed state is a new version, so that a header read before can't be written back over it.
    return blocks.c.version + 1


@dataclass(frozen=True)
class _Place:
    """A turn as its block counts it."""

    seq: int
    occurred_at: datetime
    block_id: BlockId | None  # that it is in by now


def _places(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> dict[str, _Place]:
    rows = connection.execute(_placed(), {"user": user, "turns": turn_ids})
    return {row.turn_id: _Place(row.seq, row.occurred_at, row.block_id) for row in rows}


@cache
def _placed() -> Select[Any]:
    of_turn = and_(turn_blocks.c.user_id == turns.c.user_id, turn_blocks.c.turn_id == turns.c.turn_id)
    found = select(turns.c.turn_id, turns.c.seq, turns.c.occurred_at, turn_blocks.c.block_id)
    return found.outerjoin(turn_blocks, of_turn).where(mine(turns), listed(turns.c.turn_id, "turns"))


@cache
def _named() -> Select[Any]:
    return select(blocks.c.block_id).where(mine(blocks), listed(blocks.c.block_id, "ids"))


def _require_blocks(connection: Connection, user: UserId, block_ids: set[BlockId]) -> None:
    wanted = {"user": user, "ids": sorted(block_ids)}
    missing = block_ids - set(connection.execute(_named(), wanted).scalars())
    if missing:
        raise NotFound(f"there is no block {min(missing)}")


def _grow(connection: Connection, user: UserId, grown: Mapping[BlockId, Sequence[_Place]]) -> None:
    """Count turns that are new to their blocks."""
    rows = [
        {
            "user": user,
            "of": block_id,
            "count": len(places),
            "first": min(place.occurred_at for place in places),
            "last": max(place.occurred_at for place in places),
            "seq": max(place.seq for place in places),
        }
        for block_id, places in grown.items()
    ]
    connection.execute(_larger(), rows)


@cache
def _larger() -> Update:
    first, last = bindparam("first", type_=UtcMicros), bindparam("last", type_=UtcMicros)
    return _this_block().values(
        turn_count=blocks.c.turn_count + bindparam("count"),
        started_at=func.min(func.coalesce(blocks.c.started_at, first), first),
        last_at=func.max(func.coalesce(blocks.c.last_at, last), last),
        last_seq=func.max(blocks.c.last_seq, bindparam("seq")),
    )


def _stored(row: Row[Any]) -> StoredBlock:
    return StoredBlock(
        version=row.version,
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
