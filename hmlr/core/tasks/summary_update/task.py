"""Summary update: what does a dossier say in short, now that facts were added?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.offered import OfferedFact, fact_lines, said_in
from hmlr.core.tasks.summary_update.offline import MAX_CHARS, in_date_order, in_event_order, summed_up
from hmlr.language.literal import new_words, one_line
from hmlr.language.tokens import content_words

# A summary may be shorter than what it sums up, but one that drops most of its words is a deletion.
MIN_KEPT = 0.25


@dataclass(frozen=True, kw_only=True)
class SummaryInput:
    """A dossier and the facts that are new to it or have changed their state."""

    title: str
    summary: str  # so far, "" for a new dossier
    facts: tuple[OfferedFact, ...]


class DossierSummary(BaseModel):
    """A literal summary in order of event time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = Field(max_length=MAX_CHARS)


def offline(given: SummaryInput) -> DossierSummary:
    """One dated line per fact, what no longer holds marked as such."""
    return DossierSummary(text=summed_up(given.summary, given.facts))


def check(given: SummaryInput, answer: DossierSummary) -> DossierSummary:
    """Put dated lines into order.

    Raises ValueError for content words that stand neither in the facts nor in the old summary, for an answer
    that drops most of both, and for one that does not say that a fact no longer holds.
    """
    text = "\n".join(in_date_order(line for line in map(one_line, answer.text.splitlines()) if line))
    said = content_words(text)
    if foreign := new_words(text, (given.title, given.summary, *said_in(given.facts))):
        raise ValueError(f"words that stand in no fact: {', '.join(foreign[:20])}")
    wanted = content_words("\n".join((given.summary, *(offered.statement for offered in given.facts))))
    if len(said & wanted) < MIN_KEPT * len(wanted):
        raise ValueError("the summary drops most of what it sums up")
    for state in sorted({offered.fact.state for offered in given.facts} - {"active"}):
        if not content_words(state) <= said:
            raise ValueError(f'the summary does not mark what is "{state}"')
    return DossierSummary(text=text)


def variables(given: SummaryInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark = nonce()
    return {
        "title": fence(one_line(given.title), mark=mark, said_by="memory", at=None),
        "summary": fence(given.summary or "none", mark=mark, said_by="memory", at=None),
        "facts": fence(fact_lines(in_event_order(given.facts)), mark=mark, said_by="memory", at=None),
    }


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


SUMMARY_UPDATE: Task[SummaryInput, DossierSummary] = Task(
    name="summary_update",
    prompt=_prompt,
    output=DossierSummary,
    variables=variables,
    check=check,
    offline=offline,
)
