"""For whoever watches the server: is it alive, what does it do."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from hmlr.server.auth import Admin
from hmlr.server.errors import Described, described

router = APIRouter(tags=["watching"])


FIGURES: Described = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


class Alive(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", responses=described())
async def healthz(request: Request) -> Alive:
    """Whether the server answers and its database can be read."""
    await request.app.state.people.host.access.tokens()
    return Alive()


@router.get("/metrics", responses=described() | FIGURES, response_class=Response)
async def metrics(request: Request, caller: Admin) -> Response:
    """Figures for Prometheus; an administrator's token is needed."""
    people = request.app.state.people
    page = request.app.state.metrics.page(await people.host.stats(), open_memories=len(people))
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
