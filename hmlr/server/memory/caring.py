"""Erase, count, audit and check a memory, and wait for its background work."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from hmlr.errors import InvalidInput
from hmlr.records import Audit, Certificate, Check, DaySpending, Health, Spending, Stats
from hmlr.server.auth import AnyCaller, Memory
from hmlr.server.errors import described
from hmlr.server.memory.bodies import Body, Id, Moment, StrictRoute

router = APIRouter(prefix="/v1", tags=["care"], route_class=StrictRoute)

MAX_WAIT_S = 60.0
_PATH = re.compile(r"(?<![\w/])(?:[A-Za-z]:)?[/\\][^\s,;'\"()]+")


class Forget(Body):
    """Exactly one of them; `speaker` may have bounds, and `everything` needs the user's id in `confirm`."""

    turn_id: Id | None = None
    fact_id: Id | None = None
    session_id: Id | None = None
    speaker: Id | None = None
    since: Moment | None = None
    until: Moment | None = None
    everything: bool = False
    confirm: Id | None = None


class Wait(Body):
    """How long to wait."""

    timeout_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S, allow_inf_nan=False)] = 5.0


class Settled(BaseModel):
    """How background work stands."""

    settled: bool = Field(description="No background work is left.")


class OwnStats(BaseModel):
    """How much is stored for one user, and what the user's model calls cost."""

    turns: int
    messages: int
    chunks: int
    vectors: int
    blocks: int
    facts: dict[str, int] = Field(description="By state.")
    dossiers: int
    dossier_facts: int = Field(description="That have their place in a dossier.")
    tags: int
    garden_runs: int
    jobs_waiting: int
    jobs_failed: int
    days: list[DaySpending] = Field(description="With model calls, the latest 31, the latest first.")
    spending: list[Spending] = Field(description="Since this server started.")

    @classmethod
    def of(cls, stats: Stats, user: str) -> Self:
        """Without what concerns others as well: the file's size, latencies, their spending."""
        plain = {name: getattr(stats, name) for name in cls.model_fields}
        own = [each for each in stats.spending if each.user == user]
        return cls(**plain | {"facts": dict(stats.facts), "days": list(stats.days), "spending": own})


@router.post("/forget", responses=described(404, 409, 507))
async def forget(body: Forget, memory: Memory) -> Certificate:
    """Erase a turn, a fact, a session, a speaker's turns or everything; the certificate says what went."""
    if body.everything and body.confirm != memory.user_id:
        raise InvalidInput("to forget everything, `confirm` has to be the user's id")
    return await memory.forget(
        turn_id=body.turn_id,
        fact_id=body.fact_id,
        session_id=body.session_id,
        speaker=body.speaker,
        since=body.since,
        until=body.until,
        everything=body.everything,
    )


@router.get("/stats", responses=described())
async def stats(memory: Memory) -> OwnStats:
    """How much is stored for this user."""
    return OwnStats.of(await memory.stats(), memory.user_id)


@router.get("/audit", responses=described())
async def audit(memory: Memory) -> Audit:
    """How many facts are duplicates, contradicted, stale, echoes, unsourced or secret, with examples."""
    return await memory.audit()


@router.get("/health", responses=described())
async def health(memory: Memory, caller: AnyCaller) -> Health:
    """What works for this memory, and what to do where it does not; an administrator's sees the database."""
    found = await memory.health(database=caller.is_admin)
    return Health(checks=tuple(_without_paths(check) for check in found.checks))


@router.post("/flush", responses=described())
async def flush(body: Wait, memory: Memory) -> Settled:
    """Wait until what was stored has been learned from, or the time is over."""
    return Settled(settled=await memory.flush(body.timeout_s))


def _without_paths(check: Check) -> Check:
    return replace(check, detail=_PATH.sub("…", check.detail), remedy=_PATH.sub("…", check.remedy))
