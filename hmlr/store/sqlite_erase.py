"""Forgetting: one transaction that removes what was asked for and everything made from it.

What stays is a tombstone without content: the scope, an id, and the turn numbers that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from hmlr.errors import InvalidInput, NotFound
from hmlr.records import UserId
from hmlr.store.records import Erased, ErasePlan, Rewrite
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
from hmlr.store.sqlite_blocks import drop_empty, header_values, newer_block, recount
from hmlr.store.sqlite_garden_erase import dossiers_of, drop_garden, forget_in_garden
from hmlr.store.sqlite_garden_stock import take_stock
from hmlr.store.sqlite_index import add_chunks, chunk_values, remove_chunks
from hmlr.store.sqlite_jobs import restart_jobs, take_back
from hmlr.store.sqlite_rows import (
    bump_facts,
    change_the,
    count_erasure,
    digest,
    ensure_user,
    into,
    listed,
    mine,
    remove_all,
    remove_some,
    some,
    the,
)
from hmlr.store.sqlite_traces import blank_words, mend_facts


def erase(connection: Connection, user: UserId, plan: ErasePlan, now: datetime) -> Erased:
    """See CareStore.erase.

    InvalidInput for a plan that names nothing: an empty filter must never mean everything.
    NotFound when nothing of what it names is there.
    """
    if not plan.everything and not (plan.turn_ids or plan.fact_ids or plan.rewrites):
        raise InvalidInput("the deletion names nothing to delete")
    named = {"user": user, "turns": plan.turn_ids, "facts": plan.fact_ids}
    found = connection.execute(_gone_turns(every=plan.everything), named).all()
    turn_ids, seqs = [row.turn_id for row in found], [row.seq for row in found]
    fact_ids = list(connection.execute(_gone_facts(every=plan.everything), named).scalars())

    rewrites = [rewrite for rewrite in plan.rewrites if _turn_of(rewrite) not in set(turn_ids)]
    if not (plan.everything or seqs or fact_ids or rewrites):
        raise NotFound(f"there is no {plan.scope} {plan.target}")
    stock = take_stock(connection, user)
    touched = dossiers_of(connection, user, fact_ids)
    mend_facts(connection, user, turn_ids, fact_ids, now)
    counts = _remove_turns(connection, user, turn_ids)
    connection.execute(remove_some(facts, "fact_id"), {"user": user, "of": fact_ids})
    rewritten = [_rewrite(connection, user, rewrite) for rewrite in rewrites]
    if plan.requoted:
        rows = [{"user": user, "of": fact_id, "quote": quote} for fact_id, quote in plan.requoted]
        connection.execute(change_the(facts, "fact_id"), rows)
    _rewrite_blocks(connection, user, plan)
    _drop_edits(connection, user, {*turn_ids, *fact_ids}, everything=plan.everything)
    blank_words(connection, user, plan.words)
    if plan.everything:
        drop_garden(connection, user)
    else:
        rewritten_ids = (rewrite.message_id for rewrite in rewrites)
        gone = {*turn_ids, *fact_ids, *rewritten_ids}
        forget_in_garden(connection, user, touched=touched, gone=gone, words=plan.words)
    stone = {"scope": plan.scope, "target": plan.target, "turn_seqs": _ranges(seqs), "recorded_at": now}
    connection.execute(into(tombstones), {"user_id": user, **stone})
    count_erasure(connection, user)
    bump_facts(connection, user, removed=True)
    return Erased(
        turns=len(turn_ids),
        messages=counts["messages"],
        chunks=counts["chunks"] + sum(chunk_count for chunk_count, _ in rewritten),
        vectors=counts["vectors"] + sum(vector_count for _, vector_count in rewritten),
        facts=len(fact_ids),
        rewrites=len(rewritten),
        garden=stock.less(take_stock(connection, user)),
    )


@cache
def _gone_turns(*, every: bool) -> Select[Any]:
    found = select(turns.c.turn_id, turns.c.seq).where(mine(turns)).order_by(turns.c.seq)
    return found if every else found.where(listed(turns.c.turn_id, "turns"))


@cache
def _gone_facts(*, every: bool) -> Select[Any]:
    found = select(facts.c.fact_id).where(mine(facts))
    return (
        found
        if every
        else found.where(or_(listed(facts.c.fact_id, "facts"), listed(facts.c.turn_id, "turns")))
    )


def _remove_turns(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> dict[str, int]:
    """Remove turns; messages, chunks, vectors, facts, jobs and places in blocks go with them."""
    if not turn_ids:
        return {"messages": 0, "chunks": 0, "vectors": 0}
    these = {"user": user, "of": turn_ids}
    numbers = list(connection.execute(_message_numbers(), these).scalars())
    chunk_count, vector_count = remove_chunks(connection, numbers)
    block_ids = list(connection.execute(_blocks_of(), these).scalars())
    connection.execute(remove_some(turns, "turn_id"), these)
    drop_empty(connection, user, block_ids)
    recount(connection, user, block_ids)
    return {"messages": len(numbers), "chunks": chunk_count, "vectors": vector_count}


@cache
def _message_numbers() -> Select[Any]:
    return select(messages.c.message_no).where(some(messages, "turn_id"))


@cache
def _blocks_of() -> Select[Any]:
    return select(turn_blocks.c.block_id).distinct().where(some(turn_blocks, "turn_id"))


def _rewrite(connection: Connection, user: UserId, rewrite: Rewrite) -> tuple[int, int]:
    """Give a message other words and chunks; the numbers of chunks and vectors removed."""
    this = {"user": user, "of": rewrite.message_id}
    message = connection.execute(_message(), this).one_or_none()
    if message is None:
        raise NotFound(f"there is no message {rewrite.message_id}")
    removed = remove_chunks(connection, [message.message_no])
    values: dict[str, object] = {"content": rewrite.content, "sha256": digest(rewrite.content)}
    if rewrite.speaker is not None:
        values |= {"speaker": rewrite.speaker, "speaker_key": rewrite.speaker.casefold()}
    if rewrite.metadata is not None:
        values |= {"metadata": dict(rewrite.metadata)}
    connection.execute(change_the(messages, "message_id"), {**this, **values})
    number = ensure_user(connection, user).user_no
    add_chunks(connection, chunk_values(number, message.message_no, rewrite.chunks, echo=message.echo))
    take_back(connection, user, message.turn_id)
    if not message.echo:
        restart_jobs(connection, user, "embed", [message.turn_id])
    return removed


@cache
def _message() -> Select[Any]:
    columns = messages.c.message_no, messages.c.turn_id, messages.c.echo
    return select(*columns).where(the(messages, "message_id"))


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
