"""How the toolkit's tests script llmock, and what they read from its journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from llmock.scenarios import Behavior, Reply, ToolCall
from llmock.testing import LLMockServer

ROOT = Path(__file__).parents[2]
PROVIDERS = ("openai", "anthropic", "gemini", "grok")


def script(server: LLMockServer, *behaviors: Behavior) -> None:
    """What the next requests get."""
    server.state.scenarios.add(*behaviors)


def says(*texts: str, finish: str | None = None) -> list[Reply]:
    """Answers in words, one each."""
    return [Reply(text=text, finish_reason=finish) for text in texts]


def calls(*named: tuple[str, dict[str, Any]], text: str | None = None) -> Reply:
    """An answer that calls tools."""
    return Reply(text=text, tool_calls=tuple(ToolCall(name, arguments) for name, arguments in named))


def bodies(server: LLMockServer) -> list[Any]:
    """The requests so far, as JSON."""
    return [record.body for record in server.state.journal.records(wait=2.0)]


def words(body: Any) -> list[str]:
    """The texts of an OpenAI request's messages."""
    return [message.get("content") or "" for message in body["messages"]]


def variables(server: LLMockServer) -> dict[str, str]:
    """The environment of a process whose only provider is OpenAI, which is llmock."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HMLR_", "COV_"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "test-key-0123456789",
        "OPENAI_BASE_URL": server.base_url("openai"),
    }
