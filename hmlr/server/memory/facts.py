"""See what is known of whom, with its sources, and put it right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from hmlr.memory.intake import MAX_ID_CHARS
from hmlr.records import Contradiction, Fact, FactHistory, FactState, Profile, Timeline
from hmlr.server.auth import Memory
from hmlr.server.errors import described
from hmlr.server.memory.bodies import Body, Moment, PathId, StrictRoute

router = APIRouter(prefix="/v1", tags=["facts"], route_class=StrictRoute)

MAX_VALUE_CHARS = 10_000
Word = Annotated[str | None, Query(max_length=MAX_ID_CHARS)]


class Correction(Body):
    """The right value."""

    value: Annotated[str, Field(min_length=1, max_length=MAX_VALUE_CHARS)]


class Retirement(Body):
    """Why a fact no longer holds."""

    reason: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] = ""


@router.get("/facts", responses=described())
async def facts(
    memory: Memory,
    *,
    subject: Word = None,
    key: Word = None,
    kind: Annotated[
        str | None, Query(max_length=MAX_ID_CHARS, description='As people say it: "pets".')
    ] = None,
    as_of: Annotated[Moment | None, Query(description="Event time: what held then.")] = None,
    known_at: Annotated[Moment | None, Query(description="Record time: what was known then.")] = None,
    states: Annotated[list[FactState] | None, Query(description="By default active ones.")] = None,
) -> list[Fact]:
    """Facts by subject, under any of its names, by key and by kind; each with its quote and source."""
    return await memory.facts(
        subject=subject,
        key=key,
        kind=kind,
        as_of=as_of,
        known_at=known_at,
        states=("active",) if states is None else states,
    )


@router.get("/facts/{fact_id}/history", responses=described(404))
async def history(fact_id: PathId, memory: Memory) -> FactHistory:
    """All values ever held under a fact's subject and key, and every change of state."""
    return await memory.history(fact_id)


@router.post("/facts/{fact_id}/correct", responses=described(404, 409, 507))
async def correct(fact_id: PathId, body: Correction, memory: Memory) -> Fact:
    """Replace a wrong value: the old fact is invalidated, the new one is given."""
    return await memory.correct(fact_id, body.value)


@router.post("/facts/{fact_id}/retire", responses=described(404, 409, 507))
async def retire(fact_id: PathId, body: Retirement, memory: Memory) -> Fact:
    """Mark a fact as no longer true; `restore` takes it back."""
    return await memory.retire(fact_id, body.reason)


@router.post("/facts/{fact_id}/restore", responses=described(404, 409, 507))
async def restore(fact_id: PathId, memory: Memory) -> Fact:
    """Make a fact active again."""
    return await memory.restore(fact_id)


@router.get("/contradictions", responses=described())
async def contradictions(memory: Memory) -> list[Contradiction]:
    """Pairs of facts that cannot both hold, each with its source, until one is retired."""
    return await memory.contradictions()


@router.get("/timeline/{entity:path}", responses=described(404))
async def timeline(
    entity: Annotated[str, Path(min_length=1, max_length=MAX_ID_CHARS)], memory: Memory
) -> Timeline:
    """Everything known of an entity, in the order of event time, in every state; the owner is "user"."""
    return await memory.timeline(entity)


@router.get("/profile", responses=described())
async def profile(memory: Memory) -> Profile:
    """What holds for the user in every conversation."""
    return await memory.profile()
