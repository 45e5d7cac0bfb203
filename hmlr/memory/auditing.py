"""The audit: how much of what is held to be true is doubled, stale, echoed, unsourced or secret.

Reads every fact and every message of the user, some seconds for 100,000 turns; changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hmlr.language.dates import find_dates
from hmlr.language.sentences import sentence_spans
from hmlr.memory.echo import MIN_CHARS
from hmlr.memory.echo import fold as fold_text
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.as_of import is_over
from hmlr.memory.facts.contradictions import contradictions
from hmlr.memory.facts.statement import state
from hmlr.memory.facts.values import fold, fold_value
from hmlr.memory.paging import pages
from hmlr.records import Audit, AuditCheck, AuditExample, Fact, StoredMessage, Turn, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery

EXAMPLES = 5  # of each check


async def audit(store: Store, user: UserId, aliases: AliasIndex, clock: Callable[[], datetime]) -> Audit:
    """The rates over all facts of a user, of any state where a fault does not depend on it."""
    facts = await store.facts(user, FactQuery(states=None))
    sources = _Sources(facts)
    turns = 0
    async for page in pages(store, user, TurnQuery()):
        turns += len(page)
        await asyncio.to_thread(sources.take, page)
    return await asyncio.to_thread(_judged, facts, sources, aliases, clock(), turns)


def _judged(
    facts: Sequence[Fact], sources: _Sources, aliases: AliasIndex, now: datetime, turns: int
) -> Audit:
    active = [fact for fact in facts if fact.state == "active"]
    opposed = contradictions(active, aliases, now)
    checks = (
        _check("duplicate", "an active fact says again what another does", _doubled(active, aliases), active),
        _check(
            "contradiction", "two active facts cannot both hold", [each.other for each in opposed], active
        ),
        _check("stale", "an active fact whose own end or day has passed", _stale(active, now), active),
        _check("echo", "learned from a repetition of what was recalled", sources.echoed(), facts),
        _check("unsourced", "its quote does not stand in its source", sources.unsourced(), facts),
        _check(
            "secret", "a secret is kept in plain text", [f for f in facts if f.category == "secret"], facts
        ),
    )
    return Audit(turns=turns, facts=len(facts), active=len(active), checks=checks)


def _check(name: str, means: str, found: Sequence[Fact], of: Sequence[Fact]) -> AuditCheck:
    examples = tuple(
        AuditExample(fact_id=fact.fact_id, turn_id=fact.turn_id, text=_shown(fact))
        for fact in found[:EXAMPLES]
    )
    return AuditCheck(name=name, means=means, count=len(found), of=len(of), examples=examples)


def _shown(fact: Fact) -> str:
    """The statement; of a secret its key alone."""
    return f"{fact.subject}: {fact.key}" if fact.category == "secret" else state(fact)


def _doubled(active: Iterable[Fact], aliases: AliasIndex) -> list[Fact]:
    """All but the first of the facts with one subject, under any of its names, key and value."""
    seen: set[tuple[str, str, str]] = set()
    doubled = []
    for fact in active:
        said = min(map(fold, aliases.names_of(fact.subject))), fact.key, fold_value(fact.value)
        if said in seen:
            doubled.append(fact)
        seen.add(said)
    return doubled


def _stale(active: Iterable[Fact], now: datetime) -> list[Fact]:
    """What was told with an end that has come, and what was to be done by a day that is over."""
    return [fact for fact in active if is_over(fact, now) or (_is_due(fact) and _is_past(fact, now))]


def _is_due(fact: Fact) -> bool:
    return fact.key == "task" or fact.key.startswith("deadline_")


def _is_past(fact: Fact, now: datetime) -> bool:
    days = find_dates(fact.value, fact.occurred_at)
    return bool(days) and all(day.end <= now for day in days)


@dataclass
class _Sources:
    """Facts held against the messages that they were taken from."""

    facts: Sequence[Fact]
    _by_message: dict[str, list[Fact]] = field(default_factory=dict)
    _sourced: set[str] = field(default_factory=set)  # fact ids
    _echoed: set[str] = field(default_factory=set)
    _said: set[int] = field(default_factory=set)  # sentences of the messages so far, hashed

    def __post_init__(self) -> None:
        for fact in self.facts:
            self._by_message.setdefault(fact.message_id, []).append(fact)

    def take(self, turns: Sequence[Turn]) -> None:
        """Look at turns, which come in the order in which they were stored. Runs in a thread."""
        for turn in turns:
            for message in turn.messages:
                for fact in self._by_message.get(message.message_id, ()):
                    self._take_fact(fact, message)
                self._said.update(hash(sentence) for sentence in _sentences(message.content))

    def _take_fact(self, fact: Fact, message: StoredMessage) -> None:
        if fact.quote and message.content[fact.start : fact.end] == fact.quote:
            self._sourced.add(fact.fact_id)
        learned_again = message.role != "user" and any(
            hash(sentence) in self._said for sentence in _sentences(fact.quote)
        )
        if message.echo or learned_again:
            self._echoed.add(fact.fact_id)

    def unsourced(self) -> list[Fact]:
        """Facts whose message is gone or does not hold their quote."""
        return [fact for fact in self.facts if fact.fact_id not in self._sourced]

    def echoed(self) -> list[Fact]:
        """Facts from an echo, or from a reply that repeats a sentence of an earlier message."""
        return [fact for fact in self.facts if fact.fact_id in self._echoed]


def _sentences(text: str) -> Iterable[str]:
    sentences = (fold_text(text[start:end]).strip("\"'“”‘’ ") for start, end in sentence_spans(text))
    return [sentence for sentence in sentences if len(sentence) >= MIN_CHARS]
