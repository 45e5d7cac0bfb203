"""Let a model call functions: plain ones, asynchronous ones, with pydantic parameters."""

import asyncio
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hmlr.llm import LLM, tool


class Place(BaseModel):
    city: str
    country: str = "Norway"


async def get_weather(place: Place, unit: Literal["C", "F"] = "C") -> str:
    """Get the current weather of a place."""
    await asyncio.sleep(0.01)  # a request to a weather service
    return f"21 degrees {unit} in {place.city}, {place.country}"


@tool(name="to_fahrenheit")
def convert(degrees: Annotated[float, Field(description="In Celsius.")]) -> float:
    """Convert a temperature."""  # runs in a worker thread, so it may take its time
    return degrees * 9 / 5 + 32


async def main() -> None:
    async with LLM(tools=[get_weather, convert], max_rounds=5) as llm:
        answer = await llm.complete("What is the weather in Oslo, in Fahrenheit?")
        for call in answer.tool_calls:
            print(f"called {call.name} with {call.arguments}")
        print(answer.text)
        print(f"{answer.usage.calls} calls of the model")


asyncio.run(main())
