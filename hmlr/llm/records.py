"""What goes to a language model and what comes back, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hmlr.records import DayLimit, Usage

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A model's wish to run a tool; `arguments` is JSON as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str
    signature: str = ""  # opaque mark of the provider that has to come back with the call (Gemini)


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    """One message of a prompt."""

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()  # role assistant
    tool_call_id: str = ""  # role tool: which call this answers
    tool_name: str = ""  # role tool: the tool that was called


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """A tool as it is offered to a model; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class OutputSchema:
    """The JSON schema that the answer has to follow."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to answer; None leaves it to the provider. docs/llm.md says which provider lacks what."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None  # of the answer
    reasoning_effort: ReasoningEffort | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None  # the answer ends before the first of these
    timeout_s: float | None = None  # total, retries and fallbacks included


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """One question to a model. `task` and `user` label it in the ledger; they are never sent."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of an offered tool
    output: OutputSchema | None = None
    options: Options = field(default_factory=Options)
    task: str = ""
    user: str = ""
    day_limit: DayLimit = field(default_factory=DayLimit)  # of the user, beside that of the settings


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request that was sent, whatever came of it."""

    model: str  # "provider:model"
    waited_ms: float  # before it: back-off, rate limit
    duration_ms: float
    error: str = ""  # the error's class, empty when it succeeded
    status: int | None = None
    request_id: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A whole answer."""

    text: str
    model: str  # "provider:model" that answered
    finish_reason: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)  # of all attempts behind this answer
    request_id: str = ""
    attempts: tuple[Attempt, ...] = ()  # oldest first; the last one succeeded


@dataclass(frozen=True, kw_only=True)
class StreamPart:
    """A piece of an answer's text; the last part has no text of its own and carries the whole answer."""

    text: str
    completion: Completion | None = None
