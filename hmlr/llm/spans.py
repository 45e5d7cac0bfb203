"""OpenTelemetry spans of model calls, by the gen_ai conventions; nothing when it is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from hmlr.errors import ModelError
from hmlr.llm.records import ChatRequest, Completion

INSTALLED = find_spec("opentelemetry") is not None

_PROVIDER_NAMES = {"gemini": "gcp.gemini", "grok": "x_ai"}


class CallSpan:
    """One call; never holds a text."""

    def __init__(self, request: ChatRequest, model: str) -> None:
        self._span: Any = None
        if not INSTALLED:
            return
        from opentelemetry import trace

        provider, _, name = model.partition(":")
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDER_NAMES.get(provider, provider),
            "gen_ai.request.model": name,
            "hmlr.task": request.task,
        }
        given = {
            "gen_ai.request.temperature": request.options.temperature,
            "gen_ai.request.top_p": request.options.top_p,
            "gen_ai.request.max_tokens": request.options.max_tokens,
            "gen_ai.request.seed": request.options.seed,
        }
        attributes |= {key: value for key, value in given.items() if value is not None}
        self._span = trace.get_tracer("hmlr").start_span(
            f"chat {name}", kind=trace.SpanKind.CLIENT, attributes=attributes
        )

    def succeeded(self, completion: Completion) -> None:
        """Close with what the answer cost."""
        if self._span is not None:
            self._span.set_attributes(
                {
                    "gen_ai.response.model": completion.model.partition(":")[2],
                    "gen_ai.response.finish_reasons": [completion.finish_reason],
                    "gen_ai.usage.input_tokens": completion.usage.input_tokens,
                    "gen_ai.usage.output_tokens": completion.usage.output_tokens,
                    "hmlr.attempts": len(completion.attempts),
                }
            )
            self._end()

    def failed(self, error: BaseException) -> None:
        """Close with the error's class; its text may hold a provider's words."""
        if self._span is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            if isinstance(error, ModelError) and error.status is not None:
                self._span.set_attribute("http.response.status_code", error.status)
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)
            self._end()

    def _end(self) -> None:
        self._span.end()
        self._span = None
