"""What can go wrong, split by what you can do about it."""

import asyncio

from hmlr.errors import ConfigurationError, InvalidInput, ModelError, ModelTimeout, TryLater
from hmlr.llm import LLM


async def ask(prompt: str, timeout_s: float) -> str:
    try:
        async with LLM() as llm:
            answer = await llm.complete(prompt, timeout_s=timeout_s)
    except ModelTimeout as error:
        return f"no answer in time: {error}"
    except ConfigurationError as error:  # no key, a wrong key, no such model
        return f"mend the settings: {error}"
    except InvalidInput as error:  # too long, refused, or empty
        return f"mend the prompt: {error}"
    except TryLater as error:  # rate limit, overload, no connection; all retries are behind it
        calls = error.calls if isinstance(error, ModelError) else 0
        return f"try later, {calls} calls failed: {error}"
    retried = [f"{attempt.error} {attempt.status}" for attempt in answer.attempts if attempt.error]
    return f"{answer.text} (retried after: {', '.join(retried) or 'nothing'})"


async def main() -> None:
    print(await ask("Say hello.", timeout_s=30))
    print(await ask("", timeout_s=30))
    print(await ask("Say hello.", timeout_s=0.001))


asyncio.run(main())
