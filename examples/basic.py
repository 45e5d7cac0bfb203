"""Ask a question, go on with the conversation, see what it cost."""

import asyncio

from hmlr.llm import LLM


async def main() -> None:
    async with LLM(system="Answer in one sentence.") as llm:  # the first provider with a key
        print(f"model: {llm.model}")
        answer = await llm.complete("What is a bridge block in a lattice?")
        print(answer.text)

        answer = await llm.complete("And in other words?")  # it remembers the question before
        print(answer.text)

        usage = llm.usage
        print(f"{usage.calls} calls, {usage.input_tokens} tokens in, {usage.output_tokens} tokens out")


asyncio.run(main())
