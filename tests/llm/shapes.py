"""What the four providers say, made with the SDKs' own types; xAI has none: its shape is nearly OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from anthropic.types import Message, TextBlock, ToolUseBlock
from anthropic.types import Usage as AnthropicUsage
from google.genai import types as genai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

Finish = Literal["stop", "length", "tool_calls", "refused"]
TOKENS = (7, 3)


@dataclass(frozen=True)
class Call:
    """A tool call as the model makes it."""

    name: str
    arguments: Mapping[str, Any]
    id: str = "call_1"


class Shape(Protocol):
    """How one provider answers."""

    request_id_header: str

    def reply(
        self,
        text: str | None = "ok",
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> bytes:
        """A whole answer."""

    def events(
        self,
        texts: Sequence[str] = ("o", "k"),
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> list[bytes]:
        """The events of a streamed answer; each begins a new line."""

    def error(self, status: int, message: str = "no", *, code: str = "") -> bytes:
        """An error's body."""

    def error_event(self, kind: str, message: str = "no") -> bytes:
        """An error within a stream."""


def sse(data: object, event: str = "") -> bytes:
    """One server-sent event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


class OpenAIShape:
    """Chat completions."""

    request_id_header = "x-request-id"
    _finish: ClassVar = {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "refused": "content_filter",
    }

    def usage(self, tokens: tuple[int, int]) -> dict[str, Any]:
        return CompletionUsage(
            prompt_tokens=tokens[0], completion_tokens=tokens[1], total_tokens=sum(tokens)
        ).model_dump(exclude_none=True)

    def reply(
        self,
        text: str | None = "ok",
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if calls:
            message["tool_calls"] = [self._call(call) for call in calls]
        choice = {"index": 0, "finish_reason": self._finish[finish], "message": message, "logprobs": None}
        whole = ChatCompletion.model_validate(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "usage": self.usage(tokens),
            }
        )
        return self._dumped(whole.model_dump(mode="json"), tokens)

    def _dumped(self, whole: dict[str, Any], tokens: tuple[int, int]) -> bytes:
        whole["usage"] = self.usage(tokens)
        return json.dumps(whole).encode()

    def _call(self, call: Call) -> dict[str, Any]:
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        return {"id": call.id, "type": "function", "function": function}

    def events(
        self,
        texts: Sequence[str] = ("o", "k"),
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text} for text in texts]
        for index, call in enumerate(calls):
            wire = self._call(call)
            arguments = wire["function"].pop("arguments")
            deltas.append({"tool_calls": [{"index": index, **wire}]})
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
                for piece in (arguments[:3], arguments[3:])
            ]
        chunks = [self._chunk(delta) for delta in deltas]
        chunks.append(self._chunk({}, self._finish[finish]))
        last = {**self._chunk({}), "choices": [], "usage": self.usage(tokens)}
        return [*(sse(chunk) for chunk in (*chunks, last)), sse("[DONE]")]

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        return ChatCompletionChunk.model_validate(chunk).model_dump(mode="json", exclude_unset=True)

    def error(self, status: int, message: str = "no", *, code: str = "") -> bytes:
        body = {"message": message, "type": "invalid_request_error", "param": None, "code": code or None}
        return json.dumps({"error": body}).encode()

    def error_event(self, kind: str, message: str = "no") -> bytes:
        codes = {"overload": "server_error", "rate": "rate_limit_exceeded"}
        return sse({"error": {"message": message, "type": codes[kind], "code": codes[kind]}})


class GrokShape(OpenAIShape):
    """Reasoning stands beside the completion's tokens; errors are a sentence."""

    def usage(self, tokens: tuple[int, int]) -> dict[str, Any]:
        reasoning = tokens[1] // 2
        return {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1] - reasoning,
            "total_tokens": sum(tokens),
            "prompt_tokens_details": {"text_tokens": tokens[0], "cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }

    def error(self, status: int, message: str = "no", *, code: str = "") -> bytes:
        return json.dumps({"code": code or "Client specified an invalid argument", "error": message}).encode()


class AnthropicShape:
    """Messages."""

    request_id_header = "request-id"
    _finish: ClassVar = {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "refused": "refusal",
    }
    _kinds: ClassVar = {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        500: "api_error",
        504: "timeout_error",
        529: "overloaded_error",
    }

    def reply(
        self,
        text: str | None = "ok",
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> bytes:
        content: list[Any] = [] if text is None else [TextBlock(type="text", text=text)]
        content += [
            ToolUseBlock(type="tool_use", id=call.id, name=call.name, input=dict(call.arguments))
            for call in calls
        ]
        message = self._message(content, finish, tokens)
        return message.model_dump_json(exclude_unset=True).encode()

    def _message(self, content: list[Any], finish: Finish | None, tokens: tuple[int, int]) -> Message:
        return Message(
            id="msg_1",
            type="message",
            role="assistant",
            model="m",
            content=content,
            stop_reason=self._finish[finish] if finish else None,  # type: ignore[arg-type]
            stop_sequence=None,
            usage=AnthropicUsage(input_tokens=tokens[0], output_tokens=tokens[1]),
        )

    def events(
        self,
        texts: Sequence[str] = ("o", "k"),
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> list[bytes]:
        start = self._message([], None, (tokens[0], 0)).model_dump(mode="json", exclude_unset=True)
        sent: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if texts:
            deltas = [{"type": "text_delta", "text": text} for text in texts]
            blocks.append(({"type": "text", "text": ""}, deltas))
        for call in calls:
            arguments = json.dumps(call.arguments)
            pieces = [
                {"type": "input_json_delta", "partial_json": part} for part in (arguments[:3], arguments[3:])
            ]
            blocks.append(({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, pieces))
        for index, (block, deltas) in enumerate(blocks):
            sent.append({"type": "content_block_start", "index": index, "content_block": block})
            sent += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            sent.append({"type": "content_block_stop", "index": index})
        stop = {"stop_reason": self._finish[finish], "stop_sequence": None}
        sent.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": tokens[1]}})
        sent.append({"type": "message_stop"})
        return [sse(event, event["type"]) for event in sent]

    def error(self, status: int, message: str = "no", *, code: str = "") -> bytes:
        kind = code or self._kinds.get(status, "api_error")
        return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()

    def error_event(self, kind: str, message: str = "no") -> bytes:
        codes = {"overload": "overloaded_error", "rate": "rate_limit_error"}
        return sse({"type": "error", "error": {"type": codes[kind], "message": message}}, "error")


class GeminiShape:
    """generateContent."""

    request_id_header = "x-goog-request-id"
    _finish: ClassVar = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "refused": "SAFETY"}
    _statuses: ClassVar = {
        400: "INVALID_ARGUMENT",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }

    def _chunk(
        self,
        parts: list[dict[str, Any]],
        finish: Finish | None = None,
        tokens: tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = self._finish[finish]
        chunk: dict[str, Any] = {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}
        if tokens:
            thoughts = tokens[1] // 2
            chunk["usageMetadata"] = {
                "promptTokenCount": tokens[0],
                "candidatesTokenCount": tokens[1] - thoughts,
                "thoughtsTokenCount": thoughts,
                "totalTokenCount": sum(tokens),
            }
        whole = genai.GenerateContentResponse.model_validate(chunk)
        return whole.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def _call(self, call: Call) -> dict[str, Any]:
        return {"functionCall": {"name": call.name, "args": dict(call.arguments)}}

    def reply(
        self,
        text: str | None = "ok",
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> bytes:
        parts: list[dict[str, Any]] = [] if text is None else [{"text": text}]
        parts += [self._call(call) for call in calls]
        return json.dumps(self._chunk(parts, finish, tokens)).encode()

    def events(
        self,
        texts: Sequence[str] = ("o", "k"),
        *,
        finish: Finish = "stop",
        tokens: tuple[int, int] = TOKENS,
        calls: Sequence[Call] = (),
    ) -> list[bytes]:
        chunks = [self._chunk([{"text": text}]) for text in texts]
        chunks += [self._chunk([self._call(call)]) for call in calls]
        chunks.append(self._chunk([{"text": ""}], finish, tokens))
        return [sse(chunk) for chunk in chunks]

    def error(self, status: int, message: str = "no", *, code: str = "") -> bytes:
        body: dict[str, Any] = {
            "code": status,
            "message": message,
            "status": self._statuses.get(status, "UNKNOWN"),
        }
        if code:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code}
            body["details"] = [{**info, "domain": "googleapis.com"}]
        return json.dumps({"error": body}).encode()

    def error_event(self, kind: str, message: str = "no") -> bytes:
        return sse(json.loads(self.error({"overload": 503, "rate": 429}[kind], message)))


SHAPES: Mapping[str, Shape] = {
    "openai": OpenAIShape(),
    "anthropic": AnthropicShape(),
    "gemini": GeminiShape(),
    "grok": GrokShape(),
}
PROVIDERS = tuple(SHAPES)
