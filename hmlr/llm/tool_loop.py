"""The tool loop: ask, run the tools that the model calls, tell it their answers, until it answers itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from hmlr.errors import ModelError, ModelTimeout, ToolLoopExceeded
from hmlr.llm.gateway import Gateway
from hmlr.llm.records import Attempt, ChatMessage, ChatRequest, Completion, StreamPart, ToolCall
from hmlr.llm.structured import costing
from hmlr.llm.tools import Toolbox
from hmlr.records import Usage


@dataclass
class Exchange:
    """One question on its way through rounds of tools; `request` grows by each round."""

    request: ChatRequest
    toolbox: Toolbox
    max_rounds: int
    deadline: float  # loop time, of all rounds together
    rounds: int = 0
    usage: Usage = field(default_factory=Usage)
    attempts: tuple[Attempt, ...] = ()
    calls: tuple[ToolCall, ...] = ()

    async def complete(self, gateway: Gateway) -> Completion:
        """The answer after all rounds: its usage and attempts are of all of them, its tool calls those run.

        Raises what the gateway raises, ToolLoopExceeded after `max_rounds`, ModelTimeout when tools take too
        long; each with the tokens of all calls.
        """
        with self._costed():
            while True:
                answer = await self._take(await gateway.complete(self._next()))
                if answer is not None:
                    return answer

    async def stream(self, gateway: Gateway) -> AsyncGenerator[StreamPart, None]:
        """The same in pieces. What a model says before it calls tools is streamed, too."""
        with self._costed():
            answer: Completion | None = None
            while answer is None:
                async with aclosing(gateway.stream(self._next())) as parts:
                    async for part in parts:
                        if part.completion is None:
                            yield part
                        else:
                            completion = part.completion
                answer = await self._take(completion)
            yield StreamPart(text="", completion=answer)

    def _next(self) -> ChatRequest:
        """The request of this round, with the time that is left."""
        left = self.deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise _uncounted(ModelTimeout("no answer within the deadline"))
        return replace(self.request, options=replace(self.request.options, timeout_s=left))

    async def _take(self, completion: Completion) -> Completion | None:
        """The whole answer if this completion is it; else None, after its tool calls have been answered."""
        self.usage += completion.usage
        self.attempts += completion.attempts
        if not completion.tool_calls or not self.request.tools:
            calls = self.calls or completion.tool_calls
            return replace(completion, usage=self.usage, attempts=self.attempts, tool_calls=calls)
        if self.rounds >= self.max_rounds:
            raise _uncounted(
                ToolLoopExceeded(
                    f"{completion.model}: still asks for tools after {self.rounds} rounds",
                    hint="Raise max_rounds, or say in the prompt when to stop",
                    model=completion.model,
                )
            )
        self.rounds += 1
        self.calls += completion.tool_calls
        asked = ChatMessage(role="assistant", content=completion.text, tool_calls=completion.tool_calls)
        answers = await self._answers(completion)
        self.request = replace(self.request, messages=(*self.request.messages, asked, *answers))
        return None

    async def _answers(self, completion: Completion) -> tuple[ChatMessage, ...]:
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.toolbox.answer(completion.tool_calls)
        except TimeoutError as error:
            names = ", ".join(sorted({call.name for call in completion.tool_calls}))
            late = ModelTimeout(f"the tools {names} took longer than the deadline", model=completion.model)
            raise _uncounted(late) from error

    @contextmanager
    def _costed(self) -> Iterator[None]:
        """Put what earlier rounds cost into an error's count."""
        try:
            yield
        except ModelError as error:
            costing(error, self.usage)
            raise


def _uncounted(error: ModelError) -> ModelError:
    """The error, raised between calls: it is behind no call of its own."""
    error.calls = 0
    return error
