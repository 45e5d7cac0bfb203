"""What gardening makes and reports: dossiers with their entries and log, plans, runs and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hmlr.records import BlockId, DossierId, Fact, FactId, RunId, Usage, UserId

DossierChange = Literal["created", "appended", "merged", "split", "renamed", "retold"]
PlannedChange = Literal["tag", "section rule", "create", "append", "merge", "split", "retell"]


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A lasting file of facts on one theme."""

    dossier_id: DossierId
    title: str
    summary: str  # one dated line per fact, in event-time order; literal
    search_summary: str  # what is searched
    facts: int  # in every state
    happened_from: datetime  # event time of its earliest fact
    happened_to: datetime  # event time of its latest fact
    learned_at: datetime  # record time of the fact learned last
    stale: bool  # a fact has changed or was forgotten since; the next gardening tells it anew


@dataclass(frozen=True, kw_only=True)
class DossierEntry:
    """A fact in its dossier; the fact leads on to its quote and turn."""

    statement: str  # the fact as one literal sentence
    fact: Fact


@dataclass(frozen=True, kw_only=True)
class DossierEvent:
    """One change of a dossier; the list of them is its provenance."""

    dossier_id: DossierId
    change: DossierChange
    fact_id: FactId | None  # that was appended, or moved by a merge or split
    other: DossierId | None  # the dossier it was merged into or split from
    run_id: RunId
    by: str  # "user" by hand, "rule" or a model id
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class DossierFile:
    """A dossier with all that it stands on."""

    dossier: Dossier
    entries: tuple[DossierEntry, ...]  # in event-time order
    events: tuple[DossierEvent, ...]  # oldest first


@dataclass(frozen=True, kw_only=True)
class GardenLine:
    """One line of a garden plan: what would change."""

    user_id: UserId
    block_id: BlockId | None  # None: facts that belong to no block, such as corrections
    change: PlannedChange
    text: str  # the tag's text, or the dossier's title
    dossier_id: DossierId | None = None
    facts: tuple[str, ...] = ()  # the statements that are placed


@dataclass(frozen=True, kw_only=True)
class GardenPlan:
    """What `garden` would do, as the rules see it; a model may decide otherwise."""

    blocks: int  # that are to be gardened
    lines: tuple[GardenLine, ...]
    model: str  # "offline" or provider:model
    calls: Mapping[str, int]  # expected model calls by task
    expected: Usage  # about what they cost together


@dataclass(frozen=True, kw_only=True)
class GardenDone:
    """What a run did, counted."""

    blocks: int = 0
    facts: int = 0  # that found their place
    tags: int = 0  # section rules among them
    created: int = 0  # dossiers
    merged: int = 0
    split: int = 0
    renamed: int = 0  # by hand
    retold: int = 0  # dossiers whose summary was written anew
    fallbacks: int = 0  # answers of the model that gave way to the rule
    # Of what was in order before the run; not counted in one that was allowed to change any share of it.
    moved: int = 0  # facts that went from one dossier to another
    closed: int = 0  # dossiers that went up in others
    untagged: int = 0  # tags that were taken away
    usage: Usage = field(default_factory=Usage)

    @property
    def in_words(self) -> str:
        """What it did, in one line."""
        parts = {
            "topics": self.blocks,
            "facts placed": self.facts,
            "tags": self.tags,
            "dossiers made": self.created,
            "merged": self.merged,
            "split": self.split,
            "renamed": self.renamed,
            "facts moved": self.moved,
            "tags taken away": self.untagged,
            "told anew": self.retold,
        }
        by_hand = not self.blocks and (self.merged or self.split or self.renamed)
        shown = (
            f"{count:,} {name}"
            for name, count in parts.items()
            if count or (name == "topics" and not by_hand)
        )
        return ", ".join(shown) + (", by hand" if by_hand else "")

    def __add__(self, other: GardenDone) -> GardenDone:
        return GardenDone(
            blocks=self.blocks + other.blocks,
            facts=self.facts + other.facts,
            tags=self.tags + other.tags,
            created=self.created + other.created,
            merged=self.merged + other.merged,
            split=self.split + other.split,
            renamed=self.renamed + other.renamed,
            retold=self.retold + other.retold,
            fallbacks=self.fallbacks + other.fallbacks,
            moved=self.moved + other.moved,
            closed=self.closed + other.closed,
            untagged=self.untagged + other.untagged,
            usage=self.usage + other.usage,
        )


@dataclass(frozen=True, kw_only=True)
class GardenRun:
    """A run of the gardener over one user's memory, or one edit of its dossiers by hand."""

    run_id: RunId
    started_at: datetime
    ended_at: datetime | None  # None: it runs, or was killed
    undone_at: datetime | None
    sealed: bool  # something it stood on was forgotten since: it can't be undone
    large: bool = False  # it was allowed to change any share of what was in order
    done: GardenDone


@dataclass(frozen=True, kw_only=True)
class DossierEdit:
    """What came of an edit by hand."""

    run_id: RunId  # undo takes it
    dossier: Dossier  # that was renamed, that the other was merged into, or that was split off


@dataclass(frozen=True, kw_only=True)
class GardenReport:
    """What `garden` did."""

    run_id: RunId  # undo takes it
    done: GardenDone
    pending: int  # blocks that are left
    stopped: str  # why it ended before they were done, empty when it did not
    degraded: tuple[str, ...]  # what did not take part, empty when all did
    seconds: float


@dataclass(frozen=True, kw_only=True)
class GardenProgress:
    """How far a run is; blocks of all its users."""

    done: int
    total: int
