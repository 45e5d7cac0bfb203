"""Moving facts from dossier to dossier on a shelf, with the log of it."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.memory.synthesis.shelf import OpenDossier, Shelf
from hmlr.memory.synthesis.work import Work
from hmlr.records import FactId
from hmlr.store.garden_records import Place


def move(
    shelf: Shelf, source: OpenDossier, target: OpenDossier, ids: Sequence[FactId], work: Work, *, by: str
) -> None:
    """Put facts of one dossier into another; both are to be told from all that they hold then."""
    for fact_id in ids:
        old = source.facts[fact_id]
        shelf.place(Place(fact_id=fact_id, dossier_id=target.dossier_id, statement=old.statement, told=""))
        work.moved[fact_id] = None
        work.log("appended", target.dossier_id, by=by, fact_id=fact_id, other=source.dossier_id)
    work.touch(target.dossier_id, *ids)
    work.touch(source.dossier_id)
    work.whole |= {source.dossier_id, target.dossier_id}


def merge(shelf: Shelf, source: OpenDossier, into: OpenDossier, work: Work, *, by: str) -> None:
    """Put all facts of a dossier into another; the emptied one goes."""
    move(shelf, source, into, list(source.facts), work, by=by)
    work.line("merge", f"{source.title} → {into.title}", into.dossier_id)
    work.log("merged", source.dossier_id, by=by, other=into.dossier_id)
    shelf.drop(source.dossier_id)
    work.touched.pop(source.dossier_id, None)
    if source.version:  # else it was never written
        work.dropped.append(source.dossier_id)


def split(
    shelf: Shelf, source: OpenDossier, new: OpenDossier, ids: Sequence[FactId], work: Work, *, by: str
) -> None:
    """Put some facts of a dossier into a new one, which has its title already."""
    move(shelf, source, new, ids, work, by=by)
    work.line("split", f"{source.title} → {new.title}", new.dossier_id)
    work.log("split", new.dossier_id, by=by, other=source.dossier_id)
