"""How requests of the memory API are read: strict JSON, no unknown names, times with a zone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from hmlr.memory.intake import MAX_BUDGET_TOKENS, MAX_ID_CHARS, MAX_LIMIT

THREAD_BYTES = 50_000  # a longer body is read in a thread, so that others need not wait
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class Body(BaseModel):
    """The body of a request: types as they are said, and no other names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _text(value: object) -> object:
    if not isinstance(value, str) or not _DATE_TIME.match(value):
        raise ValueError("a time is text like 2026-03-01T12:00:00Z")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time lies outside the years 1 to 9999") from error


Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text), AfterValidator(_utc)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Tokens = Annotated[int, Field(ge=1, le=MAX_BUDGET_TOKENS)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]
PathId = Annotated[str, Path(min_length=1, max_length=MAX_ID_CHARS)]


class StrictRequest(Request):
    """A request whose JSON has no name twice and no number that JSON lacks; 400 for what can't be read."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = await asyncio.to_thread(_read, body) if len(body) > THREAD_BYTES else _read(body)
        return self._json


class StrictRoute(APIRoute):
    """A route that reads strictly and refuses query parameters that it does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind these checks."""
        handle = super().get_route_handler()
        known = {field.alias for field in self.dependant.query_params}

        async def strict(request: Request) -> Response:
            if not known.issuperset(request.query_params):
                names = ", ".join(sorted(known)) or "none"
                raise HTTPException(422, f"an unknown query parameter; this route takes {names}")
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def _read(body: bytes) -> Any:
    try:
        return json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON that can be read: RFC 8259, no name twice") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
