"""What a garden run may spend: calls at a time, tokens and money; and what it is expected to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hmlr.core.tasks.base import Answer, In, Out, Task, TaskRunner
from hmlr.errors import BudgetExceeded, ConfigurationError
from hmlr.llm.ledger import CHARS_PER_TOKEN, EXPECTED_OUTPUT_TOKENS
from hmlr.records import Usage

Priced = Callable[[Usage], Usage | None]  # with what it costs; None when the price is not known


@dataclass
class Allowance:
    """Shared by all that a run does. For one event loop."""

    tokens: int | None = None  # hard limits; None is none
    usd: float | None = None
    calls_at_once: int = 8
    priced: Priced = lambda usage: None
    spent: Usage = field(default_factory=Usage)
    _reserved: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.calls_at_once)

    def reserve(self, expected: Usage) -> Usage:
        """Set aside what a call may take. BudgetExceeded when it does not fit: nothing is sent then."""
        cost = self._cost(expected)
        wanted = Usage(
            input_tokens=expected.input_tokens, output_tokens=expected.output_tokens, cost_usd=cost
        )
        total = self.spent + self._reserved + wanted
        if self.tokens is not None and total.input_tokens + total.output_tokens > self.tokens:
            raise BudgetExceeded(
                f"the budget of {self.tokens} tokens for this run is used up", hint="The rest stays pending"
            )
        if self.usd is not None and total.cost_usd > self.usd:
            raise BudgetExceeded(
                f"the budget of ${self.usd:.2f} for this run is used up", hint="The rest stays pending"
            )
        self._reserved += wanted
        return wanted

    def settle(self, reserved: Usage, used: Usage) -> None:
        """Put what a call took in the place of what was set aside for it."""
        left = self._reserved
        self._reserved = Usage(
            input_tokens=left.input_tokens - reserved.input_tokens,
            output_tokens=left.output_tokens - reserved.output_tokens,
            cost_usd=left.cost_usd - reserved.cost_usd,
        )
        self.spent += used

    def _cost(self, expected: Usage) -> float:
        priced = self.priced(expected)
        if priced is None and self.usd is not None:
            raise ConfigurationError(
                "a budget in dollars needs the model's price", hint="Add it to the setting prices"
            )
        return priced.cost_usd if priced else 0.0


class AllowedRunner(TaskRunner):
    """Runs tasks within an allowance; rules run in a thread, since a block has many facts."""

    def __init__(self, runner: TaskRunner, allowance: Allowance) -> None:
        super().__init__(runner.model)
        self._allowance = allowance

    async def run(self, task: Task[In, Out], given: In, *, patient: bool = False) -> Answer[Out]:
        """See TaskRunner. BudgetExceeded before a call that does not fit, whether patient or not."""
        if self.model is None:
            return Answer(value=await asyncio.to_thread(task.offline, given), by="rule")
        async with self._allowance.places:
            reserved = self._allowance.reserve(await self._expected(task, given))
            used = Usage()
            try:
                answer = await super().run(task, given, patient=patient)
                used = answer.usage
            finally:
                self._allowance.settle(reserved, used)
        return answer

    async def _expected(self, task: Task[In, Out], given: In) -> Usage:
        request = await self._request(task, given)
        tokens = (len(request.system) + len(request.user)) // CHARS_PER_TOKEN
        return Usage(calls=1, input_tokens=tokens, output_tokens=EXPECTED_OUTPUT_TOKENS)


class EstimatingRunner(TaskRunner):
    """Answers by rule, and counts what the model would have been asked: nothing is sent."""

    def __init__(self, runner: TaskRunner) -> None:
        super().__init__(runner.model)
        self.calls: Counter[str] = Counter()
        self.expected = Usage()

    async def run(self, task: Task[In, Out], given: In, *, patient: bool = False) -> Answer[Out]:
        """The rule's answer."""
        value = await asyncio.to_thread(task.offline, given)
        if self.model is not None:
            request = await self._request(task, given)
            said = len(value.model_dump_json()) // CHARS_PER_TOKEN
            asked = (len(request.system) + len(request.user)) // CHARS_PER_TOKEN
            self.calls[task.name] += 1
            self.expected += Usage(calls=1, input_tokens=asked, output_tokens=said)
        return Answer(value=value, by="rule")
