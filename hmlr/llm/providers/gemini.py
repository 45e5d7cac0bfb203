"""Gemini's generateContent through `genai.Client.aio`.

Reasoning effort is `thinking_config.thinking_level`. Tool calls may come without an id: they get one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from hmlr.errors import BrokenReply, ContentRefused
from hmlr.llm.http import CappedStream, begun_replies, certificates
from hmlr.llm.providers.base import Bill, Endpoint, parse, translated
from hmlr.llm.providers.json_schema import closed
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, FinishReason, StreamPart, ToolCall
from hmlr.records import Usage

_FINISHED: Mapping[str, FinishReason] = {"STOP": "stop", "MAX_TOKENS": "length"}
_REFUSED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
    }
)


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class WireFunctionCall(_Wire):
    id: str | None = None
    name: str
    args: dict[str, Any] | None = None


class WirePart(_Wire):
    text: str | None = None
    thought: bool | None = None
    function_call: WireFunctionCall | None = None
    thought_signature: str | None = None


class WireContent(_Wire):
    parts: list[WirePart] | None = None


class WireCandidate(_Wire):
    content: WireContent | None = None
    finish_reason: str | None = None


class WireUsage(_Wire):
    prompt_token_count: int | None = Field(None, ge=0)
    tool_use_prompt_token_count: int | None = Field(None, ge=0)
    candidates_token_count: int | None = Field(None, ge=0)
    thoughts_token_count: int | None = Field(None, ge=0)
    cached_content_token_count: int | None = Field(None, ge=0)

    def usage(self) -> Usage:
        """Ours: thoughts are output."""
        return Usage(
            calls=1,
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + (self.thoughts_token_count or 0),
            cached_tokens=self.cached_content_token_count or 0,
        )


class WireFeedback(_Wire):
    block_reason: str | None = None


class WireBill(_Wire, Bill):
    usage_metadata: WireUsage | None = None

    def spent(self) -> Usage:
        return self.usage_metadata.usage() if self.usage_metadata else Usage(calls=1)


class WireReply(WireBill):
    candidates: list[WireCandidate] | None = None
    prompt_feedback: WireFeedback | None = None


class _Nowhere(httpx2.BaseTransport):
    """Sends nothing."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.UnsupportedProtocol("the blocking client is not in use", request=request)


class GeminiProvider:
    """The port `Provider` on `genai.Client.aio.models`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.model = endpoint.model
        self._endpoint = endpoint
        self._sdk = genai.Client(
            api_key=endpoint.secret,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=endpoint.base_url or "https://generativelanguage.googleapis.com/",
                api_version=endpoint.api_version or None,
                httpx_async_client=endpoint.http,
                # ... and in place of clients of its own, which are never used and take 0.1 s each to open:
                httpx_client=httpx2.Client(transport=_Nowhere()),
                async_client_args={"ssl": certificates()},
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        contents, config = body_of(request)
        config["should_return_http_response"] = True
        assembly = Assembly(self._endpoint)
        with translated(self._endpoint, errors.APIError, errors.UnknownApiResponseError) as seen:
            reply = await self._sdk.aio.models.generate_content(
                model=self._endpoint.name, contents=contents, config=types.GenerateContentConfig(**config)
            )
            raw = reply.sdk_http_response
            assembly.request_id = seen.head(_lower(raw.headers if raw else None))
            wire = parse(self._endpoint, WireReply, (raw.body if raw else None) or "", bill=WireBill)
            assembly.take(wire)
            return assembly.completion()

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        contents, config = body_of(request)
        assembly = Assembly(self._endpoint)
        with translated(
            self._endpoint, errors.APIError, errors.UnknownApiResponseError, spent=lambda: assembly.usage
        ) as seen:
            with begun_replies() as replies:
                chunks = await self._sdk.aio.models.generate_content_stream(
                    model=self._endpoint.name, contents=contents, config=types.GenerateContentConfig(**config)
                )
                chunk = await anext(chunks, None)  # only now it sends
            try:
                while chunk is not None:
                    head = chunk.sdk_http_response
                    assembly.request_id = seen.head(_lower(head.headers if head else None))
                    if text := assembly.take(self._wire(chunk)):
                        yield StreamPart(text=text)
                    chunk = await anext(chunks, None)
            finally:
                await _end(chunks, replies)
            yield StreamPart(text="", completion=assembly.completion())

    def _wire(self, chunk: types.GenerateContentResponse) -> WireReply:
        said = chunk.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"}, warnings=False
        )
        return parse(self._endpoint, WireReply, said, bill=WireBill)


async def _end(chunks: AsyncIterator[object], replies: list[CappedStream]) -> None:
    """Give the connection back, also when the stream was left: the SDK closes it only where it ends."""
    for reply in replies:
        reply.stop()
    with suppress(Exception):  # what is said from here on is nobody's
        async for _ in chunks:
            pass


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def body_of(request: ChatRequest) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Contents and config; the system rules are constant and come first."""
    options = request.options
    config: dict[str, Any] = {"automatic_function_calling": {"disable": True}}
    if system := "\n\n".join(m.content for m in request.messages if m.role == "system"):
        config["system_instruction"] = system
    given = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_output_tokens": options.max_tokens,
        "seed": options.seed,
        "stop_sequences": list(options.stop) if options.stop else None,
    }
    config |= {name: value for name, value in given.items() if value is not None}
    if options.reasoning_effort == "none":
        config["thinking_config"] = {"thinking_budget": 0}
    elif options.reasoning_effort is not None:
        config["thinking_config"] = {"thinking_level": options.reasoning_effort.upper()}
    if request.tools:
        config["tools"] = [
            {
                "function_declarations": [
                    {
                        "name": t.name,
                        "description": t.description,
                        "parameters_json_schema": dict(t.parameters),
                    }
                    for t in request.tools
                ]
            }
        ]
        config["tool_config"] = {"function_calling_config": _choice(request.tool_choice)}
    if request.output is not None:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = closed(request.output.schema)
    return _contents(tuple(m for m in request.messages if m.role != "system")), config


