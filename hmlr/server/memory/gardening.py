"""Gardening: see the plan, do it with its progress, look at the runs, take one back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from hmlr.client import HMLRClient
from hmlr.core.gardening import MOST_AT_ONCE, GardenArguments
from hmlr.garden_records import GardenPlan, GardenProgress, GardenReport, GardenRun
from hmlr.server.auth import Memory
from hmlr.server.errors import Described, described, request_id_of
from hmlr.server.memory.bodies import Body, Dollars, PathId, StrictRoute
from hmlr.server.memory.streams import Stream, Told

router = APIRouter(prefix="/v1/garden", tags=["gardening"], route_class=StrictRoute)

EVENTS = "text/event-stream"
MAX_RUN_TOKENS = 10**12
RunTokens = Annotated[int, Field(ge=0, le=MAX_RUN_TOKENS)]


class Options(Body):
    """How a run goes; its limits are hard ones."""

    include_active: bool = False  # the topic that is talked about now, too
    allow_large: bool = False  # change any share of what was in order
    budget_tokens: RunTokens | None = None
    budget_usd: Dollars | None = None
    daily_tokens: RunTokens | None = None
    daily_usd: Dollars | None = None
    concurrency: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 8

    def arguments(self) -> GardenArguments:
        """As the client takes them."""
        return GardenArguments(
            include_active=self.include_active,
            allow_large=self.allow_large,
            budget_tokens=self.budget_tokens,
            budget_usd=self.budget_usd,
            daily_tokens=self.daily_tokens,
            daily_usd=self.daily_usd,
            concurrency=self.concurrency,
        )


class Run(Options):
    """A run, and whether it is to tell how far it is."""

    stream: bool = False


TOLD: Described = {
    200: {
        "description": "The report; with `stream`, or Accept: text/event-stream, events `progress` with done "
        "and total, then one event `report` with the report, or `error`.",
        "content": {
            EVENTS: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "event": {"type": "string", "enum": ["progress", "report", "error"]},
                        "data": {"type": "string", "description": "JSON."},
                    },
                }
            }
        },
    }
}


async def applied(client: HMLRClient, body: Run, request: Request, *, all_users: bool) -> Any:
    """Garden: the report, or the stream that ends with it."""
    if not body.stream and EVENTS not in request.headers.get("accept", ""):
        return await client.garden(all_users=all_users, **body.arguments())

    async def work(tell: Callable[[GardenProgress], None]) -> GardenReport:
        return await client.garden(all_users=all_users, progress=tell, **body.arguments())

    told = Told(GardenProgress, GardenReport)
    return Stream(told.events(work, request_id_of(request)), EVENTS)


@router.post("/plan", responses=described(501, 502))
async def plan(body: Options, memory: Memory) -> GardenPlan:
    """What a run would change by the rules, and what its model calls would cost; nothing is written."""
    return await memory.garden(dry_run=True, **body.arguments())


@router.post("", response_model=GardenReport, responses=described(409, 501, 502, 507) | TOLD)
async def garden(body: Run, memory: Memory, request: Request) -> Any:
    """Turn finished topics into long-term memory; the report says what could not be done and is pending."""
    return await applied(memory, body, request, all_users=False)


@router.get("/runs", responses=described())
async def runs(memory: Memory) -> list[GardenRun]:
    """The runs over this memory, and the edits of its dossiers, the latest first."""
    return await memory.garden_runs()


@router.post("/runs/{run_id}/undo", responses=described(404, 409, 507))
async def undo(run_id: PathId, memory: Memory) -> GardenRun:
    """Take back what a run changed."""
    return await memory.undo(run_id)
