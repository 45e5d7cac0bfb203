"""Dossiers: see them with what they stand on, and arrange them by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from hmlr.garden_records import Dossier, DossierEdit, DossierFile
from hmlr.memory.intake import MAX_LIMIT
from hmlr.server.auth import Memory
from hmlr.server.errors import described
from hmlr.server.memory.bodies import Body, Id, PathId, StrictRoute

router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"], route_class=StrictRoute)


class Title(Body):
    """A title of one's own."""

    title: Id


class IntoDossier(Body):
    """Where to."""

    into: Id


class Parted(Body):
    """The facts that go, and the title of where they go; without one it gets one from its facts."""

    fact_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_LIMIT)]
    title: Id | None = None


@router.get("", responses=described())
async def dossiers(memory: Memory) -> list[Dossier]:
    """Dossiers, the one with the latest event first."""
    return await memory.dossiers()


@router.get("/{dossier_id}", responses=described(404))
async def dossier(dossier_id: PathId, memory: Memory) -> DossierFile:
    """A dossier with its facts, each with quote and turn, and every change of it."""
    return await memory.dossier(dossier_id)


@router.post("/{dossier_id}/rename", responses=described(404, 409, 507))
async def rename(dossier_id: PathId, body: Title, memory: Memory) -> DossierEdit:
    """Give a dossier a title of one's own. Every edit is a run that undo takes back."""
    return await memory.rename_dossier(dossier_id, body.title)


@router.post("/{dossier_id}/merge", responses=described(404, 409, 507))
async def merge(dossier_id: PathId, body: IntoDossier, memory: Memory) -> DossierEdit:
    """Move a dossier's facts into another one; its id leads there from then on."""
    return await memory.merge_dossiers(dossier_id, body.into)


@router.post("/{dossier_id}/split", responses=described(404, 409, 507))
async def split(dossier_id: PathId, body: Parted, memory: Memory) -> DossierEdit:
    """Move facts of a dossier into a new one."""
    return await memory.split_dossier(dossier_id, body.fact_ids, title=body.title)
