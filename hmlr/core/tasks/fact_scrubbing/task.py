"""The fact scrubber's question: which hard facts does this message state?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fence import fence, nonce
from hmlr.records import OWNER, PROFILE_CATEGORIES, Category, StoredMessage

# What an assistant, a tool or a document may teach: never a secret or a trait of the user.
_OTHERS_MAY_SAY: frozenset[Category] = frozenset(
    {"definition", "alias", "acronym", "entity", "policy", "event"}
)


@dataclass(frozen=True, kw_only=True)
class ScrubInput:
    """A message and the statements already held that it may bear on."""

    message: StoredMessage
    known: tuple[str, ...] = ()  # statements of active facts, so that a model reuses their subjects and keys


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


def _variables(given: ScrubInput) -> Mapping[str, str]:
    message, mark = given.message, nonce()
    said_by = message.speaker or message.role
    known = "\n".join(f"- {statement}" for statement in given.known) or "none"
    return {
        "date": f"{message.occurred_at:%A, %Y-%m-%d %H:%M} UTC",
        "speaker": "the user" if message.owner else f"{said_by}, who is not the user",
        "known": fence(known, mark=mark, said_by="memory", at=None),
        "message": fence(message.content, mark=mark, said_by=said_by, at=message.occurred_at),
    }


def pinned(message: StoredMessage, answer: FactDrafts) -> FactDrafts:
    """The drafts whose quote stands literally in the message and whose value is not blank.

    Raises ValueError when that drops every draft of an answer that had some.
    """
    kept = tuple(
        d for d in answer.facts if d.value.strip() and d.quote.strip() and d.quote in message.content
    )
    if answer.facts and not kept:
        raise ValueError("no quote of the answer stands in the message")
    return FactDrafts(facts=kept)


def _check(given: ScrubInput, answer: FactDrafts) -> FactDrafts:
    if given.message.echo:
        return FactDrafts(facts=())
    kept = pinned(given.message, answer).facts
    return FactDrafts(facts=tuple(draft for draft in kept if _may_say(given.message, draft)))


def _may_say(message: StoredMessage, draft: FactDraft) -> bool:
    """Profile facts are the scribe's, and nobody but the owner speaks for the owner."""
    if draft.category in PROFILE_CATEGORIES:
        return False
    if message.owner:
        return True
    if draft.category in _OTHERS_MAY_SAY:
        return draft.subject.casefold() != OWNER
    return message.role == "user" and draft.subject.casefold() == (message.speaker or "").casefold() != ""


def _offline(given: ScrubInput) -> FactDrafts:
    # Imported here: its patterns take long to compile, and who only asks never needs them.
    from hmlr.core.tasks.fact_scrubbing.offline import scrub_by_rule

    return scrub_by_rule(given.message)


FACT_SCRUBBING: Task[ScrubInput, FactDrafts] = Task(
    name="fact_scrubbing",
    prompt=_prompt,
    output=FactDrafts,
    variables=_variables,
    check=_check,
    offline=_offline,
)
