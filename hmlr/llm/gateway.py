"""The one way to a model: deadline, retries and fallbacks around the provider adapters.

Exactly this layer retries. `sender` sends each request, within budget and limits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import replace
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from hmlr.errors import (
    BudgetExceeded,
    ClosedError,
    ContentRefused,
    ModelError,
    RateLimited,
)
from hmlr.llm.calls import Call, Opened
from hmlr.llm.ledger import Ledger
from hmlr.llm.metrics import Metrics
from hmlr.llm.records import ChatRequest, Completion, Options, StreamPart
from hmlr.llm.sender import Opener, Sender
from hmlr.llm.settings import LLMSettings
from hmlr.llm.spans import CallSpan

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Gateway:
    """Calls the first of its models that answers. Safe for concurrent calls on one event loop.

    Raises ModelError of the kind that fits the last model's last attempt; ConfigurationError when a model
    or a key is missing; ClosedError after closing, or on another event loop than that of its first call. No
    call takes longer than `timeout_s`.
    """

    def __init__(self, settings: LLMSettings, models: tuple[str, ...], opener: Opener) -> None:
        self.models = models
        self.metrics = Metrics()
        self.settings = settings
        self.sender = Sender(settings, opener)
        self._backoff = wait_exponential_jitter(
            initial=settings.backoff_s, max=settings.backoff_cap_s, jitter=settings.backoff_s / 2
        )

    @property
    def ledger(self) -> Ledger:
        """What was spent."""
        return self.sender.ledger

    async def complete(self, request: ChatRequest) -> Completion:
        """The whole answer; its usage counts every attempt."""
        async with self._calling(request) as call:
            return call.answered(await self._through_models(call, self._complete))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamPart, None]:
        """The answer in pieces. Retries and fallbacks end with the first piece; a later fault is raised."""
        async with self._calling(request) as call:
            opened = await self._through_models(call, self._open_stream)
            async with opened.stack:
                part = opened.first
                while part.completion is None:
                    yield part
                    part = await opened.sending.within(anext(opened.parts))
                opened.sending.usage = part.completion.usage
            yield replace(part, completion=call.answered(part.completion))

    def asking(self, models: tuple[str, ...]) -> Gateway:
        """A gateway to other models with the same connections, limits and ledger; closed with this one."""
        other = copy(self)
        other.models = models
        return other

    async def aclose(self) -> None:
        """Close connections; calls under way end with ClosedError. Safe to repeat."""
        await self.sender.aclose()

    @asynccontextmanager
    async def _calling(self, request: ChatRequest) -> AsyncIterator[Call]:
        """One call from its beginning to its end: deadline, span, metrics."""
        self.sender.check_open()
        request = replace(request, options=_merged(self.settings.options, request.options))
        timeout_s = request.options.timeout_s or self.settings.timeout_s
        call = Call(request=request, deadline=asyncio.get_running_loop().time() + timeout_s)
        span = CallSpan(request, self.models[0])
        try:
            yield call
        except BaseException as error:
            if call.answer is None:
                span.failed(error)
            else:  # a listener that leaves at the last part has heard it all
                span.succeeded(call.answer)
            self._measure(call, failed=isinstance(error, ModelError))
            if isinstance(error, ModelError):
                spent = call.spent
                error.calls, error.input_tokens = spent.calls, spent.input_tokens
                error.output_tokens = spent.output_tokens
            if self.sender.closed and isinstance(error, ModelError | RuntimeError):
                raise ClosedError("the models were closed during the call") from error
            raise
        if call.answer is not None:
            span.succeeded(call.answer)
        self._measure(call, failed=False)

    def _measure(self, call: Call, *, failed: bool) -> None:
        if not call.attempts:
            return
        self.metrics.add(
            call.request.task,
            call.attempts[-1].model,
            total_ms=sum(attempt.waited_ms + attempt.duration_ms for attempt in call.attempts),
            waited_ms=sum(attempt.waited_ms for attempt in call.attempts),
            retries=len(call.attempts) - 1,
            failed=failed,
        )

    async def _through_models(self, call: Call, send: Callable[[Call, str], Awaitable[T]]) -> T:
        """Ask one model after the other, each with its retries, within the deadline."""
        for model, following in zip(self.models, (*self.models[1:], ""), strict=True):
            try:
                return await self._with_retries(call, model, send)
            except ModelError as error:
                final = isinstance(error, BudgetExceeded | ContentRefused) or self.sender.closed
                if not following or final or call.left_s() <= 0:
                    raise
                _log.warning("%s failed with %s; asking %s", model, type(error).__name__, following)
        raise AssertionError("a gateway has a model")

    async def _with_retries(self, call: Call, model: str, send: Callable[[Call, str], Awaitable[T]]) -> T:
        def wait_s(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            other_key_in_s = self.sender.other_key_in_s(model) if isinstance(error, RateLimited) else None
            if other_key_in_s is not None:
                return other_key_in_s
            asked = error.retry_after_s if isinstance(error, ModelError) else None
            return self._backoff(state) if asked is None else asked

        def stop(state: RetryCallState) -> bool:
            wait = wait_s(state)
            hopeless = wait > self.settings.retry_after_cap_s or wait > call.left_s()
            return hopeless or stop_after_attempt(self.settings.attempts)(state)

        def again(error: BaseException) -> bool:
            return isinstance(error, ModelError) and error.retryable and not self.sender.closed

        retrying = AsyncRetrying(
            retry=retry_if_exception(again),
            stop=stop,
            wait=wait_s,
            reraise=True,
        )
        return await retrying(send, call, model)

    async def _complete(self, call: Call, model: str) -> Completion:
        async with self.sender.sending(call, model) as sending:
            answer = await sending.within(sending.provider.complete(call.request))
            sending.usage = answer.usage
            return answer

    async def _open_stream(self, call: Call, model: str) -> Opened:
        async with AsyncExitStack() as stack:
            sending = await stack.enter_async_context(self.sender.sending(call, model))
            parts = sending.provider.stream(call.request)
            stack.push_async_callback(parts.aclose)  # type: ignore[attr-defined]
            first = await sending.within(anext(parts))
            return Opened(sending, parts, first, stack.pop_all())


def _merged(base: Options, given: Options) -> Options:
    """What the call gives, else what the settings give."""
    names = Options.__dataclass_fields__
    return Options(**{name: getattr(base if getattr(given, name) is None else given, name) for name in names})
