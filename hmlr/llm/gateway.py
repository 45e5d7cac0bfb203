"""The one way to a model: budget, limits, deadline, retries and fallbacks around the provider adapters.

Exactly this layer retries. Every request that is sent becomes an `Attempt` and a line in the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from hmlr.errors import (
    BrokenReply,
    BudgetExceeded,
    ClosedError,
    ConfigurationError,
    ContentRefused,
    InvalidInput,
    ModelError,
    ModelTimeout,
    RateLimited,
)
from hmlr.llm.day_book import Booking, DayBook, booked
from hmlr.llm.lanes import Lanes
from hmlr.llm.ledger import Budget, Ledger, expected_tokens
from hmlr.llm.metrics import Metrics
from hmlr.llm.providers.base import Provider
from hmlr.llm.records import Attempt, ChatRequest, Completion, Options, StreamPart
from hmlr.llm.settings import LLMSettings
from hmlr.llm.spans import CallSpan
from hmlr.records import DayLimit, Usage

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Opener(Protocol):
    """Opens the providers of models, and owns their connections."""

    async def open(self, model: str) -> list[Provider]:
        """The providers of a model, one per key."""

    async def aclose(self) -> None:
        """Close the connections."""


@dataclass
class _Call:
    """One call on its way: what was tried, and until when."""

    request: ChatRequest
    deadline: float  # loop time
    idle_since: float = field(default_factory=time.perf_counter)  # end of the attempt before
    attempts: list[Attempt] = field(default_factory=list)
    answer: Completion | None = None

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    @property
    def spent(self) -> Usage:
        """What all attempts cost."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    def answered(self, completion: Completion) -> Completion:
        """The answer with the cost of all attempts behind it."""
        self.answer = replace(completion, usage=self.spent, attempts=tuple(self.attempts))
        return self.answer


