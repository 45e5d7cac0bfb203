"""Figures of one server for Prometheus: requests, model calls, open memories. No content, no user."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from hmlr.records import Latency, Spending, Stats

# The folder in which several workers keep their figures together; prometheus_client's own name for it.
SHARED_FIGURES = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts what the server does; a registry of its own, so that two servers in one process are two."""

    def __init__(self, *, shared: bool = False) -> None:
        """With `shared` those of all workers are told, from the folder that they share."""
        self._shared = shared
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("hmlr_requests", "Requests answered.", labels, registry=self.registry)
        self._took = Histogram(
            "hmlr_request_seconds",
            "How long they took.",
            ("route",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def served(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count one request; `route` is the path's pattern."""
        self._requests.labels(route, method, str(status)).inc()
        self._took.labels(route).observe(took_s)

    def page(self, stats: Stats, *, open_memories: int) -> bytes:
        """All figures in Prometheus' text format.

        Of several workers the requests of all; memories and model calls are known of one process only, and so
        left out then.
        """
        if self._shared:
            every = CollectorRegistry()
            MultiProcessCollector(every)  # type: ignore[no-untyped-call]
            return generate_latest(every)
        engine = CollectorRegistry()
        engine.register(_Engine(stats, open_memories))
        return generate_latest(self.registry) + generate_latest(engine)


class _Engine(Collector):
    """Open memories and model calls, as they stand."""

    def __init__(self, stats: Stats, open_memories: int) -> None:
        self._stats = stats
        self._open = open_memories

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("hmlr_open_memories", "Memories kept open.", value=self._open)
        yield from _spending(self._stats.spending)
        yield from _latencies(self._stats.latencies)


def _spending(entries: Iterable[Spending]) -> Iterable[Metric]:
    sums: dict[tuple[str, str], list[float]] = {}
    for entry in entries:
        row = sums.setdefault((entry.task, entry.model), [0.0] * 4)
        usage = entry.usage
        for place, value in enumerate((usage.calls, usage.input_tokens, usage.output_tokens, usage.cost_usd)):
            row[place] += value
    names = ("model_calls", "model_input_tokens", "model_output_tokens", "model_cost_usd")
    for place, name in enumerate(names):
        family = CounterMetricFamily(f"hmlr_{name}", "Of language models.", labels=("task", "model"))
        for labels, row in sums.items():
            family.add_metric(labels, row[place])
        yield family


def _latencies(latencies: Iterable[Latency]) -> Iterable[Metric]:
    family = GaugeMetricFamily(
        "hmlr_model_call_ms", "Model calls of late.", labels=("task", "model", "quantile")
    )
    for each in latencies:
        family.add_metric((each.task, each.model, "0.5"), each.p50_ms)
        family.add_metric((each.task, each.model, "0.95"), each.p95_ms)
    yield family
