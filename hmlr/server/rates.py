"""How many requests a caller may make: a bucket that fills evenly."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable


class Rates:
    """One bucket for each caller: `per_minute` requests evenly, `burst` of them at once."""

    def __init__(
        self, per_minute: int, burst: int, clock: Callable[[], float], *, most: int = 100_000
    ) -> None:
        """`clock` gives seconds, and only goes forward; of callers, the `most` latest are known."""
        self._per_s = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # (left, when)

    def take(self, caller: Hashable) -> float:
        """Take one request: 0.0, or the seconds until there is one."""
        now = self._clock()
        left, then = self._buckets.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_s)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_s
        self._buckets[caller] = (left - 1.0 if not wait else left, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait
