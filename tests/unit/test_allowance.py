"""What a garden run may spend: checked before a call, reserved while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_grouping.task import FACT_GROUPING
from hmlr.errors import BudgetExceeded, ConfigurationError
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.memory.gardener.allowance import Allowance, AllowedRunner
from hmlr.records import Usage
from hmlr.testing import ScriptedModel
from tests.unit.task_scripts import INPUTS, SCRIPTS

GIVEN = INPUTS["fact_grouping"]


class Paid(ScriptedModel):
    """A model whose calls take 400 tokens and cost half a dollar."""

    running = most = 0

    async def complete(self, request: ModelRequest) -> ModelResponse:
        self.running += 1
        self.most = max(self.most, self.running)
        response = await super().complete(request)
        self.running -= 1
        usage = Usage(calls=1, input_tokens=300, output_tokens=100, cost_usd=0.5)
        return replace(response, usage=usage)


def paid() -> Paid:
    return Paid({"fact_grouping": SCRIPTS["fact_grouping"].good}, delay_s=0.01)


def priced(usage: Usage) -> Usage:
    return replace(usage, cost_usd=0.5)


async def ask(allowance: Allowance, model: ScriptedModel, count: int) -> list[BaseException]:
    """So many calls at once; those that were refused."""
    runner = AllowedRunner(TaskRunner(model), allowance)
    ended = await asyncio.gather(
        *(runner.run(FACT_GROUPING, GIVEN) for _ in range(count)), return_exceptions=True
    )
    return [each for each in ended if isinstance(each, BaseException)]


async def test_calls_at_once_are_bounded_and_counted() -> None:
    model, allowance = paid(), Allowance(calls_at_once=3)
    assert await ask(allowance, model, 10) == []
    assert model.most == 3
    assert allowance.spent == Usage(calls=10, input_tokens=3000, output_tokens=1000, cost_usd=5.0)


async def test_money_is_never_spent_beyond_the_limit() -> None:
    model, allowance = paid(), Allowance(usd=1.6, priced=priced)
    refused = await ask(allowance, model, 10)
    assert len(model.requests) == 3
    assert [type(each) for each in refused] == [BudgetExceeded] * 7
    assert allowance.spent.cost_usd == 1.5


async def test_tokens_are_refused_before_a_call_that_would_pass_the_limit() -> None:
    model, allowance = paid(), Allowance(tokens=10)
    (refused,) = await ask(allowance, model, 1)
    assert "10 tokens" in str(refused)
    assert model.requests == []


async def test_a_limit_of_money_needs_a_price() -> None:
    (refused,) = await ask(Allowance(usd=1.0), paid(), 1)
    assert isinstance(refused, ConfigurationError)


async def test_a_call_that_fails_gives_back_what_was_set_aside() -> None:
    model, allowance = ScriptedModel({"fact_grouping": RuntimeError("bug")}), Allowance(tokens=5000)
    for _ in range(5):
        (failed,) = await ask(allowance, model, 1)
        assert isinstance(failed, RuntimeError)
    assert allowance.spent == Usage()
    assert len(model.requests) == 5
