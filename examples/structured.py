"""Get an instance of a pydantic model instead of text."""

import asyncio

from pydantic import BaseModel, Field

from hmlr.llm import LLM, structured_complete


class City(BaseModel):
    name: str
    country: str
    population: int = Field(ge=0)


class Cities(BaseModel):
    cities: list[City]


async def main() -> None:
    city = await structured_complete("Describe Oslo.", response_format=City)
    print(repr(city))

    async with LLM() as llm:
        answer = await llm.structured("Name three cities on the sea.", response_format=Cities)
        print(", ".join(each.name for each in answer.value.cities))
        print(f"{answer.completion.usage.calls} calls, repairs included")


asyncio.run(main())
