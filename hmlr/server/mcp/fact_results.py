"""What the tools give back of facts and dossiers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel

from hmlr.core.tasks.fence import fence, nonce
from hmlr.garden_records import Dossier, DossierFile
from hmlr.records import Fact, Profile, Timeline
from hmlr.server.mcp.results import Result, Told, page


class FactResult(BaseModel):
    """One fact with its source."""

    fact_id: str
    subject: Told
    key: Told
    value: Told
    category: str
    quote: Told
    said_by: Told
    state: str
    reason: Told
    valid_from: datetime
    valid_to: datetime | None
    turn_id: str

    @classmethod
    def of(cls, fact: Fact) -> Self:
        """A fact as the store has it."""
        return cls.model_validate(fact, from_attributes=True)

    def told(self, mark: str) -> str:
        """The fact as text."""
        about = f"fact {self.fact_id} ({self.category}, {self.state})"
        said = f"{self.subject}, {self.key}: {self.value} (“{self.quote}”)"
        return f"{about}\n{fence(said, mark=mark, said_by=self.said_by, at=self.valid_from)}"


class FactsResult(Result):
    """Facts; `left_out` says how many more there are."""

    facts: tuple[FactResult, ...]
    left_out: int

    @classmethod
    def of(cls, facts: Sequence[Fact], limit: int) -> Self:
        """The first `limit` of them."""
        return cls(facts=_facts(facts[:limit]), left_out=max(0, len(facts) - limit))

    def text(self) -> str:
        mark = nonce()
        items = [fact.told(mark) for fact in self.facts]
        return page(items, empty="no such facts", left_out=self.left_out)


class ChangedResult(Result):
    """The fact after a change."""

    fact: FactResult

    def text(self) -> str:
        return page([self.fact.told(nonce())])


class TimelineResult(FactsResult):
    """Everything known of an entity, in the order of event time; what is left out is the oldest."""

    names: tuple[Told, ...]

    @classmethod
    def about(cls, timeline: Timeline, limit: int) -> Self:
        """The latest `limit` facts of a timeline."""
        left_out = max(0, len(timeline.facts) - limit)
        return cls(facts=_facts(timeline.facts[left_out:]), left_out=left_out, names=timeline.names)


class ProfileResult(Result):
    """What holds for the user in every conversation."""

    constraints: tuple[FactResult, ...]
    identity: tuple[FactResult, ...]
    preferences: tuple[FactResult, ...]
    projects: tuple[FactResult, ...]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """A profile; it has a few dozen facts at most, and constraints are never cut."""
        return cls(
            constraints=_facts(profile.constraints),
            identity=_facts(profile.identity),
            preferences=_facts(profile.preferences),
            projects=_facts(profile.projects),
        )

    def text(self) -> str:
        mark = nonce()
        groups = (self.constraints, self.identity, self.preferences, self.projects)
        return page([fact.told(mark) for group in groups for fact in group], empty="nothing known yet")


class DossierResult(BaseModel):
    """One dossier."""

    dossier_id: str
    title: Told
    summary: Told
    facts: int
    happened_from: datetime
    happened_to: datetime

    @classmethod
    def of(cls, dossier: Dossier) -> Self:
        """A dossier as the store has it."""
        return cls.model_validate(dossier, from_attributes=True)

    def told(self, mark: str) -> str:
        """The dossier as text."""
        said = f"{self.title}\n{self.summary}"
        shown = fence(said, mark=mark, said_by="memory", at=self.happened_to)
        return f"dossier {self.dossier_id}, {self.facts} facts\n{shown}"


class DossiersResult(Result):
    """Dossiers, the one with the latest event first; the facts are those of the one that was asked for."""

    dossiers: tuple[DossierResult, ...]
    facts: tuple[FactResult, ...] = ()
    left_out: int

    @classmethod
    def of(cls, dossiers: Sequence[Dossier], limit: int) -> Self:
        """The first `limit` of them."""
        shown = tuple(map(DossierResult.of, dossiers[:limit]))
        return cls(dossiers=shown, left_out=max(0, len(dossiers) - limit))

    @classmethod
    def one(cls, file: DossierFile, limit: int) -> Self:
        """One dossier with its latest `limit` facts."""
        left_out = max(0, len(file.entries) - limit)
        facts = _facts(entry.fact for entry in file.entries[left_out:])
        return cls(dossiers=(DossierResult.of(file.dossier),), facts=facts, left_out=left_out)

    def text(self) -> str:
        mark = nonce()
        items = [each.told(mark) for each in self.dossiers] + [each.told(mark) for each in self.facts]
        return page(items, empty="no dossiers yet", left_out=self.left_out)


def _facts(facts: Iterable[Fact]) -> tuple[FactResult, ...]:
    return tuple(map(FactResult.of, facts))
