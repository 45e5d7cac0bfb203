"""Settings: arguments over environment over `.env` over defaults; several in one process."""

import asyncio

from hmlr.errors import BudgetExceeded, ConfigurationError
from hmlr.llm import LLM, LLMSettings, Price


async def main() -> None:
    try:
        LLMSettings.load(timeout_s="soon")
    except ConfigurationError as error:
        print(error)

    careful = LLMSettings.load(timeout_s=30, attempts=5, temperature=None, budget_tokens=1_000_000)
    model = careful.model_by_key()
    priced = LLMSettings.load(prices={model: Price(input_usd=0.25, output_usd=2.0)}, max_tokens=200)
    poor = LLMSettings.load(budget_tokens=1)

    async with LLM(model, settings=careful) as first, LLM(model, settings=priced, task="demo") as second:
        print((await first.complete("Say hello.")).text)
        await second.complete("Say hello.")
        for entry in second.ledger:
            print(f"{entry.task}: {entry.usage.calls} calls, ${entry.usage.cost_usd:.6f}")

    async with LLM(model, settings=poor) as third:
        try:
            await third.complete("Say hello.")
        except BudgetExceeded as error:
            print(error)


asyncio.run(main())
