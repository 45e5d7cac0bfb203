"""A conversation that another program holds, to be answered with memory, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hmlr.llm.records import ChatMessage, FinishReason, Options, OutputSchema, ToolCall, ToolSpec
from hmlr.records import BlockId, Hit, SessionId, TurnId, Usage


@dataclass(frozen=True, kw_only=True)
class RelayRequest:
    """The whole conversation so far, as its program tells it each time, and how it wants it answered."""

    messages: tuple[ChatMessage, ...]  # the last one is the user's, or a tool's
    speaker: str | None = None  # who wrote the user's last message; None: the owner
    metadata: Mapping[str, object] = field(default_factory=dict)  # kept with it
    model: str | None = None  # "provider:model"; None: the client's
    tools: tuple[ToolSpec, ...] = ()  # offered to the model; whoever asks runs them
    tool_choice: str = "auto"
    output: OutputSchema | None = None
    options: Options = field(default_factory=Options)
    session_id: SessionId | None = None  # None: from how the conversation begins
    idempotency_key: str | None = None  # None: from the conversation, the same for ten minutes


@dataclass(frozen=True, kw_only=True)
class RelayReply:
    """The answer, whole."""

    text: str
    tool_calls: tuple[ToolCall, ...]  # when there are any, the turn goes on with their results
    finish_reason: FinishReason
    model: str  # "provider:model" that answered, or "offline"
    usage: Usage  # of the answer alone, as its program expects
    total_usage: Usage  # memory's own model calls included
    turn_id: TurnId
    session_id: SessionId
    block_id: BlockId | None  # None when the turn goes on
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    degraded: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RelayPart:
    """A piece of it; the last one carries the whole reply."""

    text: str
    reply: RelayReply | None = None
