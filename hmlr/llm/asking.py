"""Questions to a model, each by itself: options, tools, structured answers, streams, one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, TypeVar, cast

from pydantic import BaseModel

from hmlr.errors import InvalidInput
from hmlr.llm.gateway import Gateway
from hmlr.llm.opening import addressed, open_gateway
from hmlr.llm.records import (
    ChatMessage,
    ChatRequest,
    Completion,
    Options,
    OutputSchema,
    ReasoningEffort,
    StreamPart,
)
from hmlr.llm.settings import LLMSettings
from hmlr.llm.structured import Structured, schema_of, structured
from hmlr.llm.tool_loop import Exchange
from hmlr.llm.tools import Tool, Toolbox

M = TypeVar("M", bound=BaseModel)
Tools = Iterable[Tool | Callable[..., Any]]
MAX_ROUNDS = 10


class CallOptions(TypedDict, total=False):
    """What a call may say of itself; docs/llm.md says which provider lacks what."""

    temperature: float | None
    top_p: float | None
    max_tokens: int | None  # of the answer
    reasoning_effort: ReasoningEffort | None
    seed: int | None
    stop: tuple[str, ...] | None  # the answer ends before the first of these
    timeout_s: float | None  # total: retries, fallbacks, tools and repairs included
    task: str  # label in the ledger and in latencies
    user: str  # label in the ledger


class ModelOptions(CallOptions, total=False):
    """Which model it is, and how it is asked."""

    system: str | None  # rules, before every question
    settings: LLMSettings | None  # None: as the environment says
    base_url: str  # of an OpenAI-compatible server
    api_key: str


class LLMOptions(ModelOptions, total=False):
    """What `LLM` takes besides the model."""

    tools: Tools
    max_rounds: int  # of tools, per question


class Asker:
    """Asks one model; remembers nothing from one question to the next.

    Options of a call go over those of the asker, these over the settings'. Raises ConfigurationError for a
    model without a key, InvalidInput for an option that can't be, besides what the gateway raises.
    """

    def __init__(self, model: str | None, given: LLMOptions) -> None:
        own = set(LLMOptions.__annotations__) - set(CallOptions.__annotations__)
        self.model, self.settings = addressed(
            model,
            given.get("settings") or LLMSettings.load(),
            base_url=given.get("base_url", ""),
            api_key=given.get("api_key", ""),
        )
        self._defaults = cast("CallOptions", {name: given[name] for name in set(given) - own})  # type: ignore[literal-required]
        chat_request((), self._defaults)  # a wrong option is an error here, not at the first call
        self._max_rounds = given.get("max_rounds", MAX_ROUNDS)
        if self._max_rounds < 1:
            raise InvalidInput("max_rounds has to be at least 1")
        system = given.get("system")
        self._system = (ChatMessage(role="system", content=system),) if system else ()
        self._toolbox = Toolbox(given.get("tools", ()))
        self.gateway = open_gateway(self.model, self.settings)

    async def complete(self, messages: Sequence[ChatMessage], given: CallOptions) -> Completion:
        """The whole answer, after all rounds of tools."""
        return await self._exchange(self._asked(messages, given)).complete(self.gateway)

    async def structured(
        self, messages: Sequence[ChatMessage], response_format: type[M], given: CallOptions
    ) -> Structured[M]:
        """An answer that is an instance of the model. InvalidAnswer when it isn't, after all repairs."""
        if not (isinstance(response_format, type) and issubclass(response_format, BaseModel)):
            raise InvalidInput("response_format takes a pydantic model", hint="Pass the class itself")
        dialogue = _Dialogue(self._exchange(self._asked(messages, given, schema_of(response_format))))

        async def ask(request: ChatRequest) -> Completion:
            return await dialogue.ask(self.gateway, request)

        return await structured(ask, dialogue.exchange.request, response_format.model_validate_json)

    def stream(self, messages: Sequence[ChatMessage], given: CallOptions) -> AsyncGenerator[StreamPart, None]:
        """The answer in pieces; the last part carries the whole."""
        return self._exchange(self._asked(messages, given)).stream(self.gateway)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.gateway.aclose()

    def _asked(
        self, messages: Sequence[ChatMessage], given: CallOptions, output: OutputSchema | None = None
    ) -> ChatRequest:
        request = chat_request((*self._system, *messages), merged(self._defaults, given))
        return replace(request, tools=self._toolbox.specs, output=output)

    def _exchange(self, request: ChatRequest) -> Exchange:
        timeout_s = request.options.timeout_s or self.settings.timeout_s
        return Exchange(
            request=request,
            toolbox=self._toolbox,
            max_rounds=self._max_rounds,
            deadline=asyncio.get_running_loop().time() + timeout_s,
        )


@dataclass
class _Dialogue:
    """Asks again about one answer; the rounds of tools stay where they came."""

    exchange: Exchange  # the first one, with the deadline of all
    _rounds: list[tuple[int, tuple[ChatMessage, ...]]] = field(default_factory=list)  # place, messages

    async def ask(self, gateway: Gateway, request: ChatRequest) -> Completion:
        """Ask with the rounds so far put back in."""
        messages = self._with_rounds(request.messages)
        exchange = replace(self.exchange, request=replace(request, messages=messages))
        completion = await exchange.complete(gateway)
        if fresh := exchange.request.messages[len(messages) :]:
            self._rounds.append((len(request.messages), fresh))
        return completion

    def _with_rounds(self, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        result: tuple[ChatMessage, ...] = ()
        done = 0
        for place, rounds in self._rounds:
            result += messages[done:place] + rounds
            done = place
        return result + messages[done:]


def question(prompt: str) -> ChatMessage:
    """A prompt as a message. InvalidInput for an empty one, which providers refuse."""
    if not prompt.strip():
        raise InvalidInput("the prompt is empty")
    return ChatMessage(role="user", content=prompt)


def merged(base: CallOptions, given: CallOptions) -> CallOptions:
    """The options of `given` over those of `base`."""
    return cast("CallOptions", {**base, **_named(given)})


def _named(given: CallOptions) -> dict[str, Any]:
    """What the call says; None leaves it to the asker."""
    return {name: value for name, value in given.items() if value is not None}


def chat_request(messages: Sequence[ChatMessage], given: CallOptions) -> ChatRequest:
    """A request with options and labels. InvalidInput for options that can't be."""
    values = _named(given)
    task, user = str(values.pop("task", "")), str(values.pop("user", ""))
    if unknown := sorted(set(values) - set(Options.__dataclass_fields__)):
        known = ", ".join(sorted(CallOptions.__annotations__))
        raise InvalidInput(f"there is no option {', '.join(unknown)}", hint=f"Known: {known}")
    for name in ("timeout_s", "max_tokens"):
        if name in values and not values[name] > 0:
            raise InvalidInput(f"{name} has to be above 0, not {values[name]!r}")
    return ChatRequest(messages=tuple(messages), options=Options(**values), task=task, user=user)
