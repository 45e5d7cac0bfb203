"""What is to be erased, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hmlr.records import Block, DossierId, FactId, MessageId, TurnId
from hmlr.store.records import NewChunk


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """A message that changes because something in it is forgotten."""

    message_id: MessageId
    content: str
    chunks: tuple[NewChunk, ...]
    speaker: str | None = None  # None: it stays
    metadata: Mapping[str, object] | None = None  # None: it stays


@dataclass(frozen=True, kw_only=True)
class ErasePlan:
    """What a deletion removes; the store does it in one transaction and leaves tombstones.

    Of turns that are no session each has a tombstone of its own, the scope "turn" and its id as the target.
    """

    scope: Literal["turn", "fact", "session", "everything"]
    target: str  # id of what was asked for, of several turns the first; no content
    turn_ids: tuple[TurnId, ...] = ()  # turns that go, with everything that hangs on them
    fact_ids: tuple[FactId, ...] = ()  # facts that go, beyond those of the turns
    rewrites: tuple[Rewrite, ...] = ()
    requoted: tuple[tuple[FactId, str], ...] = ()  # facts that stay, whose quotes lose the forgotten words
    blocks: tuple[Block, ...] = ()  # headers without the forgotten words; a block without turns goes
    # What is forgotten, a fact's value first: blanked in every reason, edit and header of the user.
    words: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, kw_only=True)
class ErasedGarden:
    """What a deletion removed or changed of what gardening had made."""

    dossiers_removed: frozenset[DossierId] = frozenset()
    dossiers_changed: frozenset[DossierId] = frozenset()  # that are there, emptied, to be told anew
    entries: int = 0  # places of facts that went
    tags_removed: int = 0
    tags_changed: int = 0  # section rules that hold for fewer turns
    runs_sealed: int = 0

    def __add__(self, other: ErasedGarden) -> ErasedGarden:
        removed = self.dossiers_removed | other.dossiers_removed
        return ErasedGarden(
            dossiers_removed=removed,
            dossiers_changed=(self.dossiers_changed | other.dossiers_changed) - removed,
            entries=self.entries + other.entries,
            tags_removed=self.tags_removed + other.tags_removed,
            tags_changed=self.tags_changed + other.tags_changed,
            runs_sealed=self.runs_sealed + other.runs_sealed,
        )


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Rows that a deletion removed, and the facts that are active again."""

    turns: int
    messages: int
    chunks: int
    vectors: int
    facts: int
    rewrites: int
    restored: tuple[FactId, ...] = ()  # whose successor is gone
    garden: ErasedGarden = field(default_factory=ErasedGarden)

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            turns=self.turns + other.turns,
            messages=self.messages + other.messages,
            chunks=self.chunks + other.chunks,
            vectors=self.vectors + other.vectors,
            facts=self.facts + other.facts,
            rewrites=self.rewrites + other.rewrites,
            restored=tuple(dict.fromkeys((*self.restored, *other.restored))),
            garden=self.garden + other.garden,
        )
