"""Structured answers over HTTP: the provider's schema mode, repairs, cut lists, and what they cost."""

from __future__ import annotations

import json
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from llmock.scenarios import Reply
from llmock.testing import LLMockServer
from pydantic import BaseModel, Field

from hmlr.errors import BrokenReply, InvalidAnswer, InvalidInput, RequestRejected
from hmlr.llm import LLM, structured_complete
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, ok
from tests.llm.play import PROVIDERS, bodies, calls, says, script

MODEL = "openai:m1"
T = TypeVar("T")


class City(BaseModel):
    """A city."""

    name: str
    people: int = Field(ge=0)


class Cities(BaseModel):
    """Several."""

    cities: list[City]


class Page(BaseModel, Generic[T]):
    """A generic one."""

    items: list[T]


class Cat(BaseModel):
    """One way."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """Another way."""

    kind: Literal["dog"]
    name: str = "Rex"


class Owner(BaseModel):
    """What strict schema modes say in other words."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    second: Dog = Field(description="The other one.")
    pair: tuple[int, str]


class Free(BaseModel):
    """What no schema mode can ask for."""

    ages: dict[str, int]


OSLO = '{"name": "Oslo", "people": 700000}'


def schema_in(provider: str, body: dict[str, Any]) -> Any:
    """Where a request says how the answer has to look."""
    if provider == "anthropic":
        return body["output_config"]["format"]["schema"]
    if provider == "gemini":
        return body["generationConfig"]["responseJsonSchema"]
    return body["response_format"]["json_schema"]["schema"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_model_goes_in_and_an_instance_comes_out(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says(OSLO))
    async with LLM(f"{provider}:m1", settings=settings()) as llm:
        assert await llm.structured_complete("Oslo?", response_format=City) == City(
            name="Oslo", people=700000
        )
        assert [message.content for message in llm.history] == ["Oslo?", OSLO]
    assert set(schema_in(provider, bodies(llm_server)[0])["properties"]) == {"name", "people"}


async def test_wrong_twice_then_right(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says('{"name": "Oslo"}', '{"name": "Oslo", "people": -1}', OSLO))
    async with LLM(MODEL, settings=settings()) as llm:
        answer = await llm.structured("Oslo?", response_format=City)
        assert answer.completion.usage == llm.usage
    assert (answer.value.people, answer.completion.usage.calls) == (700000, 3)
    complaints = [body["messages"][-1]["content"] for body in bodies(llm_server)[1:]]
    assert "people: Field required" in complaints[0]
    assert "greater than or equal to 0" in complaints[1]


async def test_wrong_four_times_is_a_typed_error(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Reply(text="Oslo is nice.", times=None))
    async with LLM(MODEL, settings=settings()) as llm:
        with pytest.raises(InvalidAnswer) as caught:
            await llm.structured_complete("Oslo?", response_format=City)
        assert caught.value.calls == llm.usage.calls == 4
        assert caught.value.input_tokens == llm.usage.input_tokens
        assert llm.history == ()


async def test_a_cut_list_keeps_its_whole_items_and_goes_on(
    llm_server: LLMockServer, settings: Settings
) -> None:
    cut = '{"cities": [{"name": "A", "people": 1}, {"name": "B", "people": 2}, {"name": "C", "peo'
    rest = '{"cities": [{"name": "C", "people": 3}]}'
    script(llm_server, *says(cut, finish="length"), *says(rest))
    async with LLM(MODEL, settings=settings()) as llm:
        answer = await llm.structured("Cities?", response_format=Cities)
    assert [city.name for city in answer.value.cities] == ["A", "B", "C"]
    assert json.loads(answer.completion.text) == answer.value.model_dump()


async def test_a_cut_answer_without_a_whole_item_is_an_error(
    llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says('{"name": "Os', finish="length"))
    async with LLM(MODEL, settings=settings()) as llm:
        with pytest.raises(BrokenReply, match="max_tokens") as caught:
            await llm.structured_complete("Oslo?", response_format=City)
        assert caught.value.calls == llm.usage.calls == 1


async def test_tools_and_a_form_together(llm_server: LLMockServer, settings: Settings) -> None:
    def people(city: str) -> int:
        """Count."""
        return 700000

    script(llm_server, calls(("people", {"city": "Oslo"})), *says('{"name": "Oslo"}', OSLO))
    async with LLM(MODEL, settings=settings(), tools=[people]) as llm:
        answer = await llm.structured("Oslo?", response_format=City)
    assert (answer.value.people, answer.completion.usage.calls) == (700000, 3)
    roles = [message["role"] for message in bodies(llm_server)[2]["messages"]]
    assert roles == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]  # asked again, the round is still there


async def test_a_failed_repair_counts_all_calls(own: OwnServer, own_settings: Settings) -> None:
    own.script(ok, Answer(status=400))
    async with LLM(MODEL, settings=own_settings()) as llm:
        with pytest.raises(RequestRejected) as caught:
            await llm.structured_complete("Oslo?", response_format=City)
        assert (caught.value.calls, caught.value.input_tokens) == (2, llm.usage.input_tokens)


async def test_a_generic_model_has_an_acceptable_name(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says('{"items": [1]}'))
    page = await structured_complete("x", response_format=Page[int], model=MODEL, settings=settings())
    assert page.items == [1]
    assert bodies(llm_server)[0]["response_format"]["json_schema"]["name"] == "Page_int_"


@pytest.mark.parametrize("wrong", [dict, int, {"type": "object"}])
async def test_what_is_no_pydantic_model_is_refused(wrong: Any, settings: Settings) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        with pytest.raises(InvalidInput, match="pydantic"):
            await llm.structured_complete("x", response_format=wrong)


async def test_schemas_are_said_as_strict_modes_know_them(
    llm_server: LLMockServer, settings: Settings
) -> None:
    text = '{"pet": {"kind": "cat"}, "second": {"kind": "dog", "name": "Bo"}, "pair": [1, "a"]}'
    script(llm_server, *says(text))
    async with LLM(MODEL, settings=settings()) as llm:
        owner = await llm.structured_complete("x", response_format=Owner)
    assert (owner.pet, owner.second.name, owner.pair) == (Cat(kind="cat"), "Bo", (1, "a"))
    schema = schema_in("openai", bodies(llm_server)[0])
    cat, dog = {"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}
    assert schema["properties"] == {
        "pet": {"anyOf": [cat, dog]},
        "second": {"anyOf": [dog], "description": "The other one."},
        "pair": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
    }
    assert schema["required"] == ["pet", "second", "pair"]
    assert schema["$defs"]["Dog"]["required"] == ["kind", "name"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_mapping_is_refused_before_anything_is_sent(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    async with LLM(f"{provider}:m1", settings=settings()) as llm:
        with pytest.raises(InvalidInput, match="list of pairs"):
            await llm.structured_complete("x", response_format=Free)
        assert llm.usage.calls == 0
    assert bodies(llm_server) == []
