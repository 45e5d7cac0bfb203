"""One call to models on its way, and the requests that it sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hmlr.errors import BrokenReply, ModelTimeout
from hmlr.llm.providers.base import Provider
from hmlr.llm.records import Attempt, ChatRequest, Completion, StreamPart
from hmlr.records import Usage

T = TypeVar("T")


@dataclass
class Call:
    """One call on its way: what was tried, and until when."""

    request: ChatRequest
    deadline: float  # loop time
    idle_since: float = field(default_factory=time.perf_counter)  # end of the attempt before
    attempts: list[Attempt] = field(default_factory=list)
    answer: Completion | None = None

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    @property
    def spent(self) -> Usage:
        """What all attempts cost."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    def answered(self, completion: Completion) -> Completion:
        """The answer with the cost of all attempts behind it."""
        self.answer = replace(completion, usage=self.spent, attempts=tuple(self.attempts))
        return self.answer


@dataclass
class Sending:
    """One request that is being sent."""

    provider: Provider
    deadline: float  # loop time
    usage: Usage = field(default_factory=lambda: Usage(calls=1))

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Await a step of it. ModelTimeout at the deadline, BrokenReply when a stream ends early."""
        model = self.provider.model
        try:
            async with asyncio.timeout_at(self.deadline):
                return await awaitable
        except TimeoutError as error:
            raise ModelTimeout(f"{model}: no whole answer within the deadline", model=model) from error
        except StopAsyncIteration as error:
            raise BrokenReply(f"{model}: the stream ended without its last part", model=model) from error


@dataclass(frozen=True)
class Opened:
    """A stream whose first part has come; `stack` closes it."""

    sending: Sending
    parts: AsyncIterator[StreamPart]
    first: StreamPart
    stack: AsyncExitStack
