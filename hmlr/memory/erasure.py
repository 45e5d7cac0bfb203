"""Erasure: what has to go so that no query and no byte of the files returns a forgotten thing.

A memory may be large and a session long: whatever walks through texts does so in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace

from hmlr.errors import NotFound
from hmlr.language.blanking import BLANK, blank
from hmlr.language.json_texts import blank_json
from hmlr.language.sentences import sentence_spans
from hmlr.memory.blocks import header_of
from hmlr.memory.intake import new_chunks
from hmlr.memory.paging import pages
from hmlr.records import (
    Block,
    BlockId,
    Fact,
    FactId,
    StoredMessage,
    Turn,
    TurnId,
    UserId,
)
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery

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
    needles = await asyncio.to_thread(_sentences, turns)
    needles |= dict.fromkeys(fact.quote for fact in facts if len(fact.quote) >= MIN_SENTENCE)
    words = needles.keys() | {fact.value for fact in facts if len(fact.value) >= MIN_VALUE}
    rewrites = await asyncio.to_thread(_rewrites, await _repeating(store, user, needles, gone), words)
    lost, requoted = await _standing_on(store, user, rewrites, words)
    return ErasePlan(
        scope="session" if scope == "session" else "turn",
        target=str(turn_ids[0]) if scope == "turn" else str(turns[0].session_id),
        turn_ids=tuple(turn.turn_id for turn in turns),
        fact_ids=lost,
        rewrites=rewrites,
        requoted=requoted,
        blocks=await _headers(store, user, {turn.block_id for turn in turns}, gone, rewrites),
        words=tuple(needles),
    )


async def _repeating(
    store: Store, user: UserId, needles: Collection[str], gone: Set[str]
) -> list[StoredMessage]:
    """Replies in other turns that hold one of the texts."""
    found = await store.messages_containing(user, tuple(needles))
    return [each for each in found if each.turn_id not in gone and each.role == "assistant"]


async def _standing_on(
    store: Store, user: UserId, rewrites: Sequence[Rewrite], words: Iterable[str]
) -> tuple[tuple[FactId, ...], tuple[tuple[FactId, str], ...]]:
    """Of the facts from messages that are rewritten: those that go, and quotes of those that stay."""
    if not rewrites:
        return (), ()
    every = await store.facts(user, FactQuery(states=None))
    return await asyncio.to_thread(_judged, every, {rewrite.message_id for rewrite in rewrites}, words)


def _judged(
    every: Sequence[Fact], messages: Set[str], words: Iterable[str]
) -> tuple[tuple[FactId, ...], tuple[tuple[FactId, str], ...]]:
    facts = [fact for fact in every if fact.message_id in messages and blank(fact.quote, words) != fact.quote]
    lost = tuple(fact.fact_id for fact in facts if blank(fact.value, words) != fact.value)
    return lost, tuple((fact.fact_id, blank(fact.quote, words)) for fact in facts if fact.fact_id not in lost)


async def plan_rest(store: Store, user: UserId, done: ErasePlan) -> ErasePlan | None:
    """What repeats the removed words after all, None for nothing.

    A reply that was under way may be stored between the planning of `done` and its erasure.
    """
    if done.everything or not done.words:
        return None
    if done.scope == "fact":
        messages = await store.messages_containing(user, done.words)
        every = await store.facts(user, FactQuery(states=None))
        telling = await asyncio.to_thread(_telling, every, done.words[0])
        lost = tuple(fact.fact_id for fact in telling)
    else:
        messages = await _repeating(store, user, done.words, set())
        lost = ()
    rewrites = await asyncio.to_thread(_rewrites, messages, done.words)
    gone, requoted = await _standing_on(store, user, rewrites, done.words)
    lost = tuple(dict.fromkeys((*lost, *gone)))
    if not rewrites and not lost:
        return None
    blocks = await _blocks_of(store, user, [message.turn_id for message in messages])
    return ErasePlan(
        scope=done.scope,
        target=done.target,
        fact_ids=lost,
        rewrites=rewrites,
        requoted=tuple(pair for pair in requoted if pair[0] not in lost),
        blocks=await _headers(store, user, blocks, set(), rewrites),
        words=done.words,
    )


async def plan_fact(store: Store, user: UserId, fact_id: FactId) -> ErasePlan:
    """Forget a fact: its quote is blanked in its turn, its value wherever it stands in this user's memory.

    So it is in the names of speakers and in metadata, of any message.
    Where another fact stands on the same words, only the value is blanked, and that fact's quote with it.
    """
    found = await store.facts(user, FactQuery(fact_ids=(fact_id,), states=None))
    if not found:
        raise NotFound(f"there is no fact {fact_id!r}", hint="`facts` lists them with their ids")
    fact = found[0]
    every = await store.facts(user, FactQuery(states=None))
    same = [fact, *await asyncio.to_thread(_telling, every, fact.value)]
    ids = {other.fact_id for other in same}
    rest = [other for other in every if other.fact_id not in ids]
    words = {other.value for other in same} | {
        other.quote for other in same if not any(_overlap(other, kept) for kept in rest)
    }
    messages = await store.messages_containing(user, sorted(words))
    rewrites = await asyncio.to_thread(_rewrites, messages, words)
    blocks = await _blocks_of(store, user, [message.turn_id for message in messages])
    return ErasePlan(
        scope="fact",
        target=fact_id,
        fact_ids=tuple(sorted(ids)),
        rewrites=rewrites,
        requoted=await asyncio.to_thread(_requoted, rest, words),
        blocks=await _headers(store, user, blocks, set(), rewrites),
        words=(fact.value, *sorted(words - {fact.value})),
    )


async def turns_of(store: Store, user: UserId, query: TurnQuery) -> list[TurnId]:
    """The turns of a session, or those that a speaker opened."""
    found = pages(store, user, query)
    return [turn.turn_id async for page in found for turn in page]


def _telling(facts: Iterable[Fact], value: str) -> list[Fact]:
    """The facts that give the forgotten value away."""
    return [
        fact for fact in facts if any(blank(text, {value}) != text for text in (fact.value, fact.subject))
    ]


def _requoted(facts: Iterable[Fact], words: Collection[str]) -> tuple[tuple[FactId, str], ...]:
    """The facts whose quotes hold the words, with those quotes blanked."""
    return tuple((fact.fact_id, left) for fact in facts if (left := blank(fact.quote, words)) != fact.quote)


def _overlap(one: Fact, other: Fact) -> bool:
    return one.message_id == other.message_id and one.start < other.end and other.start < one.end


def _sentences(turns: Sequence[Turn]) -> dict[str, None]:
    """What was said, whole and by sentences, in order: to sort many texts would hold up every thread.

    Not their echoes: "Noted, word for word." stands in every other turn too, and is nobody's secret.
    """
    found: dict[str, None] = {}
    for turn in turns:
        for message in (each for each in turn.messages if not each.echo):
            spans = [(0, len(message.content)), *sentence_spans(message.content)]
            found |= dict.fromkeys(message.content[start:end].strip() for start, end in spans)
    return {sentence: None for sentence in found if len(sentence) >= MIN_SENTENCE}


def _rewrites(messages: Iterable[StoredMessage], words: Collection[str]) -> tuple[Rewrite, ...]:
    """Messages without the words. An echo is made of memories alone: one that held any goes blank."""
    return tuple(rewrite for message in messages if (rewrite := _rewritten(message, words)) is not None)


def _rewritten(message: StoredMessage, words: Collection[str]) -> Rewrite | None:
    content = blank(message.content, words)
    if message.echo and content != message.content:
        content = BLANK * min(len(message.content), 16)
    speaker = None if message.speaker is None else blank(message.speaker, words)
    metadata = blank_json(dict(message.metadata), words)
    if (content, speaker, metadata) == (message.content, message.speaker, message.metadata):
        return None
    return Rewrite(
        message_id=message.message_id,
        content=content,
        chunks=() if message.echo else new_chunks(content),
        speaker=speaker,
        metadata=metadata,
    )


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
        texts: list[str] = []
        async for page in pages(store, user, TurnQuery(block_id=entry.block.block_id)):
            firsts = [turn.messages[0] for turn in page if turn.turn_id not in gone and turn.messages]
            texts += [contents.get(first.message_id, first.content) for first in firsts]
        block = await asyncio.to_thread(header_of, entry.block, texts)
        if entry.block.renamed and not _touched(entry.block.label, rewrites):
            block = replace(block, label=entry.block.label, renamed=True)
        made.append(block)
    return tuple(made)


def _touched(label: str, rewrites: Sequence[Rewrite]) -> bool:
    """A label of the user's own is kept unless something was blanked, which it might name."""
    return bool(rewrites) and bool(label)