@dataclass
class _Sending:
    """One request that is being sent."""

    provider: Provider
    deadline: float  # loop time
    usage: Usage = field(default_factory=lambda: Usage(calls=1))

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Await a step of it. ModelTimeout at the deadline, BrokenReply when a stream ends early."""
        model = self.provider.model
        try:
            async with asyncio.timeout_at(self.deadline):
                return await awaitable
        except TimeoutError as error:
            raise ModelTimeout(f"{model}: no whole answer within the deadline", model=model) from error
        except StopAsyncIteration as error:
            raise BrokenReply(f"{model}: the stream ended without its last part", model=model) from error


@dataclass(frozen=True)
class _Opened:
    """A stream whose first part has come; `stack` closes it."""

    sending: _Sending
    parts: AsyncIterator[StreamPart]
    first: StreamPart
    stack: AsyncExitStack


class Gateway:
    """Calls the first of its models that answers. Safe for concurrent calls on one event loop.

    Raises ModelError of the kind that fits the last model's last attempt; ConfigurationError when a model
    or a key is missing; ClosedError after closing, or on another event loop than that of its first call. No
    call takes longer than `timeout_s`.
    """

    def __init__(self, settings: LLMSettings, models: tuple[str, ...], opener: Opener) -> None:
        self.models = models
        self.ledger = Ledger(
            budget=Budget(tokens=settings.budget_tokens, usd=settings.budget_usd), prices=settings.prices
        )
        self.day_book: DayBook | None = None  # where there is a memory to keep it in
        self._day_limit = DayLimit(
            calls=settings.daily_calls, tokens=settings.daily_tokens, cost_usd=settings.daily_usd
        )
        self.metrics = Metrics()
        self.settings = settings
        self._opener = opener
        self._lanes: dict[str, Lanes] = {}
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None  # connections belong to one
        self._closed = asyncio.Event()  # also for gateways beside this one
        self._backoff = wait_exponential_jitter(
            initial=settings.backoff_s, max=settings.backoff_cap_s, jitter=settings.backoff_s / 2
        )

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
        self._closed.set()
        await self._opener.aclose()

    @asynccontextmanager
    async def _calling(self, request: ChatRequest) -> AsyncIterator[_Call]:
        """One call from its beginning to its end: deadline, span, metrics."""
        self._check_open()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise ClosedError("the models belong to another event loop", hint="Open them in each loop")
        request = replace(request, options=_merged(self.settings.options, request.options))
        timeout_s = request.options.timeout_s or self.settings.timeout_s
        call = _Call(request=request, deadline=loop.time() + timeout_s)
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
            if self._closed.is_set() and isinstance(error, ModelError | RuntimeError):
                raise ClosedError("the models were closed during the call") from error
            raise
        if call.answer is not None:
            span.succeeded(call.answer)
        self._measure(call, failed=False)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ClosedError("the models are closed", hint="Use them within `async with`")

    def _measure(self, call: _Call, *, failed: bool) -> None:
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

    async def _through_models(self, call: _Call, send: Callable[[_Call, str], Awaitable[T]]) -> T:
        """Ask one model after the other, each with its retries, within the deadline."""
        for model, following in zip(self.models, (*self.models[1:], ""), strict=True):
            try:
                return await self._with_retries(call, model, send)
            except ModelError as error:
                final = isinstance(error, BudgetExceeded | ContentRefused) or self._closed.is_set()
                if not following or final or call.left_s() <= 0:
                    raise
                _log.warning("%s failed with %s; asking %s", model, type(error).__name__, following)
        raise AssertionError("a gateway has a model")

    async def _with_retries(self, call: _Call, model: str, send: Callable[[_Call, str], Awaitable[T]]) -> T:
        def wait_s(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            lanes = self._lanes.get(model)
            if isinstance(error, RateLimited) and lanes and lanes.several:
                return lanes.free_in_s()
            asked = error.retry_after_s if isinstance(error, ModelError) else None
            return self._backoff(state) if asked is None else asked

        def stop(state: RetryCallState) -> bool:
            wait = wait_s(state)
            hopeless = wait > self.settings.retry_after_cap_s or wait > call.left_s()
            return hopeless or stop_after_attempt(self.settings.attempts)(state)

        def again(error: BaseException) -> bool:
            return isinstance(error, ModelError) and error.retryable and not self._closed.is_set()

        retrying = AsyncRetrying(
            retry=retry_if_exception(again),
            stop=stop,
            wait=wait_s,
            reraise=True,
        )
        return await retrying(send, call, model)

    async def _complete(self, call: _Call, model: str) -> Completion:
        async with self._sending(call, model) as sending:
            answer = await sending.within(sending.provider.complete(call.request))
            sending.usage = answer.usage
            return answer

    async def _open_stream(self, call: _Call, model: str) -> _Opened:
        async with AsyncExitStack() as stack:
            sending = await stack.enter_async_context(self._sending(call, model))
            parts = sending.provider.stream(call.request)
            stack.push_async_callback(parts.aclose)  # type: ignore[attr-defined]
            first = await sending.within(anext(parts))
            return _Opened(sending, parts, first, stack.pop_all())

    @asynccontextmanager
    async def _sending(self, call: _Call, model: str) -> AsyncIterator[_Sending]:
        """One request: admitted, paid for beforehand, timed and recorded, whatever comes of it."""
        lanes = await self._lanes_of(call, model)
        self._check_open()
        async with AsyncExitStack() as stack:
            expected = stack.enter_context(self.ledger.reserved(call.request, model))
            provider = await self._admitted(call, lanes, model)
            booking = await stack.enter_async_context(self._booked(call, model, expected))
            begun, loop_time = time.perf_counter(), asyncio.get_running_loop().time()
            sending = _Sending(provider, min(call.deadline, loop_time + self.settings.attempt_timeout_s))
            failure: BaseException | None = None
            try:
                yield sending
            except BaseException as error:
                failure = error
                if isinstance(error, RateLimited):
                    lanes.rest(provider, error.retry_after_s or self.settings.backoff_cap_s)
                raise
            finally:
                if _was_sent(failure):
                    took = self._record(call, sending, begun, failure)
                    cut_off = failure is not None and not isinstance(failure, Exception)
                    booking.took = expected if cut_off else took  # nobody will tell what it took

    def _booked(self, call: _Call, model: str, expected: Usage) -> AbstractAsyncContextManager[Booking]:
        limit = self._day_limit.within(call.request.day_limit)
        if limit.cost_usd is not None:
            self.ledger.check_price(model, "daily_usd")
        return booked(self.day_book, call.request.user, expected, limit)

    async def _admitted(self, call: _Call, lanes: Lanes, model: str) -> Provider:
        try:
            async with asyncio.timeout_at(call.deadline):
                await lanes.admit(expected_tokens(call.request))
        except TimeoutError as error:
            raise RateLimited(
                f"{model}: our own limit leaves no room before the deadline", model=model, retryable=False
            ) from error
        return lanes.take()

    def _record(self, call: _Call, sending: _Sending, begun: float, failure: BaseException | None) -> Usage:
        now = time.perf_counter()
        model, usage = sending.provider.model, sending.usage
        known = failure if isinstance(failure, ModelError) else None
        if known is not None and (known.input_tokens or known.output_tokens):
            usage = Usage(calls=1, input_tokens=known.input_tokens, output_tokens=known.output_tokens)
        usage = self.ledger.priced(model, usage)
        self.ledger.add(call.request, model, usage)
        attempt = Attempt(
            model=model,
            waited_ms=round((begun - call.idle_since) * 1000, 2),
            duration_ms=round((now - begun) * 1000, 2),
            error=type(failure).__name__ if failure else "",
            status=known.status if known else None,
            request_id=known.request_id if known else "",
            usage=usage,
        )
        call.attempts.append(attempt)
        call.idle_since = now
        if failure is not None:
            _log.info(
                "%s: %s, status %s, request %s", model, attempt.error, attempt.status, attempt.request_id
            )
        return usage

    async def _lanes_of(self, call: _Call, model: str) -> Lanes:
        """A model's lanes, opened by its first call; importing an SDK can take seconds of its deadline."""
        if model in self._lanes:
            return self._lanes[model]
        try:
            async with asyncio.timeout_at(call.deadline):
                return await self._opened_lanes(model)
        except TimeoutError as error:
            raise ModelTimeout(f"{model}: not opened within the deadline", model=model) from error

    async def _opened_lanes(self, model: str) -> Lanes:
        async with self._opening:
            if model not in self._lanes:
                providers = await self._opener.open(model)
                if self._closed.is_set():  # meanwhile; what was opened would stay open
                    await self._opener.aclose()
                self._lanes[model] = Lanes(
                    providers,
                    requests_per_minute=self.settings.requests_per_minute,
                    tokens_per_minute=self.settings.tokens_per_minute,
                )
            return self._lanes[model]


def _was_sent(failure: BaseException | None) -> bool:
    """Whether a request went out: an adapter refuses options and schemas that its provider lacks before."""
    return isinstance(failure, ModelError) or not isinstance(failure, ConfigurationError | InvalidInput)


def _merged(base: Options, given: Options) -> Options:
    """What the call gives, else what the settings give."""
    names = Options.__dataclass_fields__
    return Options(**{name: getattr(base if getattr(given, name) is None else given, name) for name in names})
