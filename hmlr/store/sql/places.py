"""Which turn is in which block, and what a block counts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    func,
    select,
    update,
)

from hmlr.errors import NotFound
from hmlr.records import BlockId, UserId
from hmlr.store.columns import UtcMicros
from hmlr.store.records import AssignTurn
from hmlr.store.schema import blocks, turn_blocks, turns
from hmlr.store.sql.blocks import recount, this_block
from hmlr.store.sql.rows import listed, mine
from hmlr.store.sql.words import Larger, Smaller, Upsert, upsert


@dataclass(frozen=True)
class _Place:
    """A turn as its block counts it."""

    seq: int
    occurred_at: datetime
    block_id: BlockId | None  # that it is in by now


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
def _place() -> Upsert:
    new = upsert(turn_blocks)
    values = {"block_id": new.excluded.block_id, "by": new.excluded.by}
    return new.on_conflict_do_update(index_elements=["user_id", "turn_id"], set_=values)


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
    return this_block().values(
        turn_count=blocks.c.turn_count + bindparam("count"),
        started_at=Smaller(func.coalesce(blocks.c.started_at, first), first),
        last_at=Larger(func.coalesce(blocks.c.last_at, last), last),
        last_seq=Larger(blocks.c.last_seq, bindparam("seq", type_=BigInteger)),
    )


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
    return this_block().where(blocks.c.state != "ACTIVE").values(state="ACTIVE", version=_newer())


def _newer() -> ColumnElement[int]:
    # A changed state is a new version, so that a header read before can't be written back over it.
    return blocks.c.version + 1
