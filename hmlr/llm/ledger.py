"""What model calls cost, by task, user and model, and the hard budget that is checked before each call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hmlr.errors import BudgetExceeded, ConfigurationError
from hmlr.llm.records import ChatRequest
from hmlr.llm.settings import Price
from hmlr.records import Spending, Usage

# English text has about four characters to a token; other scripts have fewer, so this guesses low for them.
CHARS_PER_TOKEN = 4
# What an answer is expected to take before any was seen, when the caller sets no limit.
EXPECTED_OUTPUT_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Hard limits; None is none."""

    tokens: int | None = None
    usd: float | None = None


def input_tokens(request: ChatRequest) -> int:
    """About how many tokens a prompt has."""
    return sum(len(message.content) for message in request.messages) // CHARS_PER_TOKEN


def expected_tokens(request: ChatRequest) -> int:
    """About how many tokens a request takes, its answer included."""
    return input_tokens(request) + (request.options.max_tokens or EXPECTED_OUTPUT_TOKENS)


class Ledger:
    """Counts what was spent, failed calls included. For one event loop."""

    def __init__(self, *, budget: Budget | None = None, prices: Mapping[str, Price] | None = None) -> None:
        self._budget = budget or Budget()
        self._prices = prices or {}
        self._sums: dict[tuple[str, str, str], Usage] = {}
        self._spent = Usage()
        self._reserved_tokens = 0
        self._reserved_usd = 0.0

    @property
    def spent(self) -> Usage:
        """Everything so far."""
        return self._spent

    def entries(self, *, user: str | None = None) -> tuple[Spending, ...]:
        """The sums, of one user or of all, sorted."""
        return tuple(
            Spending(task=task, user=owner, model=model, usage=usage)
            for (task, owner, model), usage in sorted(self._sums.items())
            if user is None or owner == user
        )

    def knows(self, model: str) -> bool:
        """Whether the settings have a price of the model."""
        return model in self._prices

    def priced(self, model: str, usage: Usage) -> Usage:
        """The usage with its cost by the settings' price of the model."""
        price = self._prices.get(model)
        if price is None:
            return usage
        cached = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
        fresh = usage.input_tokens - usage.cached_tokens
        cost = fresh * price.input_usd + usage.cached_tokens * cached + usage.output_tokens * price.output_usd
        return Usage(
            calls=usage.calls,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            cost_usd=cost / 1_000_000,
        )

    def add(self, request: ChatRequest, model: str, usage: Usage) -> None:
        """Count one request that was sent."""
        key = (request.task, request.user, model)
        self._sums[key] = self._sums.get(key, Usage()) + usage
        self._spent += usage

    @contextmanager
    def reserved(self, request: ChatRequest, model: str) -> Iterator[Usage]:
        """Hold what a call may cost while it runs, so that many at once can't overspend together.

        Gives what the request is expected to take.

        BudgetExceeded when it does not fit; ConfigurationError when money is limited and the price unknown.
        """
        expected = self._expected(request)
        tokens = expected.input_tokens + expected.output_tokens
        usd = self._checked_cost(model, expected)
        self._check(model, tokens, usd)
        self._reserved_tokens += tokens
        self._reserved_usd += usd
        try:
            yield replace(expected, calls=1, cost_usd=usd)
        finally:
            self._reserved_tokens -= tokens
            self._reserved_usd -= usd

    def _expected(self, request: ChatRequest) -> Usage:
        calls = self._spent.calls
        usual = self._spent.output_tokens // calls if calls else EXPECTED_OUTPUT_TOKENS
        output = request.options.max_tokens or usual
        return Usage(input_tokens=input_tokens(request), output_tokens=output)

    def check_price(self, model: str, limit: str) -> None:
        """Raise ConfigurationError when money is limited by `limit` and the price of the model unknown."""
        if model not in self._prices:
            raise ConfigurationError(
                f"{limit} is set, but the price of {model} is not known", hint="Add it to the setting prices"
            )

    def _checked_cost(self, model: str, expected: Usage) -> float:
        if self._budget.usd is not None:
            self.check_price(model, "budget_usd")
        return self.priced(model, expected).cost_usd

    def _check(self, model: str, tokens: int, usd: float) -> None:
        limit, spent = self._budget.tokens, self._spent.input_tokens + self._spent.output_tokens
        if limit is not None and spent + self._reserved_tokens + tokens > limit:
            raise BudgetExceeded(
                f"the budget of {limit} tokens does not allow a call of about {tokens}: {spent} are spent",
                hint="Raise budget_tokens, or wait for its next period",
                model=model,
            )
        most, paid = self._budget.usd, self._spent.cost_usd
        if most is not None and paid + self._reserved_usd + usd > most:
            raise BudgetExceeded(
                f"the budget of ${most:.2f} does not allow a call of about ${usd:.4f}: ${paid:.4f} are spent",
                hint="Raise budget_usd, or wait for its next period",
                model=model,
            )
