"""Erasure: what has to go so that no query and no byte of the files returns a forgotten thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace

from hmlr.errors import NotFound
from hmlr.language.blanking import BLANK, blank
from hmlr.language.sentences import sentence_spans
from hmlr.memory.blocks import HeaderWords, extend_header
from hmlr.memory.intake import new_chunks
from hmlr.records import Block, BlockId, Fact, FactId, SessionId, StoredMessage, Turn, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import ErasePlan, FactQuery, Rewrite, TurnQuery

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
    words = needles | {fact.value for fact in facts if len(fact.value) >= MIN_VALUE}
    rewrites = _rewrites(await _repeating(store, user, needles, gone), words)
    lost, requoted = await _standing_on(store, user, rewrites, words)
    return ErasePlan(
        scope="session" if scope == "session" else "turn",
        target=str(turn_ids[0]) if scope == "turn" else str(turns[0].session_id),
        turn_ids=tuple(turn.turn_id for turn in turns),
        fact_ids=lost,
        rewrites=rewrites,
        requoted=requoted,
        blocks=await _headers(store, user, {turn.block_id for turn in turns}, gone, rewrites),
        words=tuple(sorted(needles)),
    )


async def _repeating(
    store: Store, user: UserId, needles: Iterable[str], gone: Set[str]
) -> list[StoredMessage]:
    """Replies in other turns that hold one of the texts."""
    found = await store.messages_containing(user, sorted(needles))
    return [each for each in found if each.turn_id not in gone and each.role == "assistant"]


async def _standing_on(
    store: Store, user: UserId, rewrites: Sequence[Rewrite], words: Iterable[str]
) -> tuple[tuple[FactId, ...], tuple[tuple[FactId, str], ...]]:
    """Of the facts from messages that are rewritten: those that go, and quotes of those that stay."""
    if not rewrites:
        return (), ()
    messages = {rewrite.message_id for rewrite in rewrites}
    facts = [
        fact
        for fact in await store.facts(user, FactQuery(states=None))
        if fact.message_id in messages and blank(fact.quote, words) != fact.quote
    ]
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
        lost = tuple(fact.fact_id for fact in every if _tells(fact, done.words[0]))
    else:
        messages = await _repeating(store, user, done.words, set())
        lost = ()
    rewrites = _rewrites(messages, done.words)
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

    Where another fact stands on the same words, only the value is blanked, and that fact's quote with it.
    """
    found = await store.facts(user, FactQuery(fact_ids=(fact_id,), states=None))
    if not found:
        raise NotFound(f"there is no fact {fact_id!r}", hint="`facts` lists them with their ids")
    fact = found[0]
    every = await store.facts(user, FactQuery(states=None))
    same = [other for other in every if other.fact_id == fact_id or _tells(other, fact.value)]
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
        words=(fact.value, *sorted(words - {fact.value})),
    )


async def session_turns(store: Store, user: UserId, session_id: SessionId) -> list[TurnId]:
    """The turns of a session."""
    return [turn.turn_id for turn in await store.turns(user, TurnQuery(session_id=session_id))]


def _tells(fact: Fact, value: str) -> bool:
    """Whether a fact gives the forgotten value away."""
    return any(blank(text, {value}) != text for text in (fact.value, fact.subject))


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


def _rewrites(messages: Iterable[StoredMessage], words: Collection[str]) -> tuple[Rewrite, ...]:
    """Messages without the words. An echo is made of memories alone: one that held any goes blank."""
    rewrites = []
    for message in messages:
        content = blank(message.content, words)
        if message.echo and content != message.content:
            content = BLANK * min(len(message.content), 16)
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