def _choice(choice: str) -> dict[str, Any]:
    named = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
    return {"mode": named[choice]} if choice in named else {"mode": "ANY", "allowed_function_names": [choice]}


def _contents(messages: tuple[ChatMessage, ...]) -> list[dict[str, Any]]:
    """Consecutive messages of one side become one, as the protocol wants answers of several tools."""
    merged: list[dict[str, Any]] = []
    for message in messages:
        role = "model" if message.role == "assistant" else "user"
        parts = _parts(message)
        if merged and merged[-1]["role"] == role:
            merged[-1]["parts"] += parts
        else:
            merged.append({"role": role, "parts": parts})
    return merged


def _parts(message: ChatMessage) -> list[dict[str, Any]]:
    if message.role == "tool":
        answer = {
            "id": message.tool_call_id,
            "name": message.tool_name,
            "response": {"output": message.content},
        }
        return [{"function_response": answer}]
    parts: list[dict[str, Any]] = [{"text": message.content}] if message.content else []
    for call in message.tool_calls:
        part: dict[str, Any] = {"function_call": {"id": call.id, "name": call.name, "args": _arguments(call)}}
        if call.signature:
            part["thought_signature"] = base64.b64decode(call.signature)
        parts.append(part)
    return parts


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        parsed = json.loads(call.arguments)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


@dataclass
class Assembly:
    """Puts the chunks of an answer together; a whole answer is one chunk."""

    endpoint: Endpoint
    request_id: str = ""
    _text: list[str] = field(default_factory=list)
    _calls: list[ToolCall] = field(default_factory=list)
    _reason: str | None = None
    _blocked: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(calls=1))

    def take(self, chunk: WireReply) -> str:
        """Add a chunk; its text."""
        if chunk.usage_metadata is not None:
            self.usage = chunk.spent()
        if chunk.prompt_feedback is not None:
            self._blocked = chunk.prompt_feedback.block_reason or self._blocked
        if not chunk.candidates:
            return ""
        candidate = chunk.candidates[0]
        self._reason = candidate.finish_reason or self._reason
        parts = (candidate.content.parts if candidate.content else None) or []
        text = "".join(part.text for part in parts if part.text and not part.thought)
        self._text.append(text)
        for part in parts:
            if part.function_call:
                self._calls.append(self._call(part, part.function_call))
        return text

    def _call(self, part: WirePart, call: WireFunctionCall) -> ToolCall:
        return ToolCall(
            id=call.id or f"call_{len(self._calls) + 1}",
            name=call.name,
            arguments=json.dumps(call.args or {}),
            signature=part.thought_signature or "",
        )

    def completion(self) -> Completion:
        """The whole answer. ContentRefused or BrokenReply when it is none."""
        model, reason = self.endpoint.model, self._reason
        billed: dict[str, Any] = {
            "model": model,
            "request_id": self.request_id,
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
        }
        if any(not call.name for call in self._calls):
            raise BrokenReply(f"{model}: a tool call without a name", **billed)
        if self._blocked:
            raise ContentRefused(f"{model} refuses the prompt", **billed)
        if reason is None:
            raise BrokenReply(f"{model}: the answer ended before its end", **billed)
        if reason in _REFUSED:
            raise ContentRefused(f"{model} refuses to answer this ({reason})", **billed)
        if reason not in _FINISHED:  # MALFORMED_FUNCTION_CALL, OTHER: asking again may help
            raise BrokenReply(f"{model}: the answer ended for an unknown reason", **billed)
        text = "".join(self._text)
        if not text and not self._calls and reason == "STOP":
            raise BrokenReply(f"{model}: the answer is empty", **billed)
        return Completion(
            text=text,
            model=model,
            finish_reason="tool_calls" if self._calls else _FINISHED[reason],
            tool_calls=tuple(self._calls),
            usage=self.usage,
            request_id=self.request_id,
        )
