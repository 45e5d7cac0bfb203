"""Forgetting: one transaction that removes what was asked for and everything made from it.

What stays is a tombstone without content: the scope, an id, and the turn numbers that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from hmlr.errors import InvalidInput, NotFound
from hmlr.records import UserId
from hmlr.store.care_records import Erased, ErasePlan, Rewrite
from hmlr.store.schema import (
    blocks,
    edits,
    facts,
    jobs,
    messages,
    tombstones,
    turn_blocks,
    turns,
)
from hmlr.store.sql.blocks import drop_empty, header_values, newer_block, recount
from hmlr.store.sql.garden_erase import dossiers_of, drop_garden, forget_in_garden
from hmlr.store.sql.garden_stock import take_stock
from hmlr.store.sql.index import remove_chunks
from hmlr.store.sql.rewrite import rewrite_messages
from hmlr.store.sql.rows import (
    bump_facts,
    change_the,
    count_erasure,
    into,
    mine,
    remove_all,
    remove_some,
    some,
)
from hmlr.store.sql.special import special
from hmlr.store.sql.traces import blank_words, mend_facts


def erase(connection: Connection, user: UserId, plan: ErasePlan, now: datetime) -> Erased:
    """See CareStore.erase.

    InvalidInput for a plan that names nothing: an empty filter must never mean everything.
    NotFound when nothing of what it names is there.
    """
    if not plan.everything and not (plan.turn_ids or plan.fact_ids or plan.rewrites):
        raise InvalidInput("the deletion names nothing to delete")
    turn_seqs, fact_ids = _named(connection, user, plan)
    turn_ids, seqs = list(turn_seqs), list(turn_seqs.values())
    gone = set(turn_ids)
    rewrites = [rewrite for rewrite in plan.rewrites if _turn_of(rewrite) not in gone]
    if not (plan.everything or seqs or fact_ids or rewrites):
        raise NotFound(f"there is no {plan.scope} {plan.target}")
    stock = take_stock(connection, user)
    touched = dossiers_of(connection, user, fact_ids)
    restored = mend_facts(connection, user, turn_ids, fact_ids, now)
    counts = _remove_turns(connection, user, turn_ids)
    connection.execute(remove_some(facts, "fact_id"), {"user": user, "of": fact_ids})
    rewritten = rewrite_messages(connection, user, rewrites)
    if plan.requoted:
        rows = [{"user": user, "of": fact_id, "quote": quote} for fact_id, quote in plan.requoted]
        connection.execute(change_the(facts, "fact_id"), rows)
    _rewrite_blocks(connection, user, plan)
    gone |= {*fact_ids}
    _drop_edits(connection, user, gone, everything=plan.everything)
    blank_words(connection, user, plan.words)
    if plan.everything:
        special(connection).drop_own(connection)
        drop_garden(connection, user)
    else:
        gone |= {rewrite.message_id for rewrite in rewrites}
        forget_in_garden(connection, user, touched=touched, gone=gone, words=plan.words)
    stones = [
        {"user_id": user, "scope": plan.scope, "target": target, "turn_seqs": numbers, "recorded_at": now}
        for target, numbers in _graves(plan, turn_seqs)
    ]
    connection.execute(into(tombstones), stones)
    count_erasure(connection, user)
    bump_facts(connection, user, removed=True)
    return Erased(
        turns=len(turn_ids),
        messages=counts["messages"],
        chunks=counts["chunks"] + rewritten[0],
        vectors=counts["vectors"] + rewritten[1],
        facts=len(fact_ids),
        rewrites=len(rewrites),
        restored=restored,
        garden=stock.less(take_stock(connection, user)),
    )


def _named(connection: Connection, user: UserId, plan: ErasePlan) -> tuple[dict[str, int], list[str]]:
    """The turns that go with their numbers, ascending, and the facts, those of the turns among them."""
    if plan.everything:
        every = {"user": user}
        rows = connection.execute(_turns(), every).all()
        fact_ids = list(connection.execute(_facts(), every).scalars())
    else:
        of_turns = {"user": user, "of": plan.turn_ids}
        rows = connection.execute(_these_turns(), of_turns).all()
        # One list at a time: for either of two, SQLite reads all facts of the user.
        fact_ids = list(
            connection.execute(_these_facts("fact_id"), of_turns | {"of": plan.fact_ids}).scalars()
        )
        fact_ids += connection.execute(_these_facts("turn_id"), of_turns).scalars()
    seqs = {row.turn_id: row.seq for row in sorted(rows, key=lambda row: int(row.seq))}
    return seqs, list(dict.fromkeys(fact_ids))


@cache
def _turns() -> Select[Any]:
    return select(turns.c.turn_id, turns.c.seq).where(mine(turns))


@cache
def _these_turns() -> Select[Any]:
    # Not in their order: for that SQLite would read all turns of the user.
    return select(turns.c.turn_id, turns.c.seq).where(some(turns, "turn_id"))


@cache
def _facts() -> Select[Any]:
    return select(facts.c.fact_id).where(mine(facts))


@cache
def _these_facts(name: str) -> Select[Any]:
    return select(facts.c.fact_id).where(some(facts, name))


def _remove_turns(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> dict[str, int]:
    """Remove turns; messages, chunks, vectors, facts, jobs and places in blocks go with them."""
    if not turn_ids:
        return {"messages": 0, "chunks": 0, "vectors": 0}
    these = {"user": user, "of": turn_ids}
    numbers = list(connection.execute(_message_numbers(), these).scalars())
    chunk_count, vector_count = remove_chunks(connection, numbers)
    block_ids = sorted(set(connection.execute(_blocks_of(), these).scalars()))
    connection.execute(remove_some(turns, "turn_id"), these)
    drop_empty(connection, user, block_ids)
    recount(connection, user, block_ids)
    return {"messages": len(numbers), "chunks": chunk_count, "vectors": vector_count}


@cache
def _message_numbers() -> Select[Any]:
    return select(messages.c.message_no).where(some(messages, "turn_id"))


@cache
def _blocks_of() -> Select[Any]:
    return select(turn_blocks.c.block_id).where(some(turn_blocks, "turn_id"))


def _rewrite_blocks(connection: Connection, user: UserId, plan: ErasePlan) -> None:
    if plan.blocks:
        asked = {"user": user, "of": [block.block_id for block in plan.blocks]}
        named = set(connection.execute(_renamed(), asked).scalars())
        # The user's own name for a block goes, so the edit that holds it does.
        unnamed = [block.block_id for block in plan.blocks if not block.renamed and block.block_id in named]
        connection.execute(remove_some(edits, "target"), {"user": user, "of": unnamed})
        rows = [
            {"user": user, "of": block.block_id, **header_values(block), "renamed": block.renamed}
            for block in plan.blocks
        ]
        connection.execute(newer_block(), rows)
    if plan.everything:
        for table in (blocks, jobs):
            connection.execute(remove_all(table), {"user": user})


@cache
def _renamed() -> Select[Any]:
    return select(blocks.c.block_id).where(some(blocks, "block_id"), blocks.c.renamed)


def _drop_edits(connection: Connection, user: UserId, ids: set[str], *, everything: bool) -> None:
    """Remove the edits that name something removed: they hold its words, or have nothing to be made on."""
    rows = connection.execute(_edits(), {"user": user}).all()
    gone = [row.seq for row in rows if everything or not ids.isdisjoint({row.target, *_texts(row.payload)})]
    if gone:
        connection.execute(remove_some(edits, "seq"), {"user": user, "of": gone})


@cache
def _edits() -> Select[Any]:
    return select(edits.c.seq, edits.c.target, edits.c.payload).where(mine(edits))


def _texts(value: object) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _graves(plan: ErasePlan, turn_seqs: dict[str, int]) -> list[tuple[str, list[list[int]]]]:
    """The target and the turn numbers of each tombstone."""
    if plan.scope == "turn" and turn_seqs:
        return [(turn_id, [[seq, seq]]) for turn_id, seq in turn_seqs.items()]
    return [(plan.target, _ranges(list(turn_seqs.values())))]


def _turn_of(rewrite: Rewrite) -> str:
    return rewrite.message_id.rpartition("/")[0]


def _ranges(seqs: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] pairs."""
    ranges: list[list[int]] = []
    for seq in seqs:
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1][1] = seq
        else:
            ranges.append([seq, seq])
    return ranges
