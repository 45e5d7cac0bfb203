"""A conversation told to the rules and the resolver, with a dict as the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.offline import scrub_by_rule
from hmlr.core.tasks.scribe.offline import scribe_by_rule
from hmlr.memory.facts.keys import rival_keys
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.meant import reaches_all
from hmlr.memory.facts.resolve import WIDE_CATEGORIES, resolve
from hmlr.records import Fact, FactId, MessageId, StoredMessage, TurnId
from hmlr.store.records import Change, ChangeFact, ConfirmFact, PutFact
from tests.unit.making import message

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
STEP = timedelta(days=3)

Facts = dict[FactId, Fact]


def said(content: str, day: int = 0, **given: object) -> StoredMessage:
    """The owner's message of a day, with ids of its own."""
    at = START + STEP * day
    ids = {
        "message_id": MessageId(f"m{day:03}"),
        "turn_id": TurnId(f"t{day:03}"),
        "occurred_at": at,
        "recorded_at": at,
    }
    return message(content, **{**ids, **given})


def drafts(content: str, **given: object) -> list[FactDraft]:
    """What both rule sets find in a message."""
    told = said(content, **given)  # type: ignore[arg-type]
    return [*scrub_by_rule(told).facts, *scribe_by_rule(told).facts]


def held(content: str, **given: object) -> set[tuple[str, str]]:
    """Key and value of what a message says to hold."""
    return {(d.key, d.value) for d in drafts(content, **given) if d.bearing in {"asserts", "updates"}}


def apply(facts: Facts, changes: Iterable[Change]) -> None:
    """Do to the dict what a store does."""
    for change in changes:
        if isinstance(change, PutFact):
            assert change.fact.superseded_by is None or change.fact.superseded_by in facts
            facts.setdefault(change.fact.fact_id, change.fact)
        elif isinstance(change, ChangeFact):
            fact = facts[change.fact_id]
            assert fact.state == change.expected
            facts[change.fact_id] = replace(
                fact,
                state=change.state,
                superseded_by=change.superseded_by,
                reason=change.reason,
                valid_to=change.valid_to,
            )
        elif isinstance(change, ConfirmFact):
            fact = facts[change.fact_id]
            at = max(fact.last_confirmed_at, change.occurred_at)
            facts[change.fact_id] = replace(fact, confirmations=fact.confirmations + 1, last_confirmed_at=at)


def learn(facts: Facts, told: StoredMessage) -> list[Change]:
    """Take one message in, task by task as the engine does; returns the changes."""
    made: list[Change] = []
    for rules in (scrub_by_rule, scribe_by_rule):
        found = [(draft, pin(draft, told, recorded_at=told.recorded_at)) for draft in rules(told).facts]
        pairs = [(draft, fact) for draft, fact in found if fact is not None]
        assert len(pairs) == len(found), "every quote of a rule stands in its message"
        changes = resolve(pairs, list(facts.values()), by="rule")
        enough = near(pairs, facts)
        assert resolve(pairs, enough, by="rule") == changes
        apply(facts, changes)
        assert resolve(pairs, list(facts.values()), by="rule") == []
        made += changes
    return made


def near(new: Iterable[tuple[FactDraft, Fact]], facts: Facts) -> list[Fact]:
    """The facts that a resolution needs to know."""
    new = list(new)
    if any(reaches_all(draft) for draft, _ in new):
        return list(facts.values())
    keys = {fact.key for _, fact in new}
    keys |= {fact.key for fact in facts.values() if fact.category in WIDE_CATEGORIES}
    keys = {each for key in keys for each in rival_keys(key)}
    return [fact for fact in facts.values() if fact.category in WIDE_CATEGORIES or fact.key in keys]


def play(contents: Sequence[str]) -> Facts:
    """Tell messages in order, one every three days."""
    facts: Facts = {}
    for day, content in enumerate(contents):
        learn(facts, said(content, day))
    return facts


def active(facts: Facts, key: str) -> list[str]:
    """The active values of a key, oldest first."""
    return [
        f.value
        for f in sorted(facts.values(), key=lambda f: f.valid_from)
        if f.key == key and f.state == "active"
    ]
