"""Fact routing: which dossier does a group of facts join?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fact_routing.offline import chosen, vote_shares
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.identity import folded
from hmlr.core.tasks.offered import (
    OfferedDossier,
    OfferedFact,
    fact_lines,
    labelled,
    meant,
)
from hmlr.core.tasks.titles import literal_title, title_of
from hmlr.language.literal import one_line
from hmlr.records import DossierId


@dataclass(frozen=True, kw_only=True)
class FactRoutingInput:
    """A group of facts and the dossiers it may join, likeliest first."""

    facts: tuple[OfferedFact, ...]
    dossiers: tuple[OfferedDossier, ...]
    theme: str = ""  # what the grouping called it


class FactRoute(BaseModel):
    """Where the group goes. A model names a label, the check puts the id."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    action: Literal["append", "create"]
    dossier_id: DossierId | None = Field(None, description='a label such as "D1", null for "create"')
    title: str = Field("", max_length=500, description='of the new dossier, empty for "append"')


def offline(given: FactRoutingInput) -> FactRoute:
    """Append by shared names or by votes, else create under the theme or a title from the facts."""
    dossier = chosen(given.facts, given.dossiers)
    if dossier is None:
        return FactRoute(action="create", title=_title(given, given.theme))
    return FactRoute(action="append", dossier_id=dossier.dossier_id)


def check(given: FactRoutingInput, answer: FactRoute) -> FactRoute:
    """Refuse a dossier that was not offered; a "new" one with the title of an offered one is that one."""
    if answer.action == "append":
        dossier_id = meant(labelled("D", (d.dossier_id for d in given.dossiers)), answer.dossier_id or "")
        if dossier_id is None:
            raise ValueError("the dossier was not offered")
        return FactRoute(action="append", dossier_id=dossier_id)
    title = _title(given, answer.title)
    for dossier in given.dossiers:
        if folded(dossier.title) == folded(title):
            return FactRoute(action="append", dossier_id=dossier.dossier_id)
    return FactRoute(action="create", title=title)


def _title(given: FactRoutingInput, said: str) -> str:
    return literal_title(said, given.facts) if said else title_of(given.facts)


def variables(given: FactRoutingInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark = nonce()
    shares = vote_shares(given.facts, given.dossiers)
    offers = zip(given.dossiers, shares, strict=True)
    return {
        "dossiers": "\n".join(_view(n, d, share, mark) for n, (d, share) in enumerate(offers, 1)) or "none",
        "theme": fence(one_line(given.theme) or "unnamed", mark=mark, said_by="memory", at=None),
        "facts": fence(fact_lines(given.facts), mark=mark, said_by="memory", at=None),
    }


def _view(number: int, dossier: OfferedDossier, share: float, mark: str) -> str:
    told = f"{one_line(dossier.title)}\nNames: {', '.join(map(one_line, dossier.names)) or 'none'}"
    text = fence(f"{told}\n{dossier.search_summary}", mark=mark, said_by="memory", at=None)
    return f"D{number}, votes {share:.0%}\n{text}"


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


FACT_ROUTING: Task[FactRoutingInput, FactRoute] = Task(
    name="fact_routing",
    prompt=_prompt,
    output=FactRoute,
    variables=variables,
    check=check,
    offline=offline,
)
