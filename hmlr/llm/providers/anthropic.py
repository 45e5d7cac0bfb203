"""Anthropic's messages API through AsyncAnthropic.

It has no temperature, top_p and seed; reasoning effort is `output_config.effort`. It demands max_tokens.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from anthropic import AnthropicError, AsyncAnthropic
from pydantic import BaseModel, Field

from hmlr.errors import BrokenReply, ContentRefused
from hmlr.llm.providers.base import Bill, Endpoint, parse, refuse_options, translated
from hmlr.llm.providers.json_schema import closed
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, FinishReason, StreamPart, ToolCall
from hmlr.records import Usage

# Room for long answers; every current model allows it.
DEFAULT_MAX_TOKENS = 8192

_FINISHED: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


class WireBlock(BaseModel):
    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None


class WireUsage(BaseModel):
    input_tokens: int | None = Field(None, ge=0)
    output_tokens: int | None = Field(None, ge=0)
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def usage(self) -> Usage:
        """Ours: input counts what was read from and written to the cache, too."""
        cached = self.cache_read_input_tokens or 0
        written = self.cache_creation_input_tokens or 0
        return Usage(
            calls=1,
            input_tokens=(self.input_tokens or 0) + cached + written,
            output_tokens=self.output_tokens or 0,
            cached_tokens=cached,
        )


class WireBill(Bill):
    usage: WireUsage

    def spent(self) -> Usage:
        return self.usage.usage()


class WireReply(WireBill):
    content: list[WireBlock]
    stop_reason: str


class WireStart(BaseModel):
    usage: WireUsage


class WireDelta(BaseModel):
    text: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class WireEvent(BaseModel):
    type: str
    index: int = 0
    message: WireStart | None = None  # message_start
    content_block: WireBlock | None = None  # content_block_start
    delta: WireDelta | None = None  # content_block_delta, message_delta
    usage: WireUsage | None = None  # message_delta


class AnthropicProvider:
    """The port `Provider` on AsyncAnthropic's messages."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.model = endpoint.model
        self._endpoint = endpoint
        self._sdk = AsyncAnthropic(
            api_key=endpoint.secret,
            base_url=endpoint.base_url or "https://api.anthropic.com",
            max_retries=0,
            timeout=endpoint.http.timeout,
            http_client=endpoint.http,
        )
        # The SDK reads them from the environment; what is sent, and where to, is for our settings to say.
        self._sdk._custom_headers = {}

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        body = body_of(self._endpoint, request)
        with translated(self._endpoint, AnthropicError) as seen:
            raw = await self._sdk.messages.with_raw_response.create(**body)
            sent_as = seen.head(raw.headers)
            reply = parse(self._endpoint, WireReply, await raw.read(), bill=WireBill)
            calls = tuple(
                ToolCall(id=block.id or "", name=block.name or "", arguments=json.dumps(block.input or {}))
                for block in reply.content
                if block.type == "tool_use"
            )
            return finished(
                self._endpoint,
                texts=_texts(reply.content),
                calls=calls,
                reason=reply.stop_reason,
                usage=reply.usage.usage(),
                request=sent_as,
            )

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        body = body_of(self._endpoint, request)
        assembly = Assembly(self._endpoint)
        with translated(self._endpoint, AnthropicError, spent=lambda: assembly.usage) as seen:
            events = await self._sdk.messages.create(**body, stream=True)
            async with events:
                assembly.request_id = seen.head(events.response.headers)
                async for event in events:
                    if text := assembly.take(parse(self._endpoint, WireEvent, event.to_dict(warnings=False))):
                        yield StreamPart(text=text)
            yield StreamPart(text="", completion=assembly.completion())


def body_of(endpoint: Endpoint, request: ChatRequest) -> dict[str, Any]:
    """The request as JSON; constant parts come first, the system rules marked for the prompt cache."""
    options = request.options
    refuse_options(endpoint, options, "temperature", "top_p", "seed")
    system = "\n\n".join(m.content for m in request.messages if m.role == "system")
    body: dict[str, Any] = {"model": endpoint.name, "max_tokens": options.max_tokens or DEFAULT_MAX_TOKENS}
    if system:
        body["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    body["messages"] = _messages(tuple(m for m in request.messages if m.role != "system"))
    if request.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)}
            for t in request.tools
        ]
        body["tool_choice"] = _choice(request.tool_choice)
    if options.stop:
        body["stop_sequences"] = list(options.stop)
    output: dict[str, Any] = {}
    if options.reasoning_effort not in (None, "none"):
        output["effort"] = "low" if options.reasoning_effort == "minimal" else options.reasoning_effort
    if request.output is not None:
        output["format"] = {"type": "json_schema", "schema": closed(request.output.schema)}
    if output:
        body["output_config"] = output
    return body


