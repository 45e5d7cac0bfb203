"""Values of gardening that cross the store's border only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hmlr.garden_records import Dossier, DossierEvent, GardenRun
from hmlr.records import Block, BlockId, DossierId, Fact, FactId, Tag, TurnId
from hmlr.store.records import AddEdit, Edit

VECTOR_TYPE = "<f2"  # as which vectors of dossiers are stored

# The user's own edits of dossiers. Each names the run that it belongs to and goes when that is undone.
PLACE_FACT = "place_fact"  # target: a fact; payload: dossier_id
MERGE_DOSSIER = "merge_dossier"  # target: a dossier; payload: into
RENAME_DOSSIER = "rename_dossier"  # target: a dossier; payload: label


@dataclass(frozen=True, kw_only=True, eq=False)
class DossierVector:
    """The vector of a search summary."""

    model_id: str
    row: NDArray[np.float32]  # (dim,) float32, unit


@dataclass(frozen=True, kw_only=True)
class StoredDossier:
    """A dossier's texts with the version that PutDossier compares."""

    dossier_id: DossierId
    title: str
    summary: str
    search_summary: str
    vector: DossierVector | None  # of the model asked for
    version: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a fact has its place; it has one only."""

    fact_id: FactId
    dossier_id: DossierId
    statement: str
    told: str  # digest of the fact as the dossier's summary tells it; "" when it does not yet


@dataclass(frozen=True, kw_only=True)
class GardenMark:
    """How far a user's memory has come; when it has changed, what was read for gardening is to be read again.

    `erasures` is compared by `garden_step`.
    """

    erasures: int
    fact_version: int
    garden_version: int


@dataclass(frozen=True, kw_only=True)
class GardenBlock:
    """A block with the version that GardenStep compares, and the turn that stands for it among the jobs."""

    block: Block
    version: int
    last_turn: TurnId


@dataclass(frozen=True, kw_only=True)
class GardenView:
    """All of a user's memory that gardening works on, as of one moment."""

    mark: GardenMark
    blocks: tuple[GardenBlock, ...]  # the one whose latest turn is oldest first
    facts: tuple[Fact, ...]  # in every state, by valid_from
    block_of: Mapping[TurnId, BlockId]  # of the turns that facts come from
    unrouted: frozenset[TurnId]  # turns that have yet to find their block
    dossiers: tuple[StoredDossier, ...]
    places: tuple[Place, ...]
    edits: tuple[Edit, ...] = ()  # the user's own, of any kind, in the order they were made


@dataclass(frozen=True, kw_only=True)
class PutDossier:
    """Write a dossier's texts. `version` is the one that was read, 0 for a new one; else Conflict."""

    dossier_id: DossierId
    title: str
    summary: str
    search_summary: str
    vector: DossierVector | None
    version: int


@dataclass(frozen=True, kw_only=True)
class GardenedBlock:
    """A block that is GARDENED now; its tags are these and no others. Conflict for another version."""

    block_id: BlockId
    version: int
    tags: tuple[Tag, ...]


@dataclass(frozen=True, kw_only=True)
class GardenStep:
    """What gardening one block, or an edit by hand, changes; all of it in one transaction."""

    erasures: int  # as read: Conflict when anything was forgotten since
    garden_version: int | None = None  # as read: Conflict when any dossier has changed since; None: no matter
    run: GardenRun | None  # as it stands after the step; None: texts are told anew after an erasure
    dossiers: tuple[PutDossier, ...] = ()
    places: tuple[Place, ...] = ()
    dropped: tuple[DossierId, ...] = ()  # that were merged into others and hold no fact any more
    block: GardenedBlock | None = None
    events: tuple[DossierEvent, ...] = ()
    edits: tuple[AddEdit, ...] = ()  # each with the run's id in its payload

    @property
    def tells(self) -> bool:
        """Whether it may tell of what was remembered; else it only notes how the run stands."""
        return bool(self.dossiers or self.places or self.block)


@dataclass(frozen=True, kw_only=True)
class FoundDossier:
    """A dossier as it is listed and searched, with the facts that have their place in it."""

    dossier: Dossier
    vector: DossierVector | None  # of the model asked for
    places: tuple[Place, ...]


def told_of(fact: Fact) -> str:
    """A digest of what a summary tells of a fact: another one means that it is to be told anew."""
    ends = fact.valid_to.isoformat() if fact.valid_to else ""
    parts = (
        fact.subject, fact.key, fact.value, fact.quote, fact.said_by, fact.state, fact.superseded_by or "",
        fact.reason, fact.valid_from.isoformat(), ends,
    )  # fmt: skip
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
