"""Many prompts at once: bounded, in order, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, Unpack, cast, overload

from pydantic import BaseModel

from hmlr.errors import InvalidInput, ModelError
from hmlr.llm.asking import Asker, LLMOptions, question
from hmlr.llm.records import Completion

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")
OnError = Literal["raise", "continue", "skip"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class BatchResult(Generic[V]):
    """What came of one prompt: an answer or an error."""

    index: int  # of its prompt
    value: V | None = None  # the checked answer, with `response_format`
    completion: Completion | None = None
    error: ModelError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.error is None

    @property
    def text(self) -> str:
        """The answer's text; raises the error when there is none."""
        if self.completion is None:
            raise self.error or AssertionError("a result has an answer or an error")
        return self.completion.text


@overload
async def batch_complete(
    prompts: Iterable[str],
    *,
    response_format: type[M],
    model: str | None = None,
    concurrency: int = 10,
    on_error: OnError = "raise",
    progress: Progress | None = None,
    **options: Unpack[LLMOptions],
) -> list[BatchResult[M]]: ...
@overload
async def batch_complete(
    prompts: Iterable[str],
    *,
    response_format: None = None,
    model: str | None = None,
    concurrency: int = 10,
    on_error: OnError = "raise",
    progress: Progress | None = None,
    **options: Unpack[LLMOptions],
) -> list[BatchResult[None]]: ...
async def batch_complete(
    prompts: Iterable[str],
    *,
    response_format: type[M] | None = None,
    model: str | None = None,
    concurrency: int = 10,
    on_error: OnError = "raise",
    progress: Progress | None = None,
    **options: Unpack[LLMOptions],
) -> list[BatchResult[M]] | list[BatchResult[None]]:
    """Answer each prompt by itself, at most `concurrency` at a time; results in the prompts' order.

    A prompt that fails ends the batch with its error and cancels the rest ("raise"), has the error in its
    place ("continue"), or has none ("skip"). `progress(done, total)` is called after each prompt. Options
    are those of `LLM`. InvalidInput before anything is sent when an argument can't be.
    """
    asked = [question(prompt) for prompt in prompts]
    if concurrency < 1:
        raise InvalidInput("concurrency has to be at least 1")
    if on_error not in ("raise", "continue", "skip"):
        raise InvalidInput(f"on_error takes raise, continue or skip, not {on_error!r}")
    asker = Asker(model, options)

    async def answer(index: int) -> BatchResult[M]:
        try:
            if response_format is None:
                return BatchResult(index=index, completion=await asker.complete((asked[index],), {}))
            found = await asker.structured((asked[index],), response_format, {})
            return BatchResult(index=index, value=found.value, completion=found.completion)
        except ModelError as error:
            if on_error == "raise":
                raise
            return BatchResult(index=index, error=error)

    try:
        results = await _together(answer, len(asked), concurrency, progress)
    finally:
        await asker.aclose()
    return [each for each in results if each.ok or on_error == "continue"]


async def _together(
    answer: Callable[[int], Awaitable[V]], total: int, concurrency: int, progress: Progress | None
) -> Sequence[V]:
    """Run `answer` for each index by so many workers; the first error cancels the rest and is raised."""
    results: list[V | None] = [None] * total
    waiting = iter(range(total))
    done = 0

    async def work() -> None:
        nonlocal done
        for index in waiting:
            results[index] = await answer(index)
            done += 1
            if progress is not None:
                progress(done, total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, total)):
                group.create_task(work())
    except ExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__
    return cast("list[V]", results)
