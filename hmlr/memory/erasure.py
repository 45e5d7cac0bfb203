"""Erasure: what has to go so that no query and no byte of the files returns a forgotten thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hmlr.errors import NotFound
from hmlr.language.sentences import sentence_spans
from hmlr.memory.blocks import HeaderWords, extend_header
from hmlr.memory.intake import new_chunks
from hmlr.records import Block, BlockId, Fact, FactId, SessionId, StoredMessage, Turn, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import ErasePlan, FactQuery, Rewrite, TurnQuery

BLANK = "█"
# Shorter pieces ("Yes.", "no") stand in other texts by chance.
MIN_SENTENCE = 12
MIN_VALUE = 3


async def plan_turns(store: Store, user: UserId, turn_ids: Sequence[TurnId], *, scope: str) -> ErasePlan:
    """Forget turns: what was made of them, and what replies in other turns repeated of them."""
    turns = await store.turns(user, TurnQuery(turn_ids=tuple(turn_ids)))
    if not turns:
        raise NotFound(f"there is no {scope} {turn_ids[0]!r}" if turn_ids else f"there is no such {scope}")
    gone = {turn.turn_id for turn in turns}
    facts = await store.facts(user, FactQuery(turn_ids=tuple(gone), states=None))
    needles = _sentences(turns) | {fact.quote for fact in facts if len(fact.quote) >= MIN_SENTENCE}
    others = [
        message
        for message in await store.messages_containing(user, sorted(needles))
        if message.turn_id not in gone and message.role == "assistant"
    ]
    words = needles | {fact.value for fact in facts if len(fact.value) >= MIN_VALUE}
    rewrites = _rewrites(others, words)
    return ErasePlan(
        scope="session" if scope == "session" else "turn",
        target=str(turn_ids[0]) if scope == "turn" else str(turns[0].session_id),
        turn_ids=tuple(turn.turn_id for turn in turns),
        rewrites=rewrites,
        blocks=await _headers(store, user, {turn.block_id for turn in turns}, gone, rewrites),
    )


async def plan_fact(store: Store, user: UserId, fact_id: FactId) -> ErasePlan:
    """Forget a fact: its quote is blanked in its turn, its value wherever it stands in this user's memory.

    Where another fact stands on the same words, only the value is blanked, and that fact's quote with it.
    """
    found = await store.facts(user, FactQuery(fact_ids=(fact_id,), states=None))
    if not found:
        raise NotFound(f"there is no fact {fact_id!r}", hint="`facts` lists them with their ids")
    fact = found[0]
    every = await store.facts(user, FactQuery(states=None))
    same = [other for other in every if other.fact_id == fact_id or _tells(other, fact)]
    ids = {other.fact_id for other in same}
    rest = [other for other in every if other.fact_id not in ids]
    words = {other.value for other in same} | {
        other.quote for other in same if not any(_overlap(other, kept) for kept in rest)
    }
    messages = await store.messages_containing(user, sorted(words))
    rewrites = _rewrites(messages, words)
    blocks = await _blocks_of(store, user, [message.turn_id for message in messages])
    return ErasePlan(
        scope="fact",
        target=fact_id,
        fact_ids=tuple(sorted(ids)),
        rewrites=rewrites,
        requoted=tuple(
            (kept.fact_id, blanked) for kept in rest if (blanked := blank(kept.quote, words)) != kept.quote
        ),
        blocks=await _headers(store, user, blocks, set(), rewrites),
    )


async def session_turns(store: Store, user: UserId, session_id: SessionId) -> list[TurnId]:
    """The turns of a session."""
    return [turn.turn_id for turn in await store.turns(user, TurnQuery(session_id=session_id))]


def blank(text: str, words: Iterable[str]) -> str:
    """The text with each of the words blanked, character for character, so that offsets stay right."""
    for word in sorted(words, key=len, reverse=True):
        pattern = re.escape(word)
        if word[:1].isalnum():
            pattern = rf"(?<!\w){pattern}"
        if word[-1:].isalnum():
            pattern = rf"{pattern}(?!\w)"
        text = re.sub(pattern, lambda match: BLANK * len(match.group()), text)
    return text


def _tells(other: Fact, fact: Fact) -> bool:
    """Whether another fact gives the forgotten value away."""
    words = {fact.value}
    return blank(other.value, words) != other.value or blank(other.subject, words) != other.subject


def _overlap(one: Fact, other: Fact) -> bool:
    return one.message_id == other.message_id and one.start < other.end and other.start < one.end


def _sentences(turns: Sequence[Turn]) -> set[str]:
    found: set[str] = set()
    for turn in turns:
        for message in turn.messages:
            found.add(message.content.strip())
            spans = sentence_spans(message.content)
            found |= {message.content[start:end].strip() for start, end in spans}
    return {sentence for sentence in found if len(sentence) >= MIN_SENTENCE}


def _rewrites(messages: Iterable[StoredMessage], words: set[str]) -> tuple[Rewrite, ...]:
    """Messages without the words. An echo is made of memories alone: one that held any goes blank."""
    rewrites = []
    for message in messages:
        content = BLANK * min(len(message.content), 16) if message.echo else blank(message.content, words)
        if content != message.content:
            chunks = () if message.echo else new_chunks(content)
            rewrites.append(Rewrite(message_id=message.message_id, content=content, chunks=chunks))
    return tuple(rewrites)


async def _blocks_of(store: Store, user: UserId, turn_ids: Sequence[TurnId]) -> set[BlockId | None]:
    turns = await store.turns(user, TurnQuery(turn_ids=tuple(turn_ids))) if turn_ids else []
    return {turn.block_id for turn in turns}


async def _headers(
    store: Store,
    user: UserId,
    block_ids: set[BlockId | None],
    gone: set[TurnId],
    rewrites: Sequence[Rewrite],
) -> tuple[Block, ...]:
    """Headers made anew from the turns that stay, as they will read."""
    wanted = [block_id for block_id in block_ids if block_id is not None]
    if not wanted:
        return ()
    contents = {rewrite.message_id: rewrite.content for rewrite in rewrites}
    made = []
    for entry in await store.blocks(user, block_ids=wanted):
        block = replace(entry.block, label="", summary="", keywords=(), open_loops=(), decisions=())
        words = HeaderWords()
        count = 0
        for turn in await store.turns(user, TurnQuery(block_id=block.block_id)):
            if turn.turn_id not in gone and turn.messages:
                first = turn.messages[0]
                text = contents.get(first.message_id, first.content)
                block = extend_header(replace(block, turn_count=count, renamed=False), words, text)
                count += 1
        if entry.block.renamed and not _touched(entry.block.label, rewrites):
            block = replace(block, label=entry.block.label, renamed=True)
        made.append(replace(block, turn_count=entry.block.turn_count))
    return tuple(made)


def _touched(label: str, rewrites: Sequence[Rewrite]) -> bool:
    """A label of the user's own is kept unless something was blanked, which it might name."""
    return bool(rewrites) and bool(label)
