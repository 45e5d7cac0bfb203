"""For administrators: whose memories there are, and gardening all of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from hmlr.client import HMLRClient
from hmlr.garden_records import GardenPlan, GardenReport
from hmlr.records import UserId
from hmlr.server.auth import Admin
from hmlr.server.errors import described
from hmlr.server.memory.bodies import StrictRoute
from hmlr.server.memory.gardening import TOLD, Options, Run, applied

router = APIRouter(prefix="/v1/users", tags=["administration"], route_class=StrictRoute)


def _host(request: Request) -> HMLRClient:
    host: HMLRClient = request.app.state.people.host
    return host


@router.get("", responses=described())
async def users(request: Request, caller: Admin) -> list[UserId]:
    """Whose memories are in this database."""
    return await _host(request).users()


@router.post("/garden/plan", responses=described(501, 502))
async def plan(body: Options, request: Request, caller: Admin) -> GardenPlan:
    """What a run over all users would change."""
    return await _host(request).garden(dry_run=True, all_users=True, **body.arguments())


@router.post("/garden", response_model=GardenReport, responses=described(409, 501, 502, 507) | TOLD)
async def garden(body: Run, request: Request, caller: Admin) -> Any:
    """Garden every memory of the database, `concurrency` of them at a time."""
    return await applied(_host(request), body, request, all_users=True)
