"""The ways to one model: its keys in rotation, those at their limit resting, and limits of our own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from hmlr.errors import RateLimited
from hmlr.llm.providers.base import Provider

MINUTE_S = 60.0


class _Window:
    """What was used within the latest minute.

    A leaky bucket would let twice the limit through in the first minute, and providers count by the minute.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._used: deque[tuple[float, int]] = deque()  # loop time, amount; oldest first

    def wait_s(self, amount: int) -> float:
        """Seconds until so much more is allowed."""
        now = asyncio.get_running_loop().time()
        while self._used and self._used[0][0] + MINUTE_S <= now:
            self._used.popleft()
        over = sum(used for _, used in self._used) + min(amount, self._most) - self._most
        free_at = now
        for at, used in self._used:
            if over <= 0:
                break
            over, free_at = over - used, at + MINUTE_S
        return free_at - now

    def use(self, amount: int) -> None:
        """Count what begins now."""
        self._used.append((asyncio.get_running_loop().time(), min(amount, self._most)))


class Lanes:
    """One provider per key of a model. For one event loop."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        self._providers = list(providers)
        self._rest_until = [0.0] * len(providers)  # loop time
        self._next = 0
        self._requests = _Window(requests_per_minute) if requests_per_minute else None
        self._tokens = _Window(tokens_per_minute) if tokens_per_minute else None
        self._turn = asyncio.Lock()

    async def admit(self, tokens: int) -> None:
        """Wait, in the order of asking, until our own limits allow a request of about that many tokens."""
        given = ((self._requests, 1), (self._tokens, tokens))
        limits = [(window, amount) for window, amount in given if window is not None]
        if not limits:
            return
        async with self._turn:
            await asyncio.sleep(max(window.wait_s(amount) for window, amount in limits))
            for window, amount in limits:
                window.use(amount)

    def take(self) -> Provider:
        """The next key's provider that is not resting. RateLimited, with the wait, when all rest."""
        now = asyncio.get_running_loop().time()
        for step in range(len(self._providers)):
            which = (self._next + step) % len(self._providers)
            if self._rest_until[which] <= now:
                self._next = which + 1
                return self._providers[which]
        wait = self.free_in_s()
        model = self._providers[0].model
        raise RateLimited(
            f"{model}: all keys are at their limit for {wait:.0f} s", model=model, retry_after_s=wait
        )

    def rest(self, provider: Provider, seconds: float) -> None:
        """Leave a key alone for a while; the only key never rests, its caller waits."""
        if len(self._providers) > 1:
            now = asyncio.get_running_loop().time()
            self._rest_until[self._providers.index(provider)] = now + seconds

    def free_in_s(self) -> float:
        """Seconds until a key is free, 0 when one is."""
        return max(0.0, min(self._rest_until) - asyncio.get_running_loop().time())

    @property
    def several(self) -> bool:
        """Whether another key may do what one can't."""
        return len(self._providers) > 1
