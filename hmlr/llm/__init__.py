"""The LLM toolkit: complete, structured, streaming, tools, executors, batches, over four providers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmlr.llm.asking import CallOptions
    from hmlr.llm.batch import BatchResult, batch_complete
    from hmlr.llm.conversation import LLM, complete, stream, structured_complete
    from hmlr.llm.executors import AgentExecutor, Executor, SimpleExecutor
    from hmlr.llm.records import Attempt, ChatMessage, Completion, Options, StreamPart, ToolCall
    from hmlr.llm.settings import LLMSettings, Price
    from hmlr.llm.structured import Structured
    from hmlr.llm.tools import Tool, tool
    from hmlr.records import Latency, Spending, Usage

# The toolkit's public door; imported when first used, so that no SDK and no HTTP client is loaded before.
_HOMES = {
    "LLM": "hmlr.llm.conversation",
    "AgentExecutor": "hmlr.llm.executors",
    "Attempt": "hmlr.llm.records",
    "BatchResult": "hmlr.llm.batch",
    "CallOptions": "hmlr.llm.asking",
    "ChatMessage": "hmlr.llm.records",
    "Completion": "hmlr.llm.records",
    "Executor": "hmlr.llm.executors",
    "LLMSettings": "hmlr.llm.settings",
    "Latency": "hmlr.records",
    "Options": "hmlr.llm.records",
    "Price": "hmlr.llm.settings",
    "SimpleExecutor": "hmlr.llm.executors",
    "Spending": "hmlr.records",
    "StreamPart": "hmlr.llm.records",
    "Structured": "hmlr.llm.structured",
    "Tool": "hmlr.llm.tools",
    "ToolCall": "hmlr.llm.records",
    "Usage": "hmlr.records",
    "batch_complete": "hmlr.llm.batch",
    "complete": "hmlr.llm.conversation",
    "stream": "hmlr.llm.conversation",
    "structured_complete": "hmlr.llm.conversation",
    "tool": "hmlr.llm.tools",
}
__all__ = [
    "LLM",
    "AgentExecutor",
    "Attempt",
    "BatchResult",
    "CallOptions",
    "ChatMessage",
    "Completion",
    "Executor",
    "LLMSettings",
    "Latency",
    "Options",
    "Price",
    "SimpleExecutor",
    "Spending",
    "StreamPart",
    "Structured",
    "Tool",
    "ToolCall",
    "Usage",
    "batch_complete",
    "complete",
    "stream",
    "structured_complete",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hmlr.llm' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
