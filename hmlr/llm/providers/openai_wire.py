"""OpenAI's chat-completion protocol, which Grok and many servers speak: request body, reply, stream. Pure.

Source: the API reference of chat completions; shapes checked against `openai.types.chat`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from hmlr.errors import BrokenReply, ContentRefused
from hmlr.llm.faults import from_event
from hmlr.llm.providers.base import Bill, Endpoint
from hmlr.llm.providers.json_schema import closed
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, FinishReason, ToolCall, ToolSpec
from hmlr.records import Usage

_FINISHED: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class WireFunction(BaseModel):
    name: str | None = None
    arguments: str | None = None


class WireToolCall(BaseModel):
    index: int = 0  # of stream pieces only
    id: str | None = None
    function: WireFunction


class WireMessage(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[WireToolCall] | None = None


class WireChoice(BaseModel):
    message: WireMessage
    finish_reason: str


class WirePromptDetails(BaseModel):
    cached_tokens: int | None = None


class WireUsage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    total_tokens: int = Field(0, ge=0)
    prompt_tokens_details: WirePromptDetails | None = None

    def usage(self) -> Usage:
        """Ours: xAI names its reasoning apart from the completion and only sums it up; it is output, too."""
        details = self.prompt_tokens_details
        return Usage(
            calls=1,
            input_tokens=self.prompt_tokens,
            output_tokens=max(self.completion_tokens, self.total_tokens - self.prompt_tokens),
            cached_tokens=(details.cached_tokens or 0) if details else 0,
        )


class WireBill(Bill):
    usage: WireUsage | None = None

    def spent(self) -> Usage:
        return self.usage.usage() if self.usage else Usage(calls=1)


class WireReply(WireBill):
    choices: list[WireChoice] = Field(min_length=1)


class WirePiece(BaseModel):
    delta: WireMessage
    finish_reason: str | None = None


class WireChunk(WireBill):
    choices: list[WirePiece] = Field(default_factory=list)
    error: Any = None


def body_of(request: ChatRequest, *, model: str, max_tokens_name: str) -> dict[str, Any]:
    """The request as JSON."""
    options = request.options
    body: dict[str, Any] = {"model": model, "messages": [_message(m) for m in request.messages]}
    given = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        max_tokens_name: options.max_tokens,
        "reasoning_effort": options.reasoning_effort,
        "seed": options.seed,
        "stop": list(options.stop) if options.stop else None,
    }
    body |= {name: value for name, value in given.items() if value is not None}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _choice(request.tool_choice)
    if request.output is not None:
        schema = {"name": request.output.name, "strict": True, "schema": closed(request.output.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _message(message: ChatMessage) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
        wire["content"] = message.content or None
    return wire


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _choice(choice: str) -> Any:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def completion_of(endpoint: Endpoint, reply: WireReply, request_id: str) -> Completion:
    """The answer in a reply. ContentRefused or BrokenReply when there is none."""
    choice = reply.choices[0]
    return finished(
        endpoint,
        text=choice.message.content,
        refusal=choice.message.refusal,
        tool_calls=tuple(_call(endpoint, call) for call in choice.message.tool_calls or ()),
        reason=choice.finish_reason,
        usage=reply.spent(),
        request_id=request_id,
    )


def finished(
    endpoint: Endpoint,
    *,
    text: str | None,
    refusal: str | None,
    tool_calls: tuple[ToolCall, ...],
    reason: str,
    usage: Usage,
    request_id: str,
) -> Completion:
    """One answer from its parts. ContentRefused or BrokenReply when it is none."""
    billed: dict[str, Any] = {
        "model": endpoint.model,
        "request_id": request_id,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if refusal or reason == "content_filter":
        raise ContentRefused(f"{endpoint.model} refuses to answer this", **billed)
    if reason not in _FINISHED:
        raise BrokenReply(f"{endpoint.model}: the answer ended for an unknown reason", **billed)
    if text is None and not tool_calls and _FINISHED[reason] != "length":
        raise BrokenReply(f"{endpoint.model}: the answer is empty", **billed)
    return Completion(
        text=text or "",
        model=endpoint.model,
        # Some servers end a tool call with "stop"; what counts is that there is one.
        finish_reason="tool_calls" if tool_calls and reason == "stop" else _FINISHED[reason],
        tool_calls=tool_calls,
        usage=usage,
        request_id=request_id,
    )


def _call(endpoint: Endpoint, call: WireToolCall) -> ToolCall:
    if not call.id or not call.function.name:
        raise BrokenReply(f"{endpoint.model}: a tool call without id or name", model=endpoint.model)
    return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments or "{}")


@dataclass
class _Building:
    """A tool call whose pieces are still coming."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Assembly:
    """Puts the chunks of a stream together."""

    endpoint: Endpoint
    request_id: str = ""
    _text: list[str] = field(default_factory=list)
    _refusal: list[str] = field(default_factory=list)
    _calls: dict[int, _Building] = field(default_factory=dict)
    _reason: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(calls=1))

    def take(self, chunk: WireChunk) -> str:
        """Add a chunk; its text. Raises the error that it tells of."""
        if chunk.error:
            raise from_event(self.endpoint.model, {"error": chunk.error}, secrets=self.endpoint.secrets)
        if chunk.usage is not None:
            self.usage = chunk.usage.usage()
        text = ""
        for piece in chunk.choices[:1]:
            text += piece.delta.content or ""
            self._refusal.append(piece.delta.refusal or "")
            for call in piece.delta.tool_calls or ():
                building = self._calls.setdefault(call.index, _Building())
                building.id = call.id or building.id
                building.name += call.function.name or ""
                building.arguments += call.function.arguments or ""
            self._reason = piece.finish_reason or self._reason
        self._text.append(text)
        return text

    def completion(self) -> Completion:
        """The whole answer. BrokenReply when the stream ended before its end."""
        if self._reason is None:
            raise BrokenReply(
                f"{self.endpoint.model}: the stream ended before its end", model=self.endpoint.model
            )
        calls = tuple(
            _call(
                self.endpoint,
                WireToolCall(id=c.id, function=WireFunction(name=c.name, arguments=c.arguments)),
            )
            for _, c in sorted(self._calls.items())
        )
        return finished(
            self.endpoint,
            text="".join(self._text) if any(self._text) else None if calls else "",
            refusal="".join(self._refusal),
            tool_calls=calls,
            reason=self._reason,
            usage=self.usage,
            request_id=self.request_id,
        )
