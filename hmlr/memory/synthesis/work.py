"""What gardening a block has come to so far: the dossiers it touched, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hmlr.core.tasks.base import Answer
from hmlr.garden_records import DossierChange, DossierEvent, GardenDone, GardenLine, PlannedChange
from hmlr.records import BlockId, DossierId, FactId, RunId, Usage, UserId


@dataclass(kw_only=True)
class Work:
    """Collected while one block is gardened."""

    user: UserId
    block_id: BlockId | None
    run_id: RunId
    now: datetime
    touched: dict[DossierId, dict[FactId, None]] = field(default_factory=dict)  # with the facts to be told
    whole: set[DossierId] = field(default_factory=set)  # dossiers that lost facts: told from all that is left
    dropped: list[DossierId] = field(default_factory=list)
    moved: dict[FactId, None] = field(default_factory=dict)  # facts whose place is to be written
    events: list[DossierEvent] = field(default_factory=list)
    lines: list[GardenLine] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    fallbacks: int = 0

    def count(self, answer: Answer[Any]) -> None:
        """Add an answer's cost, and its failure if the rule had to step in."""
        self.usage += answer.usage
        self.fallbacks += bool(answer.failure)

    def touch(self, dossier_id: DossierId, *fact_ids: FactId) -> None:
        """A dossier is to be told anew, because of these facts."""
        self.touched.setdefault(dossier_id, {}).update(dict.fromkeys(fact_ids))

    def log(
        self,
        change: DossierChange,
        dossier_id: DossierId,
        *,
        by: str,
        fact_id: FactId | None = None,
        other: DossierId | None = None,
    ) -> None:
        """Note a change for the dossier's provenance."""
        self.events.append(
            DossierEvent(
                dossier_id=dossier_id,
                change=change,
                fact_id=fact_id,
                other=other,
                run_id=self.run_id,
                by=by,
                recorded_at=self.now,
            )
        )

    def line(
        self,
        change: PlannedChange,
        text: str,
        dossier_id: DossierId | None = None,
        facts: tuple[str, ...] = (),
    ) -> None:
        """Note a change for the plan."""
        self.lines.append(
            GardenLine(
                user_id=self.user,
                block_id=self.block_id,
                change=change,
                text=text,
                dossier_id=dossier_id,
                facts=facts,
            )
        )

    def done(self, *, tags: int) -> GardenDone:
        """What it came to, counted."""
        changes = [line.change for line in self.lines]
        return GardenDone(
            blocks=1,
            facts=sum(len(line.facts) for line in self.lines if line.change in ("create", "append")),
            tags=tags,
            created=changes.count("create"),
            merged=changes.count("merge"),
            split=changes.count("split"),
            retold=len(self.touched),
            fallbacks=self.fallbacks,
            usage=self.usage,
        )
