"""OpenAI's chat completions as they come in and go out, streamed and whole.

Source: the API reference of chat completions. What a request may say and this server can't do is refused;
docs/proxy.md lists what is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hmlr.core.relay_records import RelayReply
from hmlr.llm.chat_completion import ChatCompletion, ToolCallShape, UsageShape
from hmlr.llm.records import Completion, FinishReason, ReasoningEffort

MAX_MESSAGES = 10_000
MAX_TOOLS = 512
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TextPart(_Body):
    """A piece of a message's text."""

    type: Literal["text"]
    text: str


class GivenMessage(_Body):
    """One message; only text goes in."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = Field(None, description="Who wrote it, when that is not the owner of the memory.")
    tool_calls: list[ToolCallShape] | None = None
    tool_call_id: str = ""


class FunctionSpec(_Body):
    """A function that the model may call; its parameters are a JSON schema of an object."""

    name: Name
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class GivenTool(_Body):
    """A tool: a function."""

    type: Literal["function"]
    function: FunctionSpec


class ChosenFunction(_Body):
    """The name of a function."""

    name: Name


class ChosenTool(_Body):
    """The one tool that has to be called."""

    type: Literal["function"]
    function: ChosenFunction


class SchemaSpec(_Body):
    """The JSON schema that the answer has to follow."""

    model_config = ConfigDict(populate_by_name=True)

    name: Name
    json_schema: dict[str, Any] = Field(alias="schema")


class ResponseFormat(_Body):
    """Text, or JSON after a schema."""

    type: Literal["text", "json_schema"]
    json_schema: SchemaSpec | None = None


class StreamOptions(_Body):
    """What else a stream tells."""

    include_usage: bool = False


class CompletionBody(_Body):
    """A conversation so far, and how it is to be answered."""

    messages: list[GivenMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str = Field("", max_length=200, description="hmlr, or a model of the server's providers.")
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: list[GivenTool] = Field(default_factory=list, max_length=MAX_TOOLS)
    tool_choice: Literal["auto", "none", "required"] | ChosenTool = "auto"
    response_format: ResponseFormat | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=10_000_000)
    max_completion_tokens: int | None = Field(None, ge=1, le=10_000_000)
    reasoning_effort: ReasoningEffort | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None


class MemoryUsed(BaseModel):
    """What memory did for an answer; clients that know nothing of it pass over it."""

    turn_id: str
    session_id: str
    block_id: str | None
    turns_used: list[str]
    degraded: list[str]

    @classmethod
    def of(cls, reply: RelayReply) -> MemoryUsed:
        """Of a reply."""
        used = dict.fromkeys(turn for hit in reply.hits for turn in hit.turn_ids)
        return cls(
            turn_id=reply.turn_id,
            session_id=reply.session_id,
            block_id=reply.block_id,
            turns_used=list(used),
            degraded=list(reply.degraded),
        )


class RelayedCompletion(ChatCompletion):
    """An answer of OpenAI's chat completions, with `hmlr` beside it."""

    hmlr: MemoryUsed


def whole(reply: RelayReply) -> RelayedCompletion:
    """A reply as one document."""
    completion = ChatCompletion.of(completion_of(reply))
    return RelayedCompletion(**completion.model_dump(), hmlr=MemoryUsed.of(reply))


def completion_of(reply: RelayReply) -> Completion:
    """A reply as the toolkit's record."""
    return Completion(
        text=reply.text,
        model=reply.model,
        finish_reason=reply.finish_reason,
        tool_calls=reply.tool_calls,
        usage=reply.usage,
    )


class Delta(BaseModel):
    """What came to the answer; what did not come is left out."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[Mapping[str, Any]] | None = None


class ChunkChoice(BaseModel):
    """A piece of the one answer."""

    index: int = 0
    delta: Delta
    finish_reason: FinishReason | None = None


class Chunk(BaseModel):
    """One event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int  # seconds since 1970
    model: str
    choices: list[ChunkChoice]
    usage: UsageShape | None = None
    hmlr: MemoryUsed | None = None

    def event(self) -> str:
        """As a server-sent event."""
        left_out = {name for name in ("usage", "hmlr") if getattr(self, name) is None}
        body = self.model_dump(exclude=left_out)
        for choice in body["choices"]:
            choice["delta"] = {name: value for name, value in choice["delta"].items() if value is not None}
        return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"
