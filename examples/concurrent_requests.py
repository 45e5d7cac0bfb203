"""Many calls at once over one connection pool, without a thread; and several models side by side."""

import asyncio
import time

from hmlr.llm import LLM, LLMSettings, SimpleExecutor


async def main() -> None:
    async with SimpleExecutor() as executor:  # each query by itself
        begun = time.perf_counter()
        answers = await asyncio.gather(*(executor.execute(f"Say the number {n}.") for n in range(20)))
        print(f"{len(answers)} answers in {time.perf_counter() - begun:.2f} s")

    # One conversation may be asked concurrently, too: each call sees what was there when it began.
    settings = LLMSettings.load(max_connections=10, requests_per_minute=600)
    async with LLM(settings=settings) as llm:
        first, second = await asyncio.gather(llm.complete("Name a river."), llm.complete("Name a mountain."))
        print(first.text)
        print(second.text)
        print(f"{len(llm.history)} messages in the history")


asyncio.run(main())
