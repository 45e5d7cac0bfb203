"""What model calls cost, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass


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
