"""Latencies by task, and spans by the gen_ai conventions; neither holds a text (L17)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import hmlr.llm.spans
from hmlr.errors import ModelError
from hmlr.llm.metrics import KEPT, Metrics
from hmlr.llm.records import Options
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, ok_after, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES

NAMES = {"openai": "openai", "anthropic": "anthropic", "gemini": "gcp.gemini", "grok": "x_ai"}


@pytest.fixture(scope="module")
def _exporter_of_the_module() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    exporter.shutdown()  # the provider itself is for the whole process


@pytest.fixture
def spans(_exporter_of_the_module: InMemorySpanExporter) -> InMemorySpanExporter:
    """All spans that ended."""
    _exporter_of_the_module.clear()
    return _exporter_of_the_module


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = [span for span in spans.get_finished_spans() if span.name.startswith("chat")]
    return span


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("how", [ask, listen])
async def test_a_call_is_a_span(
    provider: str, how: object, own_settings: Settings, spans: InMemorySpanExporter
) -> None:
    asked = question("canarytext", task="route", options=Options(max_tokens=9))

    await how(provider, own_settings(), asked)  # type: ignore[operator]

    span = only(spans)
    assert (span.name, span.kind, span.status.status_code) == ("chat m1", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": NAMES[provider],
        "gen_ai.request.model": "m1",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.model": "m1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "hmlr.task": "route",
        "hmlr.attempts": 1,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failed_call_is_a_span_with_its_error_and_no_text(
    provider: str, own: OwnServer, own_settings: Settings, spans: InMemorySpanExporter
) -> None:
    own.always(reply(SHAPES[provider].error(400, "canarytext"), status=400))

    with pytest.raises(ModelError):
        await ask(provider, own_settings(), question("canarytext"))

    span = only(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "RequestRejected"
    assert (span.attributes or {})["http.response.status_code"] == 400
    assert "canarytext" not in span.to_json()


@pytest.mark.parametrize("how", ["broken", "left"])
async def test_a_stream_that_ends_early_still_ends_its_span(
    how: str, own: OwnServer, own_settings: Settings, spans: InMemorySpanExporter
) -> None:
    events = SHAPES["openai"].events()
    own.always(stream(events[:2], end="reset") if how == "broken" else stream(events, between_s=0.05))

    async with gateway("openai", own_settings()) as opened:
        parts = opened.stream(question())
        assert (await anext(parts)).text == "o"
        if how == "left":
            await parts.aclose()  # type: ignore[attr-defined]
        else:
            with pytest.raises(ModelError):
                await anext(parts)

    error = {"broken": "Unreachable", "left": "GeneratorExit"}[how]
    assert (only(spans).attributes or {})["error.type"] == error


async def test_a_listener_that_leaves_at_the_last_part_has_heard_it_all(
    own_settings: Settings, spans: InMemorySpanExporter
) -> None:
    async with gateway("openai", own_settings()) as opened:
        parts = opened.stream(question())
        async for part in parts:
            if part.completion is not None:
                break
        await parts.aclose()  # type: ignore[attr-defined]

        assert only(spans).status.status_code is StatusCode.UNSET
        assert opened.metrics.latencies()[0].errors == 0


async def test_without_opentelemetry_nothing_is_missing(
    own_settings: Settings, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hmlr.llm.spans, "INSTALLED", False)

    assert (await ask("openai", own_settings())).text == "ok"
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_latencies_are_kept_by_task(provider: str, own: OwnServer, own_settings: Settings) -> None:
    own.script(reply(b"{}")).always(ok_after(0.1))

    async with gateway(provider, own_settings(backoff_s=0.2)) as opened:
        await opened.complete(question(task="route"))
        await opened.complete(question(task="answer"))
        own.always(Answer(status=400))
        with pytest.raises(ModelError):
            await opened.complete(question(task="answer"))
        answer, route = opened.metrics.latencies()

    assert (answer.task, answer.model, answer.calls, answer.errors) == ("answer", f"{provider}:m1", 2, 1)
    assert (route.calls, route.errors, route.retries) == (1, 0, 1)
    assert route.p50_ms >= 300 > answer.p95_ms >= 100
    assert answer.waited_p95_ms < 100 < route.waited_p95_ms


def test_latencies_hold_the_latest_calls_only() -> None:
    metrics = Metrics()
    for number in range(3 * KEPT):
        metrics.add("t", "m", total_ms=number, waited_ms=0, retries=0, failed=False)

    (latency,) = metrics.latencies()

    assert latency.calls == 3 * KEPT
    assert (latency.p50_ms, latency.p95_ms) == (2.5 * KEPT, 2 * KEPT + 0.95 * KEPT)
