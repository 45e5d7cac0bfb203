"""OpenAI's chat-completion shape: every provider's answer in it, and messages read from it.

Source: the API reference of chat completions; checked against `openai.types.chat` by a test.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self
from uuid import uuid4

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from hmlr.errors import InvalidInput
from hmlr.llm.records import ChatMessage, Completion, FinishReason, Role, ToolCall
from hmlr.llm.structured import reasons_of


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FunctionShape(_Shape):
    """A function that the model calls; `arguments` is JSON as it wrote it."""

    name: str
    arguments: str


class ToolCallShape(_Shape):
    """A call of a tool."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionShape


class MessageShape(_Shape):
    """What the model said; `content` is None when it only calls tools."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    tool_calls: list[ToolCallShape] | None = None

    @model_serializer(mode="wrap")
    def _without_absent_calls(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The protocol leaves `tool_calls` out where there are none."""
        given: dict[str, Any] = handler(self)
        return {name: value for name, value in given.items() if name != "tool_calls" or value is not None}


class ChoiceShape(_Shape):
    """The answer; there is always one."""

    index: int = 0
    message: MessageShape
    logprobs: None = None
    finish_reason: FinishReason


class PromptTokensShape(_Shape):
    """Of the prompt's tokens, those that the provider had cached."""

    cached_tokens: int


class UsageShape(_Shape):
    """Tokens of all requests behind the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensShape


class ChatCompletion(_Shape):
    """An answer of any provider; `model_dump()` is the JSON of OpenAI's chat completions."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int  # seconds since 1970
    model: str  # "provider:model" that answered
    choices: list[ChoiceShape]
    usage: UsageShape

    @classmethod
    def of(cls, completion: Completion) -> Self:
        """One of our completions in this shape."""
        calls = [
            ToolCallShape(id=call.id, function=FunctionShape(name=call.name, arguments=call.arguments))
            for call in completion.tool_calls
        ]
        usage = completion.usage
        message = MessageShape(content=completion.text if completion.text or not calls else None)
        return cls(
            id=f"chatcmpl-{uuid4().hex}",
            created=int(time.time()),
            model=completion.model,
            choices=[
                ChoiceShape(
                    message=message.model_copy(update={"tool_calls": calls or None}),
                    finish_reason=completion.finish_reason,
                )
            ],
            usage=UsageShape(
                prompt_tokens=usage.input_tokens,
                completion_tokens=usage.output_tokens,
                total_tokens=usage.input_tokens + usage.output_tokens,
                prompt_tokens_details=PromptTokensShape(cached_tokens=usage.cached_tokens),
            ),
        )


class _TextPart(_Shape):
    type: Literal["text"]
    text: str


class _GivenMessage(_Shape):
    role: Role | Literal["developer"]
    content: str | list[_TextPart] | None = None
    tool_calls: list[ToolCallShape] | None = None
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


_GIVEN = TypeAdapter(list[_GivenMessage])


def messages_of(given: str | Sequence[ChatMessage | Mapping[str, Any]]) -> tuple[ChatMessage, ...]:
    """A prompt, or messages as records or in OpenAI's shape, as records. InvalidInput when they are none."""
    if isinstance(given, str):
        given = [ChatMessage(role="user", content=given)]
    mappings = [dict(each) for each in given if not isinstance(each, ChatMessage)]
    try:
        parsed = iter(_GIVEN.validate_python(mappings))
    except ValidationError as error:
        raise InvalidInput(f"these are no messages: {reasons_of(error)}") from error
    messages = [each if isinstance(each, ChatMessage) else _message(next(parsed)) for each in given]
    if not any(message.content.strip() or message.tool_calls for message in messages):
        raise InvalidInput("the prompt is empty")
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return tuple(_named(message, names) for message in messages)


def _message(given: _GivenMessage) -> ChatMessage:
    return ChatMessage(
        role="system" if given.role == "developer" else given.role,
        content=given.text,
        tool_calls=tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in given.tool_calls or ()
        ),
        tool_call_id=given.tool_call_id,
    )


def _named(message: ChatMessage, names: Mapping[str, str]) -> ChatMessage:
    """A tool's answer with the name of the tool, which some providers want and the shape lacks."""
    if message.role != "tool" or message.tool_name:
        return message
    return ChatMessage(
        role="tool",
        content=message.content,
        tool_call_id=message.tool_call_id,
        tool_name=names.get(message.tool_call_id, ""),
    )
