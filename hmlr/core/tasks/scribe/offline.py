"""The scribe without a model: the rules of its themes over every clause."""

from __future__ import annotations

from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fact_scrubbing.rules import corrections
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, clauses, doubtful, run, sentences
from hmlr.core.tasks.scribe.rules import (
    allergies,
    attributes,
    constraints,
    identity,
    instructions,
    medication,
    new_job,
    orders,
    people,
    preferences,
    work,
)
from hmlr.records import StoredMessage

_FACTUAL = identity.RULES + attributes.RULES + work.RULES + people.RULES + constraints.RULES
_FACTUAL += allergies.RULES + medication.RULES + new_job.RULES
_WISHES = instructions.RULES + preferences.RULES  # may hold "would" and "if"
MAX_FACTS = 200  # of one message; what is over it stays searchable as text


def profile_drafts(sentence: Clause) -> Iterator[FactDraft]:
    """What a sentence says of its speaker."""
    for clause in clauses(sentence):
        if not doubtful(clause):
            yield from run(_FACTUAL, clause)
        yield from run(preferences.RULES, clause)
    yield from run(people.OF_SENTENCES, sentence)
    yield from run(instructions.RULES + orders.RULES, sentence)


def scribe_by_rule(message: StoredMessage) -> FactDrafts:
    """The profile facts of a message of the owner; nothing from anyone else."""
    if not message.owner:
        return FactDrafts(facts=())
    told = sentences(message)
    found = dict.fromkeys(draft for sentence in told for draft in profile_drafts(sentence))
    # Also the scrubber's: of many turns at once it has read all before the first profile fact is made.
    found |= dict.fromkeys(draft for sentence in told for draft in run(corrections.RULES, sentence))
    return FactDrafts(facts=tuple(found)[:MAX_FACTS])
