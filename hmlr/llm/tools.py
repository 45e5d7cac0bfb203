"""Tools that a model may call: plain functions, whose signature and docstring tell the model how."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_type_hints, overload

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_json

from hmlr.errors import InvalidInput
from hmlr.llm.records import ChatMessage, ToolCall, ToolSpec
from hmlr.llm.structured import reasons_of

# A longer result crowds out the conversation; a tool that needs more says so with `max_chars`.
MAX_RESULT_CHARS = 20_000
MAX_ERROR_CHARS = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")  # what all providers accept
_log = logging.getLogger(__name__)


class _Schema(GenerateJsonSchema):
    """JSON schema that leaves out defaults which JSON can't say."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's name


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A function as a model may call it; calling the tool calls the function."""

    spec: ToolSpec
    function: Callable[..., Any]
    arguments: type[BaseModel]  # the parameters, as aliases of the fields p0, p1, …
    max_chars: int = MAX_RESULT_CHARS  # a longer result is cut

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    def parsed(self, arguments: str) -> dict[str, Any]:
        """The arguments of a model's call, checked and converted. ValueError when they don't fit."""
        given = self.arguments.model_validate_json(arguments)
        fields = type(given).model_fields
        return {str(fields[name].alias): getattr(given, name) for name in sorted(given.model_fields_set)}

    async def run(self, arguments: dict[str, Any]) -> str:
        """Call the function, in a worker thread when it is synchronous; its result as text for the model."""
        if _is_async(self.function):
            result = await self.function(**arguments)
        else:
            result = await to_thread.run_sync(lambda: self.function(**arguments), abandon_on_cancel=True)
            if inspect.isawaitable(result):
                result = await result
        text = result if isinstance(result, str) else to_json(result, fallback=str).decode()
        if len(text) <= self.max_chars:
            return text
        return f"{text[: self.max_chars]}\n[cut: these are {self.max_chars} of {len(text)} characters]"


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *, name: str = "", description: str = "", max_chars: int = MAX_RESULT_CHARS
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    description: str = "",
    max_chars: int = MAX_RESULT_CHARS,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function, as `@tool` or `@tool(name=…)`.

    The model sees the name, the docstring and a schema of the annotated parameters; `Annotated[str,
    Field(description=…)]` describes one of them. InvalidInput when the signature can't be told to a model.
    """

    def make(wrapped: Callable[..., Any]) -> Tool:
        called = name or getattr(wrapped, "__name__", "") or type(wrapped).__name__
        if not _NAME.fullmatch(called):
            raise InvalidInput(f"{called!r} is no name for a tool", hint="Give one: @tool(name='…')")
        arguments = _arguments(called, wrapped)
        spec = ToolSpec(
            name=called,
            description=description or inspect.getdoc(_annotated(wrapped)) or inspect.getdoc(wrapped) or "",
            parameters=arguments.model_json_schema(schema_generator=_Schema),
        )
        return Tool(spec=spec, function=wrapped, arguments=arguments, max_chars=max_chars)

    return make if function is None else make(function)


def _arguments(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    """A model of the parameters; the fields have names of our own, since a parameter may be called `json`."""
    try:
        hints = get_type_hints(_annotated(function), include_extras=True)
    except (NameError, TypeError) as error:
        raise InvalidInput(
            f"an annotation of the tool {name} can't be read: {error}", hint="Define its types in the module"
        ) from error
    fields: dict[str, Any] = {}
    for position, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidInput(
                f"the tool {name} takes {parameter}", hint="Name each parameter, none of them positional-only"
            )
        if isinstance(parameter.default, FieldInfo):
            raise InvalidInput(
                f"the parameter {parameter.name} of the tool {name} has a Field as its default",
                hint="Write Annotated[…, Field(…)]",
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[f"p{position}"] = (hints.get(parameter.name, Any), Field(default, alias=parameter.name))
    made: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    return made


def _annotated(function: Callable[..., Any]) -> Any:
    """What holds the annotations: of a partial its function, of an object its `__call__`."""
    return function if inspect.isroutine(function) else getattr(function, "func", type(function).__call__)


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


class Toolbox:
    """The tools of one client, and how a model's calls of them are answered. InvalidInput for equal names."""

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]]) -> None:
        made = [each if isinstance(each, Tool) else tool(each) for each in tools]
        self._tools = {each.spec.name: each for each in made}
        if len(self._tools) < len(made):
            raise InvalidInput("two tools have the same name", hint="Rename one: tool(name='…')(function)")

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as they are offered."""
        return tuple(each.spec for each in self._tools.values())

    async def answer(self, calls: Iterable[ToolCall]) -> tuple[ChatMessage, ...]:
        """Run calls together; their answers in the calls' order. What goes wrong is an answer, too.

        Cancelling cancels asynchronous tools; a synchronous one runs to its end unheard.
        """
        async with asyncio.TaskGroup() as group:
            running = [(call, group.create_task(self._answer(call))) for call in calls]
        return tuple(
            ChatMessage(role="tool", content=task.result(), tool_call_id=call.id, tool_name=call.name)
            for call, task in running
        )

    async def _answer(self, call: ToolCall) -> str:
        found = self._tools.get(call.name)
        if found is None:
            return f"error: there is no tool {call.name[:64]!r}; there are: {', '.join(self._tools)}"
        try:
            arguments = found.parsed(call.arguments)
        except (ValidationError, RecursionError) as error:
            return f"error: the arguments can't be used: {reasons_of(error)}"
        try:
            return await found.run(arguments)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return "error: the tool was cancelled"  # by itself: nobody asked us to stop
        except Exception as error:  # noqa: BLE001 - the user's code: whatever it raises, the model can act on
            _log.info("the tool %s raised %s", call.name, type(error).__name__)
            _log.debug("the tool %s raised", call.name, exc_info=True)
            return f"error: {type(error).__name__}: {str(error)[:MAX_ERROR_CHARS]}"
