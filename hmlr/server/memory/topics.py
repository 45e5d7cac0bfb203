"""Topics and days: see them, and arrange topics by hand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict

from hmlr.records import Block, Day, DayTopic, DayView, Turn
from hmlr.server.auth import Memory
from hmlr.server.errors import described
from hmlr.server.memory.bodies import Body, Id, Moment, PathId, StrictRoute

router = APIRouter(prefix="/v1", tags=["topics and days"], route_class=StrictRoute)


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _calendar(value: object) -> object:
    """Refuse numbers, which would count seconds."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("a day is text like 2026-03-01")


Date = Annotated[datetime.date, BeforeValidator(_calendar), Path(description="In UTC.")]


class Label(Body):
    """A label of one's own."""

    label: Id


class Into(Body):
    """Where to."""

    into: Id


class AtTurn(Body):
    """From which turn on."""

    at_turn: Id


class TopicTurns(BaseModel):
    """One topic of a day with its turns of that day."""

    model_config = ConfigDict(frozen=True)

    topic: DayTopic
    turns: Sequence[Turn]  # in the order of event time


class DayReply(BaseModel):
    """One day with its turns; no topics when nothing was said."""

    model_config = ConfigDict(frozen=True)

    date: datetime.date
    turn_count: int
    topics: Sequence[TopicTurns]  # in the order in which they came up

    @classmethod
    def of(cls, view: DayView) -> DayReply:
        """The day as the client gives it."""
        return cls(
            date=view.day.date,
            turn_count=view.day.turn_count,
            topics=[
                TopicTurns(topic=topic, turns=view.turns.get(topic.block_id, ())) for topic in view.day.topics
            ],
        )


@router.get("/blocks", responses=described())
async def blocks(memory: Memory) -> list[Block]:
    """Topics, the one with the latest turn first."""
    return await memory.blocks()


@router.post("/blocks/{block_id}/rename", responses=described(404, 409, 507))
async def rename(block_id: PathId, body: Label, memory: Memory) -> Block:
    """Give a topic a label of one's own."""
    return await memory.rename_block(block_id, body.label)


@router.post("/blocks/{block_id}/merge", responses=described(404, 409, 507))
async def merge(block_id: PathId, body: Into, memory: Memory) -> Block:
    """Move a topic's turns into another topic."""
    return await memory.merge_blocks(block_id, body.into)


@router.post("/blocks/{block_id}/split", responses=described(404, 409, 507))
async def split(block_id: PathId, body: AtTurn, memory: Memory) -> Block:
    """Move a topic's turns from the given one on into a new topic."""
    return await memory.split_block(block_id, body.at_turn)


@router.post("/blocks/{block_id}/resume", responses=described(404, 409, 507))
async def resume(block_id: PathId, memory: Memory) -> Block:
    """Make a topic the active one; a session that begins with the next turn takes it up."""
    return await memory.resume_block(block_id)


@router.get("/days", responses=described())
async def days(memory: Memory, *, since: Moment | None = None, until: Moment | None = None) -> list[Day]:
    """The days on which something was said, in UTC, the latest first, each with its topics."""
    return await memory.days(since=since, until=until)


@router.get("/days/{day}", responses=described())
async def day(day: Date, memory: Memory) -> DayReply:
    """One day: its topics, and the turns of each."""
    return DayReply.of(await memory.day(day))
