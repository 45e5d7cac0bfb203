"""The scribe's question: what does this message say that holds for its speaker in every conversation?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.drafts import FactDrafts
from hmlr.core.tasks.fact_scrubbing.task import pinned
from hmlr.core.tasks.fence import fence, nonce
from hmlr.records import OWNER, PROFILE_CATEGORIES, StoredMessage


@dataclass(frozen=True, kw_only=True)
class ScribeInput:
    """A message and the profile as it stands."""

    message: StoredMessage
    profile: tuple[str, ...] = ()  # statements of the profile's active facts


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


def _variables(given: ScribeInput) -> Mapping[str, str]:
    message, mark = given.message, nonce()
    profile = "\n".join(f"- {statement}" for statement in given.profile) or "empty"
    return {
        "date": f"{message.occurred_at:%A, %Y-%m-%d %H:%M} UTC",
        "profile": fence(profile, mark=mark, said_by="memory", at=None),
        "message": fence(
            message.content, mark=mark, said_by=message.speaker or "user", at=message.occurred_at
        ),
    }


def _check(given: ScribeInput, answer: FactDrafts) -> FactDrafts:
    """Only the owner's own words make a profile, and only with the owner as subject."""
    if given.message.echo or not given.message.owner:
        return FactDrafts(facts=())
    kept = pinned(given.message, answer).facts
    return FactDrafts(
        facts=tuple(d for d in kept if d.category in PROFILE_CATEGORIES and d.subject.casefold() == OWNER)
    )


def _offline(given: ScribeInput) -> FactDrafts:
    # Imported here: its patterns take long to compile, and who only asks never needs them.
    from hmlr.core.tasks.scribe.offline import scribe_by_rule

    return scribe_by_rule(given.message)


SCRIBE: Task[ScribeInput, FactDrafts] = Task(
    name="scribe",
    prompt=_prompt,
    output=FactDrafts,
    variables=_variables,
    check=_check,
    offline=_offline,
)
