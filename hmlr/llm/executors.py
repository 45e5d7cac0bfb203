"""Executors: what turns a query into an answer, whatever is behind it. Write your own from `Executor`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self, Unpack, cast

from hmlr.llm.asking import MAX_ROUNDS, Asker, LLMOptions, ModelOptions, Tools, question
from hmlr.llm.records import Completion


class Executor(ABC):
    """Answers queries, each by itself. An async context manager; concurrent queries are allowed.

    `execute` raises HMLRError only, and leaves nothing behind when it is cancelled.
    """

    @abstractmethod
    async def execute(self, query: str) -> Completion:
        """The answer to one query."""

    async def aclose(self) -> None:  # noqa: B027 - an executor that holds nothing has nothing to close
        """Close what it holds. Safe to repeat."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class SimpleExecutor(Executor):
    """One question to a model per query, without memory; arguments are those of `LLM`."""

    def __init__(self, model: str | None = None, **options: Unpack[ModelOptions]) -> None:
        self._asker = Asker(model, cast("LLMOptions", options))

    @property
    def model(self) -> str:
        """The model that is asked first, "provider:model"."""
        return self._asker.model

    async def execute(self, query: str) -> Completion:
        """The model's answer."""
        return await self._asker.complete((question(query),), {})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._asker.aclose()


class AgentExecutor(SimpleExecutor):
    """A model with tools, called in rounds until it answers; ToolLoopExceeded after `max_rounds`."""

    def __init__(
        self,
        model: str | None = None,
        *,
        tools: Tools,
        max_rounds: int = MAX_ROUNDS,
        **options: Unpack[ModelOptions],
    ) -> None:
        self._asker = Asker(model, {**options, "tools": tools, "max_rounds": max_rounds})
