"""Fact scrubbing without a model: the rules of its themes over every sentence and clause."""

from __future__ import annotations

from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fact_scrubbing.rules import (
    changes,
    corrections,
    credentials,
    doings,
    events,
    naming,
    others,
    policies,
    quantities,
    things,
)
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED, Clause, clauses, doubtful, run, sentences
from hmlr.core.tasks.scribe.offline import profile_drafts
from hmlr.records import PROFILE_CATEGORIES, StoredMessage

MAX_FACTS = 500  # of one message; what is over it stays searchable as text

# What holds for things whoever says it, and what needs a person who speaks of himself.
_OF_THE_WORLD = naming.RULES + quantities.RULES + policies.OF_THINGS
_OF_CLAUSES = policies.RULES + others.RULES
_OF_ONESELF = credentials.RULES + things.RULES + doings.RULES + events.RULES
_BY_ASSISTANT = frozenset({"definition", "alias", "acronym", "policy", "entity"})


def scrub_by_rule(message: StoredMessage) -> FactDrafts:
    """The facts of a message; a third party's words about himself have his name as subject."""
    told = sentences(message)
    found = dict.fromkeys(draft for sentence in told for draft in _of_sentence(sentence))
    versions = list(changes.versions(told))
    if numbered := {draft.quote for draft in versions if draft.value != draft.subject}:
        # "New limit 400 a day. This is v6": the limit is that of v6 and of nothing unnamed.
        found = {
            d: None for d in found if not (d.subject == UNNAMED and d.key == "limit" and d.quote in numbered)
        }
    found |= dict.fromkeys(versions)
    if not message.owner and not (told and told[0].speaker):
        found = {draft: None for draft in found if draft.category in _BY_ASSISTANT}
    return FactDrafts(facts=tuple(found)[:MAX_FACTS])


def _of_sentence(sentence: Clause) -> Iterator[FactDraft]:
    yield from run(_OF_THE_WORLD, sentence)
    if sentence.speaker:
        yield from run(corrections.RULES, sentence)
    for clause in clauses(sentence):
        yield from run(_OF_CLAUSES, clause)
        if clause.speaker and not doubtful(clause):
            yield from run(_OF_ONESELF, clause)
    if sentence.speaker and not sentence.said_by_owner:
        yield from map(_of_third_party, profile_drafts(sentence))


def _of_third_party(draft: FactDraft) -> FactDraft:
    """Only the owner has a profile: what others say of themselves is plain knowledge."""
    if draft.category not in PROFILE_CATEGORIES:
        return draft
    return draft.model_copy(update={"category": "entity"})
