"""Forgetting: one transaction that removes what was asked for and everything made from it.

What stays is a tombstone without content: the scope, an id, and the turn numbers that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

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
from hmlr.store.sqlite_blocks import drop_empty, header_values, recount
from hmlr.store.sqlite_garden_erase import dossiers_of, drop_garden, forget_in_garden
from hmlr.store.sqlite_garden_stock import take_stock
from hmlr.store.sqlite_index import add_chunks, chunk_values, remove_chunks
from hmlr.store.sqlite_jobs import restart_jobs, take_back
from hmlr.store.sqlite_rows import among, bump_facts, count_erasure, digest, ensure_user
from hmlr.store.sqlite_traces import blank_words, mend_facts


def erase(connection: Connection, user: UserId, plan: ErasePlan, now: datetime) -> Erased:
    """See CareStore.erase.

    InvalidInput for a plan that names nothing: an empty filter must never mean everything.
    NotFound when nothing of what it names is there.
    """
    if not plan.everything and not (plan.turn_ids or plan.fact_ids or plan.rewrites):
        raise InvalidInput("the deletion names nothing to delete")
    gone_turns = turns.c.user_id == user
    gone_facts = facts.c.user_id == user
    if not plan.everything:
        gone_turns = and_(gone_turns, among(turns.c.turn_id, plan.turn_ids))
        in_turns = among(facts.c.turn_id, plan.turn_ids)
        gone_facts = and_(gone_facts, or_(among(facts.c.fact_id, plan.fact_ids), in_turns))
    seqs = list(connection.execute(select(turns.c.seq).where(gone_turns).order_by(turns.c.seq)).scalars())
    turn_ids = list(connection.execute(select(turns.c.turn_id).where(gone_turns)).scalars())
    fact_ids = list(connection.execute(select(facts.c.fact_id).where(gone_facts)).scalars())

    rewrites = [rewrite for rewrite in plan.rewrites if _turn_of(rewrite) not in set(turn_ids)]
    if not (plan.everything or seqs or fact_ids or rewrites):
        raise NotFound(f"there is no {plan.scope} {plan.target}")
    stock = take_stock(connection, user)
    touched = dossiers_of(connection, user, fact_ids)
    mend_facts(connection, user, turn_ids, fact_ids, now)
    counts = _remove_turns(connection, user, turn_ids)
    connection.execute(delete(facts).where(facts.c.user_id == user, among(facts.c.fact_id, fact_ids)))
    rewritten = [_rewrite(connection, user, rewrite) for rewrite in rewrites]
    for fact_id, quote in plan.requoted:
        kept = and_(facts.c.user_id == user, facts.c.fact_id == fact_id)
        connection.execute(update(facts).where(kept).values(quote=quote))
    _rewrite_blocks(connection, user, plan)
    _drop_edits(connection, user, {*turn_ids, *fact_ids}, everything=plan.everything)
    blank_words(connection, user, plan.words)
    if plan.everything:
        drop_garden(connection, user)
    else:
        rewritten_ids = (rewrite.message_id for rewrite in rewrites)
        gone = {*turn_ids, *fact_ids, *rewritten_ids}
        forget_in_garden(connection, user, touched=touched, gone=gone, words=plan.words)
    connection.execute(
        insert(tombstones).values(
            user_id=user, scope=plan.scope, target=plan.target, turn_seqs=_ranges(seqs), recorded_at=now
        )
    )
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


def _remove_turns(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> dict[str, int]:
    """Remove turns; messages, chunks, vectors, facts, jobs and places in blocks go with them."""
    said = and_(messages.c.user_id == user, among(messages.c.turn_id, turn_ids))
    numbers = list(connection.execute(select(messages.c.message_no).where(said)).scalars())
    chunk_count, vector_count = remove_chunks(connection, numbers)
    left = select(turn_blocks.c.block_id).distinct()
    left = left.where(turn_blocks.c.user_id == user, among(turn_blocks.c.turn_id, turn_ids))
    block_ids = list(connection.execute(left).scalars())
    connection.execute(delete(turns).where(turns.c.user_id == user, among(turns.c.turn_id, turn_ids)))
    drop_empty(connection, user, block_ids)
    recount(connection, user, block_ids)
    return {"messages": len(numbers), "chunks": chunk_count, "vectors": vector_count}


def _rewrite(connection: Connection, user: UserId, rewrite: Rewrite) -> tuple[int, int]:
    """Give a message other words and chunks; the numbers of chunks and vectors removed."""
    mine = and_(messages.c.user_id == user, messages.c.message_id == rewrite.message_id)
    message = connection.execute(
        select(messages.c.message_no, messages.c.turn_id, messages.c.echo).where(mine)
    ).one_or_none()
    if message is None:
        raise NotFound(f"there is no message {rewrite.message_id}")
    removed = remove_chunks(connection, [message.message_no])
    values: dict[str, object] = {"content": rewrite.content, "sha256": digest(rewrite.content)}
    if rewrite.speaker is not None:
        values |= {"speaker": rewrite.speaker, "speaker_key": rewrite.speaker.casefold()}
    if rewrite.metadata is not None:
        values |= {"metadata": dict(rewrite.metadata)}
    connection.execute(update(messages).where(mine).values(values))
    number = ensure_user(connection, user).user_no
    add_chunks(connection, chunk_values(number, message.message_no, rewrite.chunks, echo=message.echo))
    take_back(connection, user, message.turn_id)
    if not message.echo:
        restart_jobs(connection, user, "embed", [message.turn_id])
    return removed


def _rewrite_blocks(connection: Connection, user: UserId, plan: ErasePlan) -> None:
    for block in plan.blocks:
        mine = and_(blocks.c.user_id == user, blocks.c.block_id == block.block_id)
        renamed = connection.execute(select(blocks.c.renamed).where(mine)).scalar()
        if renamed and not block.renamed:  # the user's own name for it goes, so the edit that holds it does
            named = and_(edits.c.user_id == user, edits.c.target == block.block_id)
            connection.execute(delete(edits).where(named))
        header = header_values(block) | {"renamed": block.renamed}
        connection.execute(update(blocks).where(mine).values(version=blocks.c.version + 1, **header))
    if plan.everything:
        connection.execute(delete(blocks).where(blocks.c.user_id == user))
        connection.execute(delete(jobs).where(jobs.c.user_id == user))


def _drop_edits(connection: Connection, user: UserId, ids: set[str], *, everything: bool) -> None:
    """Remove the edits that name something removed: they hold its words, or have nothing to be made on."""
    mine = edits.c.user_id == user
    rows = connection.execute(select(edits.c.seq, edits.c.target, edits.c.payload).where(mine)).all()
    gone = [row.seq for row in rows if everything or not ids.isdisjoint({row.target, *_texts(row.payload)})]
    connection.execute(delete(edits).where(mine, among(edits.c.seq, gone)))


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
