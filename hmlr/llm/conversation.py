"""`LLM`, a conversation with a model; and `complete` and its kin, which open one for a single question."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar, Unpack

from pydantic import BaseModel

from hmlr.llm.asking import Asker, CallOptions, LLMOptions, question
from hmlr.llm.records import ChatMessage, Completion, StreamPart
from hmlr.llm.settings import LLMSettings
from hmlr.llm.structured import Structured
from hmlr.records import Latency, Spending, Usage

M = TypeVar("M", bound=BaseModel)


class LLM:
    """A conversation with a language model; use it as an async context manager.

    `model` is "provider:model"; None takes the first provider that has a key. Options: `system`, the rules;
    `tools`, functions that the model may call, for at most `max_rounds` rounds per question; `settings`,
    read from the environment when not given; `base_url` and `api_key` for OpenAI-compatible servers, most
    of which need no key; and those of a call, for all calls that don't give their own. Raises
    ConfigurationError here for a model without a key, and from calls ModelError of the kind that fits. For
    one event loop, where it is safe for concurrent calls.
    """

    def __init__(self, model: str | None = None, **options: Unpack[LLMOptions]) -> None:
        self._asker = Asker(model, options)
        self._history: tuple[ChatMessage, ...] = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def complete(self, prompt: str, **options: Unpack[CallOptions]) -> Completion:
        """The answer. With tools, its `tool_calls` are those that were run, its usage that of all rounds."""
        asked = question(prompt)
        answer = await self._asker.complete(self._messages(asked), options)
        self._keep(asked, answer)
        return answer

    async def structured(
        self, prompt: str, *, response_format: type[M], **options: Unpack[CallOptions]
    ) -> Structured[M]:
        """An answer as an instance of a pydantic model, with its cost. InvalidAnswer when it never fits."""
        asked = question(prompt)
        answer = await self._asker.structured(self._messages(asked), response_format, options)
        self._keep(asked, answer.completion)
        return answer

    async def structured_complete(
        self, prompt: str, *, response_format: type[M], **options: Unpack[CallOptions]
    ) -> M:
        """An answer as an instance of a pydantic model; `structured` also tells what it cost."""
        return (await self.structured(prompt, response_format=response_format, **options)).value

    async def stream(self, prompt: str, **options: Unpack[CallOptions]) -> AsyncGenerator[StreamPart, None]:
        """The answer in pieces; the last part carries the whole as `completion`.

        A stream that breaks raises: a cut answer is never a short one. What the model says before it calls
        tools is streamed, and is no part of `completion.text`.
        """
        asked = question(prompt)
        async with aclosing(self._asker.stream(self._messages(asked), options)) as parts:
            async for part in parts:
                if part.completion is not None:
                    self._keep(asked, part.completion)
                yield part

    @property
    def model(self) -> str:
        """The model that is asked first, "provider:model"."""
        return self._asker.model

    @property
    def settings(self) -> LLMSettings:
        """How it is asked."""
        return self._asker.settings

    @property
    def history(self) -> tuple[ChatMessage, ...]:
        """Questions and answers so far, without system rules and tools."""
        return self._history

    def reset(self) -> None:
        """Begin the conversation anew; usage and connections stay."""
        self._history = ()

    @property
    def usage(self) -> Usage:
        """What was spent so far, failed calls included."""
        return self._asker.gateway.ledger.spent

    @property
    def ledger(self) -> tuple[Spending, ...]:
        """What was spent, by task, user and model."""
        return self._asker.gateway.ledger.entries()

    def latencies(self) -> tuple[Latency, ...]:
        """How long calls took, by task and model."""
        return self._asker.gateway.metrics.latencies()

    async def aclose(self) -> None:
        """Close the connections. Safe to repeat; later calls raise ClosedError."""
        await self._asker.aclose()

    def _messages(self, asked: ChatMessage) -> tuple[ChatMessage, ...]:
        """The prompt: a snapshot of the conversation, so that concurrent calls don't mix."""
        return (*self._history, asked)

    def _keep(self, asked: ChatMessage, answer: Completion) -> None:
        """Add a question with its answer; providers refuse an empty one, so that none is kept."""
        if answer.text:
            self._history += (asked, ChatMessage(role="assistant", content=answer.text))


async def complete(prompt: str, *, model: str | None = None, **options: Unpack[LLMOptions]) -> Completion:
    """Ask one question; options are those of `LLM`."""
    async with LLM(model, **options) as llm:
        return await llm.complete(prompt)


async def structured_complete(
    prompt: str, *, response_format: type[M], model: str | None = None, **options: Unpack[LLMOptions]
) -> M:
    """Ask one question and get an instance of a pydantic model; options are those of `LLM`."""
    async with LLM(model, **options) as llm:
        return await llm.structured_complete(prompt, response_format=response_format)


async def stream(
    prompt: str, *, model: str | None = None, **options: Unpack[LLMOptions]
) -> AsyncGenerator[StreamPart, None]:
    """Ask one question and get the answer in pieces; options are those of `LLM`."""
    async with LLM(model, **options) as llm, aclosing(llm.stream(prompt)) as parts:
        async for part in parts:
            yield part
