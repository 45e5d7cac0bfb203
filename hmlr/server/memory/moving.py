"""Carry a memory over: export and import as JSON Lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from hmlr.client import HMLRClient
from hmlr.server.auth import Memory
from hmlr.server.errors import Described, described
from hmlr.server.memory.bodies import StrictRoute
from hmlr.server.memory.streams import Stream

router = APIRouter(prefix="/v1", tags=["moving"], route_class=StrictRoute)

LINES = "application/x-ndjson"
EXPORTED: Described = {
    200: {
        "description": "One JSON document a line. The last line counts the others: without it, it was cut.",
        "content": {LINES: {"schema": {"type": "string"}}},
    }
}


class Imported(BaseModel):
    """What an import added."""

    records: int = Field(description="That were new.")


async def _lines(memory: HMLRClient) -> AsyncGenerator[bytes, None]:
    async for lines in memory.export_lines():
        yield lines.encode("utf-8")


@router.get("/export", response_class=Response, responses=described() | EXPORTED)
async def export(memory: Memory) -> Response:
    """Everything of this user, in the form that import takes."""
    return Stream(_lines(memory), LINES)


@router.post(
    "/import",
    responses=described(507),
    openapi_extra={
        "requestBody": {"required": True, "content": {LINES: {"schema": {"type": "string"}}}},
    },
)
async def import_(request: Request, memory: Memory) -> Imported:
    """Take in an export under this user, all or nothing; what is here already stays."""
    return Imported(records=await memory.import_lines(await request.body()))
