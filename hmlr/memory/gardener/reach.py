"""How far a garden run may reach into what a user had in order before it.

Finding a place for new facts is what gardening is for. What had its place before is touched only when an
alias joins or parts dossiers, or when a topic that went on is read again; in real conversations that is
little. A run that would turn over much of it follows a mistake, or somebody who works on the memory with
words: it stops before that and asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hmlr.garden_records import GardenDone, GardenRun
from hmlr.records import BlockId, DossierId, FactId, Tag, TagId
from hmlr.store.garden_records import GardenStep, GardenView

# A tenth is more than any conversation came to that was gardened sitting by sitting (docs/faults.md, F33). In
# a small memory one alias may concern half of all: there it is as much as a person would look through.
SHARE, FLOOR = 0.1, 20
# What the runs of a day did counts together, so that neither a schedule nor a crash loop goes on by tenths.
WINDOW = timedelta(days=1)


class TooFar(Exception):
    """A step would change more of what was in order than a run may without being asked."""


class Reach:
    """Measures a run by what there was when it began."""

    def __init__(self, view: GardenView, tags: Sequence[Tag], *, before: GardenDone) -> None:
        """`before` is what the runs of the same day have done."""
        self._place: Mapping[FactId, DossierId] = {each.fact_id: each.dossier_id for each in view.places}
        self._dossiers = frozenset(each.dossier_id for each in view.dossiers)
        self._tags: dict[BlockId, set[TagId]] = {}
        for tag in tags:
            self._tags.setdefault(tag.block_id, set()).add(tag.tag_id)
        self._before = before

    def grown(self, done: GardenDone, step: GardenStep) -> GardenDone:
        """What the run has done, with what the step changes of what was in order. TooFar beyond the share."""
        moved = sum(self._place.get(each.fact_id, each.dossier_id) != each.dossier_id for each in step.places)
        tags: set[TagId] = set()
        if step.block is not None:
            tags = self._tags.get(step.block.block_id, set()) - {tag.tag_id for tag in step.block.tags}
        closed = len(self._dossiers.intersection(step.dropped))
        grown = replace(
            done, moved=done.moved + moved, closed=done.closed + closed, untagged=done.untagged + len(tags)
        )
        whole = self._before + grown
        _check(whole.moved, len(self._place), "facts would have been moved to another dossier")
        _check(whole.closed, len(self._dossiers), "dossiers would have been merged into others")
        _check(whole.untagged, sum(map(len, self._tags.values())), "tags would have been taken away")
        return grown


def _check(count: int, had: int, what: str) -> None:
    if count > max(FLOOR, int(SHARE * had)):
        raise TooFar(
            f"{count} of {had} {what}, and a run may change {SHARE:.0%} of what is in order. Look at the "
            "plan (garden --dry-run), then allow it (garden --allow-large)"
        )


def changed_lately(runs: Iterable[GardenRun], now: datetime) -> GardenDone:
    """What the runs of the last day have done, given the latest first; back to one that was allowed more."""
    whole = GardenDone()
    for run in runs:
        if run.large or run.started_at < now - WINDOW:
            break
        if run.undone_at is None:
            whole += run.done
    return whole
