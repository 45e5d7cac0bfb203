"""Show words as they come. A stream that breaks raises: a cut answer is never a short one."""

import asyncio

from hmlr.errors import ModelError
from hmlr.llm import LLM


async def main() -> None:
    async with LLM() as llm:
        try:
            async for part in llm.stream("Tell a story in three sentences."):
                print(part.text, end="", flush=True)
                if part.completion is not None:  # the last part
                    print(
                        f"\n[{part.completion.usage.output_tokens} tokens, {part.completion.finish_reason}]"
                    )
        except ModelError as error:
            print(f"\n[the answer broke off: {error}]")


asyncio.run(main())
