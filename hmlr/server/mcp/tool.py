"""What a tool is: name and text, arguments and result as types, what it does, what hosts are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hmlr.server.mcp.results import Result

if TYPE_CHECKING:
    from hmlr.client import HMLRClient

MAX_WORDS = 2000  # characters of a question or a name
MAX_ID = 200


class Arguments(BaseModel):
    """What a tool is called with; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _zoned(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_zoned)]  # without a zone it is UTC
Words = Annotated[str, Field(min_length=1, max_length=MAX_WORDS)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[A]):
    """One tool."""

    name: str
    text: str  # what it does; it is read, and paid for, with every conversation
    arguments: type[A]
    result: type[Result]
    run: Callable[[HMLRClient, A], Awaitable[Result]]
    reads: bool = True  # changes nothing
    destroys: bool = False  # takes away or replaces what is there

    async def call(self, client: HMLRClient, arguments: object) -> Result:
        """Check the arguments and run. Pydantic's ValidationError, or what the client raises."""
        return await self.run(client, self.arguments.model_validate(arguments))

    @cached_property
    def listed(self) -> ListedTool:
        """The tool as hosts are told of it."""
        return ListedTool(
            name=self.name,
            description=self.text,
            input_schema=_terse(self.arguments.model_json_schema()),
            output_schema=_terse(self.result.model_json_schema(mode="serialization")),
            annotations=ToolAnnotations(
                read_only_hint=self.reads,
                destructive_hint=self.destroys,
                idempotent_hint=self.reads,
                open_world_hint=False,
            ),
        )


def _terse(schema: Any) -> Any:
    """A schema without what is only for people who read code: titles, and docstrings of classes."""
    if isinstance(schema, list):
        return [_terse(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    names = {"title", "description"} if "properties" in schema else {"title"}
    kept = {name: each for name, each in schema.items() if name not in names or not isinstance(each, str)}
    return {
        name: {key: _terse(value) for key, value in each.items()} if name == "properties" else _terse(each)
        for name, each in kept.items()
    }
