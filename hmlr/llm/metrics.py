"""How long model calls take, wait and fail, by task and model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hmlr.records import Latency

# Of so many latest calls per task and model: enough for a stable p95, little memory.
KEPT = 2000


@dataclass
class _Series:
    calls: int = 0
    errors: int = 0
    retries: int = 0
    total_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    waited_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Metrics:
    """Collects; for one event loop."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Series] = {}

    def add(
        self, task: str, model: str, *, total_ms: float, waited_ms: float, retries: int, failed: bool
    ) -> None:
        """Count one call."""
        series = self._series.setdefault((task, model), _Series())
        series.calls += 1
        series.errors += failed
        series.retries += retries
        series.total_ms.append(total_ms)
        series.waited_ms.append(waited_ms)

    def latencies(self) -> tuple[Latency, ...]:
        """One line per task and model, sorted."""
        return tuple(
            Latency(
                task=task,
                model=model,
                calls=series.calls,
                errors=series.errors,
                retries=series.retries,
                p50_ms=_percentile(series.total_ms, 0.5),
                p95_ms=_percentile(series.total_ms, 0.95),
                waited_p95_ms=_percentile(series.waited_ms, 0.95),
            )
            for (task, model), series in sorted(self._series.items())
        )


def _percentile(values: deque[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
