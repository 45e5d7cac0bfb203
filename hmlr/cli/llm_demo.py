"""The walk through the toolkit that `llm demo` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from hmlr.cli.output import printable
from hmlr.cli.streams import emit
from hmlr.llm import AgentExecutor, Usage

if TYPE_CHECKING:
    from hmlr.llm import LLM


class City(BaseModel):
    """A city as `structured_complete` returns it."""

    name: str
    country: str
    population: Annotated[int, Field(ge=0, description="About how many people live there.")]


def add(first: int, second: int) -> int:
    """Add two whole numbers."""
    return first + second


async def show(llm: LLM) -> None:
    """One step after the other, and what all of it cost. Raises what the model raises."""
    emit(f"model: {llm.model}")
    spent = Usage()
    for step in (_complete, _structured, _tools, _stream):
        spent += await step(llm)
    emit(f"\nspent: {spent.calls} calls, {spent.input_tokens} tokens in, {spent.output_tokens} tokens out")


async def _complete(llm: LLM) -> Usage:
    answer = await llm.complete(_asked("complete", "Say hello in one short sentence."))
    emit(printable(answer.text))
    return answer.usage


async def _structured(llm: LLM) -> Usage:
    answer = await llm.structured(_asked("structured_complete", "Describe Oslo."), response_format=City)
    emit(printable(repr(answer.value)))
    return answer.completion.usage


async def _tools(llm: LLM) -> Usage:
    async with AgentExecutor(llm.model, tools=[add], settings=llm.settings) as agent:
        answer = await agent.execute(_asked("tools", "Use the tool to add 19 and 23."))
    for each in answer.tool_calls:
        emit(printable(f"(called {each.name} with {each.arguments})"))
    emit(printable(answer.text))
    return answer.usage


async def _stream(llm: LLM) -> Usage:
    spent = Usage()
    async for part in llm.stream(_asked("stream", "Count from one to five.")):
        emit(printable(part.text), end="")
        spent = part.completion.usage if part.completion else spent
    emit("")
    return spent


def _asked(feature: str, question: str) -> str:
    """The question, shown under the name of what it demonstrates."""
    emit(f"\n{feature}: {question}")
    return question
