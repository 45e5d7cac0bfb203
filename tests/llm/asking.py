"""How the model tests ask: one gateway per question, through the same door as the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hmlr.llm.gateway import Gateway
from hmlr.llm.opening import open_gateway
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, StreamPart
from hmlr.llm.settings import LLMSettings

MODEL = "m1"


def question(text: str = "hello", **given: Any) -> ChatRequest:
    """A question of one message."""
    return ChatRequest(messages=(ChatMessage(role="user", content=text),), **given)


@asynccontextmanager
async def gateway(provider: str, settings: LLMSettings) -> AsyncIterator[Gateway]:
    """A gateway to the test model of a provider, closed at the end."""
    opened = open_gateway(f"{provider}:{MODEL}", settings)
    try:
        yield opened
    finally:
        await opened.aclose()


async def ask(provider: str, settings: LLMSettings, request: ChatRequest | None = None) -> Completion:
    """The whole answer."""
    async with gateway(provider, settings) as opened:
        return await opened.complete(request or question())


async def listen(
    provider: str, settings: LLMSettings, request: ChatRequest | None = None
) -> list[StreamPart]:
    """All parts of the streamed answer."""
    async with gateway(provider, settings) as opened:
        return [part async for part in opened.stream(request or question())]
