"""Sending one request to a model: admitted, paid for beforehand, timed and recorded, whatever comes of it.

Every request that is sent becomes an `Attempt` and a line in the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

from hmlr.errors import ClosedError, ConfigurationError, InvalidInput, ModelError, ModelTimeout, RateLimited
from hmlr.llm.calls import Call, Sending
from hmlr.llm.day_book import Booking, DayBook, booked
from hmlr.llm.lanes import Lanes
from hmlr.llm.ledger import Budget, Ledger, expected_tokens
from hmlr.llm.providers.base import Provider
from hmlr.llm.records import Attempt
from hmlr.llm.settings import LLMSettings
from hmlr.records import DayLimit, Usage

_log = logging.getLogger(__name__)


class Opener(Protocol):
    """Opens the providers of models, and owns their connections."""

    async def open(self, model: str) -> list[Provider]:
        """The providers of a model, one per key."""

    async def aclose(self) -> None:
        """Close the connections."""


class Sender:
    """Sends the requests of all calls, and owns what they share: connections, limits, the ledger.

    Raises ClosedError once it is closed, ModelTimeout and RateLimited when a request can't be sent before
    its call's deadline, BudgetExceeded when there is nothing left to pay it with.
    """

    def __init__(self, settings: LLMSettings, opener: Opener) -> None:
        self.ledger = Ledger(
            budget=Budget(tokens=settings.budget_tokens, usd=settings.budget_usd), prices=settings.prices
        )
        self.day_book: DayBook | None = None  # where there is a memory to keep it in
        self._day_limit = DayLimit(
            calls=settings.daily_calls, tokens=settings.daily_tokens, cost_usd=settings.daily_usd
        )
        self._settings = settings
        self._opener = opener
        self._lanes: dict[str, Lanes] = {}
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None  # connections belong to one
        self.closed = False

    async def aclose(self) -> None:
        """Close connections. Safe to repeat."""
        self.closed = True
        await self._opener.aclose()

    def check_open(self) -> None:
        """ClosedError when it is closed, or belongs to another event loop than this one."""
        if self.closed:
            raise ClosedError("the models are closed", hint="Use them within `async with`")
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise ClosedError("the models belong to another event loop", hint="Open them in each loop")

    def other_key_in_s(self, model: str) -> float | None:
        """Seconds until one of a model's keys may be used; None when it has no other than the last."""
        lanes = self._lanes.get(model)
        return lanes.free_in_s() if lanes and lanes.several else None

    @asynccontextmanager
    async def sending(self, call: Call, model: str) -> AsyncIterator[Sending]:
        """One request, from its admission to its record; it is sent within."""
        lanes = await self._lanes_of(call, model)
        self.check_open()
        async with AsyncExitStack() as stack:
            expected = stack.enter_context(self.ledger.reserved(call.request, model))
            provider = await self._admitted(call, lanes, model)
            booking = await stack.enter_async_context(self._booked(call, model, expected))
            begun, loop_time = time.perf_counter(), asyncio.get_running_loop().time()
            sending = Sending(provider, min(call.deadline, loop_time + self._settings.attempt_timeout_s))
            failure: BaseException | None = None
            try:
                yield sending
            except BaseException as error:
                failure = error
                if isinstance(error, RateLimited):
                    lanes.rest(provider, error.retry_after_s or self._settings.backoff_cap_s)
                raise
            finally:
                if _was_sent(failure):
                    took = self._record(call, sending, begun, failure)
                    cut_off = failure is not None and not isinstance(failure, Exception)
                    booking.took = expected if cut_off else took  # nobody will tell what it took

    def _booked(self, call: Call, model: str, expected: Usage) -> AbstractAsyncContextManager[Booking]:
        limit = self._day_limit.within(call.request.day_limit)
        if limit.cost_usd is not None:
            self.ledger.check_price(model, "daily_usd")
        return booked(self.day_book, call.request.user, expected, limit)

    async def _admitted(self, call: Call, lanes: Lanes, model: str) -> Provider:
        try:
            async with asyncio.timeout_at(call.deadline):
                await lanes.admit(expected_tokens(call.request))
        except TimeoutError as error:
            raise RateLimited(
                f"{model}: our own limit leaves no room before the deadline", model=model, retryable=False
            ) from error
        return lanes.take()

    def _record(self, call: Call, sending: Sending, begun: float, failure: BaseException | None) -> Usage:
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

    async def _lanes_of(self, call: Call, model: str) -> Lanes:
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
                if self.closed:  # meanwhile; what was opened would stay open
                    await self._opener.aclose()
                self._lanes[model] = Lanes(
                    providers,
                    requests_per_minute=self._settings.requests_per_minute,
                    tokens_per_minute=self._settings.tokens_per_minute,
                )
            return self._lanes[model]


def _was_sent(failure: BaseException | None) -> bool:
    """Whether a request went out: an adapter refuses options and schemas that its provider lacks before."""
    return isinstance(failure, ModelError) or not isinstance(failure, ConfigurationError | InvalidInput)
