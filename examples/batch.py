"""Answer many prompts, a few at a time, in order; errors in their place."""

import asyncio

from hmlr.llm import batch_complete

WORDS = ["lattice", "dossier", "gardener", "scribe", "governor", "chunk"]


async def main() -> None:
    results = await batch_complete(
        [f"Define {word} in five words." for word in WORDS],
        concurrency=3,
        on_error="continue",  # or "raise", which ends the batch, or "skip"
        progress=lambda done, total: print(f"{done}/{total}"),
    )
    for word, result in zip(WORDS, results, strict=True):
        print(f"{word}: {result.text if result.ok else result.error}")


asyncio.run(main())
