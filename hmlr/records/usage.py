"""What model calls cost, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

T = TypeVar("T", int, float)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What model calls cost; failed and repaired ones count too."""

    calls: int = 0  # requests that were sent
    input_tokens: int = 0
    output_tokens: int = 0  # reasoning included
    cached_tokens: int = 0  # of the input tokens, those that the provider had cached
    cost_usd: float = 0.0  # by the prices in the settings; 0 when there is none for the model

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls - other.calls,
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            cost_usd=self.cost_usd - other.cost_usd,
        )


@dataclass(frozen=True, kw_only=True)
class DaySpending:
    """What one user's model calls took of a day, over all processes; those that were cut off count too."""

    day: date  # in UTC
    calls: int
    tokens: int
    cost_usd: float


@dataclass(frozen=True, kw_only=True)
class DayLimit:
    """Hard limits of what one user's model calls may take of a day (UTC); None is none."""

    calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None

    def within(self, other: DayLimit) -> DayLimit:
        """The narrower of both, each for itself."""
        return DayLimit(
            calls=_least(self.calls, other.calls),
            tokens=_least(self.tokens, other.tokens),
            cost_usd=_least(self.cost_usd, other.cost_usd),
        )


def _least(one: T | None, other: T | None) -> T | None:
    given = [each for each in (one, other) if each is not None]
    return min(given, default=None)


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What the calls of one task for one user to one model cost together."""

    task: str
    user: str
    model: str  # "provider:model"
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The calls of one task to one model; milliseconds of the latest 2,000."""

    task: str
    model: str
    calls: int
    errors: int  # calls that failed after all retries
    retries: int
    p50_ms: float  # of whole calls, waits included
    p95_ms: float
    waited_p95_ms: float  # rate limits and back-off