def _choice(choice: str) -> dict[str, str]:
    named = {"auto": "auto", "none": "none", "required": "any"}
    return {"type": named[choice]} if choice in named else {"type": "tool", "name": choice}


def _messages(messages: tuple[ChatMessage, ...]) -> list[dict[str, Any]]:
    """Consecutive messages of one side become one, as the protocol wants answers of several tools."""
    merged: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += blocks
        else:
            merged.append({"role": role, "content": blocks})
    return merged


def _blocks(message: ChatMessage) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _arguments(call)}
        for call in message.tool_calls
    ]
    return blocks


def _arguments(call: ToolCall) -> dict[str, Any]:
    """A broken call is repeated to the model without its arguments; the tool's answer says what was wrong."""
    try:
        parsed = json.loads(call.arguments)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def finished(
    endpoint: Endpoint,
    *,
    texts: list[str],
    calls: tuple[ToolCall, ...],
    reason: str,
    usage: Usage,
    request: str,
) -> Completion:
    """One answer from its parts. ContentRefused or BrokenReply when it is none."""
    billed: dict[str, Any] = {
        "model": endpoint.model,
        "request_id": request,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if reason == "refusal":
        raise ContentRefused(f"{endpoint.model} refuses to answer this", **billed)
    if reason not in _FINISHED:
        raise BrokenReply(f"{endpoint.model}: the answer ended for an unknown reason", **billed)
    if any(not call.id or not call.name for call in calls):
        raise BrokenReply(f"{endpoint.model}: a tool call without id or name", **billed)
    if not texts and not calls and _FINISHED[reason] != "length":
        raise BrokenReply(f"{endpoint.model}: the answer is empty", **billed)
    return Completion(
        text="".join(texts),
        model=endpoint.model,
        finish_reason=_FINISHED[reason],
        tool_calls=calls,
        usage=usage,
        request_id=request,
    )


def _texts(blocks: list[WireBlock]) -> list[str]:
    return [block.text for block in blocks if block.type == "text" and block.text is not None]


@dataclass
class Assembly:
    """Puts the events of a stream together."""

    endpoint: Endpoint
    request_id: str = ""
    _blocks: dict[int, WireBlock] = field(default_factory=dict)
    _json: dict[int, str] = field(default_factory=dict)
    _usage: WireUsage = field(default_factory=WireUsage)
    _reason: str | None = None
    _stopped: bool = False

    def take(self, event: WireEvent) -> str:
        """Add an event; its text. The SDK has raised what an `error` event says."""
        if event.message is not None:
            self._count(event.message.usage)
        if event.usage is not None:
            self._count(event.usage)
        if event.content_block is not None:
            self._blocks[event.index] = event.content_block
        self._stopped = self._stopped or event.type == "message_stop"
        return self._delta(event.index, event.delta) if event.delta is not None else ""

    def _delta(self, index: int, delta: WireDelta) -> str:
        self._reason = delta.stop_reason or self._reason
        if delta.partial_json is not None:
            self._json[index] = self._json.get(index, "") + delta.partial_json
        if delta.text is not None and index in self._blocks:
            block = self._blocks[index]
            self._blocks[index] = block.model_copy(update={"text": (block.text or "") + delta.text})
        return delta.text or ""

    def _count(self, usage: WireUsage) -> None:
        """Later counts are running totals: they replace earlier ones where they name them."""
        self._usage = self._usage.model_copy(update=usage.model_dump(exclude_none=True))

    @property
    def usage(self) -> Usage:
        """What it has cost so far."""
        return self._usage.usage()

    def completion(self) -> Completion:
        """The whole answer. BrokenReply when the stream ended before its end."""
        if self._reason is None or not self._stopped:
            raise BrokenReply(
                f"{self.endpoint.model}: the stream ended before its end", model=self.endpoint.model
            )
        blocks = [block for _, block in sorted(self._blocks.items())]
        calls = tuple(  # with their arguments as the model wrote them, valid JSON or not
            ToolCall(id=block.id or "", name=block.name or "", arguments=self._json.get(index) or "{}")
            for index, block in sorted(self._blocks.items())
            if block.type == "tool_use"
        )
        return finished(
            self.endpoint,
            texts=_texts(blocks),
            calls=calls,
            reason=self._reason,
            usage=self.usage,
            request=self.request_id,
        )
