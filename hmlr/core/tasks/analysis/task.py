"""Routing, fact scrubbing and scribe in one call, for those who pay by the call (setting combined_analysis).

No twelfth task: the same rules, the same checks, the same types. A part that fails is left out, and its own
task is asked for it later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING, ScrubInput
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.routing.task import ROUTING, TIMEOUT_S, Routing, RoutingInput
from hmlr.core.tasks.scribe.task import SCRIBE, ScribeInput
from hmlr.records import StoredMessage

In = TypeVar("In")


@dataclass(frozen=True, kw_only=True)
class AnalysisInput:
    """A message, the topics it may belong to, and what is known that it may bear on."""

    routing: RoutingInput
    message: StoredMessage
    known: tuple[str, ...] = ()  # statements of facts, the profile's among them


class Analysis(BaseModel):
    """The three answers; None is a part that has to be asked again by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    routing: Routing
    facts: tuple[FactDraft, ...] | None
    profile: tuple[FactDraft, ...] | None


@cache
def _prompt() -> Prompt:
    own = Prompt.load(__package__ or "")
    parts = (ROUTING.prompt(), FACT_SCRUBBING.prompt(), SCRIBE.prompt())
    rules = "\n\n".join(f"# Part {number}\n{part.system}" for number, part in enumerate(parts, 1))
    return Prompt(
        system=f"{own.system}\n\n{rules}",
        template=own.template,
        digest="-".join(prompt.digest for prompt in (own, *parts)),
    )


def _variables(given: AnalysisInput) -> Mapping[str, str]:
    message, mark = given.message, nonce()
    topics = ROUTING.variables(given.routing)
    said_by = message.speaker or message.role
    known = "\n".join(f"- {statement}" for statement in given.known) or "none"
    return {
        "date": f"{message.occurred_at:%A, %Y-%m-%d %H:%M} UTC",
        "speaker": "the user" if message.owner else f"{said_by}, who is not the user",
        "current": topics["current"],
        "others": topics["others"],
        "known": fence(known, mark=mark, said_by="memory", at=None),
        "message": fence(message.content, mark=mark, said_by=said_by, at=message.occurred_at),
    }


def _check(given: AnalysisInput, answer: Analysis) -> Analysis:
    """Each part by its own task's check. A bad topic refuses the whole, bad facts only themselves."""
    scrub, scribe = _inputs(given)
    return Analysis(
        routing=ROUTING.check(given.routing, answer.routing),
        facts=_kept(FACT_SCRUBBING, scrub, answer.facts),
        profile=_kept(SCRIBE, scribe, answer.profile),
    )


def _kept(
    task: Task[In, FactDrafts], given: In, drafts: tuple[FactDraft, ...] | None
) -> tuple[FactDraft, ...] | None:
    if drafts is None:
        return None
    try:
        return task.check(given, FactDrafts(facts=drafts)).facts
    except ValueError:
        return None


def _inputs(given: AnalysisInput) -> tuple[ScrubInput, ScribeInput]:
    return (
        ScrubInput(message=given.message, known=given.known),
        ScribeInput(message=given.message, profile=given.known),
    )


def _offline(given: AnalysisInput) -> Analysis:
    return Analysis(routing=ROUTING.offline(given.routing), facts=None, profile=None)


ANALYSIS: Task[AnalysisInput, Analysis] = Task(
    name="analysis",
    prompt=_prompt,
    output=Analysis,
    variables=_variables,
    check=_check,
    offline=_offline,
    timeout_s=TIMEOUT_S,
)
