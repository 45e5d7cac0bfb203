"""The tools that erase or change what is known: off by default, and each needs an exact id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from hmlr.server.mcp.fact_results import ChangedResult, FactResult
from hmlr.server.mcp.results import ForgetResult
from hmlr.server.mcp.tool import Arguments, Id, Tool, Words

if TYPE_CHECKING:
    from hmlr.client import HMLRClient


class Forget(Arguments):
    """Arguments of `forget`."""

    turn_id: Id | None = None
    fact_id: Id | None = None


class Retire(Arguments):
    """Arguments of `retire`."""

    fact_id: Id
    reason: Words


class Correct(Arguments):
    """Arguments of `correct`."""

    fact_id: Id
    value: Annotated[Words, Field(description="the right value")]


async def _forget(client: HMLRClient, given: Forget) -> ForgetResult:
    return ForgetResult.of(await client.forget(turn_id=given.turn_id, fact_id=given.fact_id))


async def _retire(client: HMLRClient, given: Retire) -> ChangedResult:
    return ChangedResult(fact=FactResult.of(await client.retire(given.fact_id, given.reason)))


async def _correct(client: HMLRClient, given: Correct) -> ChangedResult:
    return ChangedResult(fact=FactResult.of(await client.correct(given.fact_id, given.value)))


ERASING: tuple[Tool[Any], ...] = (
    Tool(
        name="forget",
        text="Erase one turn or one fact for good; only when the user asks for it. Give exactly one id.",
        arguments=Forget,
        result=ForgetResult,
        run=_forget,
        reads=False,
        destroys=True,
    ),
    Tool(
        name="retire",
        text="Mark a fact as no longer true.",
        arguments=Retire,
        result=ChangedResult,
        run=_retire,
        reads=False,
        destroys=True,
    ),
    Tool(
        name="correct",
        text="Replace a fact's wrong value, in the user's name.",
        arguments=Correct,
        result=ChangedResult,
        run=_correct,
        reads=False,
        destroys=True,
    ),
)
