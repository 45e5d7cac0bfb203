"""Fact grouping: which of a block's facts belong into one file?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fact_grouping.offline import grouped
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.offered import OfferedFact, fact_lines, labelled, meant
from hmlr.core.tasks.titles import literal_title, title_of
from hmlr.records import FactId


@dataclass(frozen=True, kw_only=True)
class GroupingInput:
    """The facts of one block, each once, in order of event time."""

    facts: tuple[OfferedFact, ...]


class FactGroup(BaseModel):
    """Facts on one theme."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    theme: str = Field(max_length=500)
    facts: tuple[FactId, ...] = Field(description='labels such as "F3"')


class FactGroups(BaseModel):
    """Every offered fact once: in one group or in `ungrouped`. A model names labels, the check puts ids."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    groups: tuple[FactGroup, ...]
    ungrouped: tuple[FactId, ...] = Field(description='labels such as "F3"')


def offline(given: GroupingInput) -> FactGroups:
    """Groups by names, subject and key, then by shared words; a fact that goes with no other stays alone."""
    groups = [[given.facts[place] for place in group] for group in grouped(given.facts)]
    return FactGroups(
        groups=tuple(
            FactGroup(theme=title_of(group), facts=tuple(offered.fact.fact_id for offered in group))
            for group in groups
            if len(group) > 1
        ),
        ungrouped=tuple(group[0].fact.fact_id for group in groups if len(group) == 1),
    )


def check(given: GroupingInput, answer: FactGroups) -> FactGroups:
    """Make the answer a partition of the offered facts.

    Invented labels are dropped, of a fact named twice the first place counts, one that is missing joins
    `ungrouped`. ValueError when facts were offered and none is named.
    """
    known = {offered.fact.fact_id: offered for offered in given.facts}
    labels = labelled("F", (offered.fact.fact_id for offered in given.facts))
    free = dict.fromkeys(known)

    def take(said: Iterable[str]) -> tuple[FactId, ...]:
        ids = dict.fromkeys(meant(labels, label) for label in said)
        taken = tuple(fact_id for fact_id in ids if fact_id is not None and fact_id in free)
        for fact_id in taken:
            del free[fact_id]
        return taken

    groups = []
    for group in answer.groups:
        if members := take(group.facts):
            theme = literal_title(group.theme, [known[fact_id] for fact_id in members])
            groups.append(FactGroup(theme=theme, facts=members))
    alone = take(answer.ungrouped)
    if known and len(free) == len(known):
        raise ValueError("no offered fact is named")
    return FactGroups(groups=tuple(groups), ungrouped=(*alone, *free))


def variables(given: GroupingInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    return {"facts": fence(fact_lines(given.facts), mark=nonce(), said_by="memory", at=None)}


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


FACT_GROUPING: Task[GroupingInput, FactGroups] = Task(
    name="fact_grouping",
    prompt=_prompt,
    output=FactGroups,
    variables=variables,
    check=check,
    offline=offline,
)
