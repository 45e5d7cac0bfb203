"""Turns first: background work that asks a model waits while somebody waits for an answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from hmlr.records import UserId

# No longer than this per batch: where somebody always talks, facts have to be learned all the same.
WAIT_S = 5.0
BLOCK_WAIT_S = 1.0  # ... and per block that is gardened
# So long after the last answer work begins: its text may be on its way to who asked, the next message may
# come, and another process on this machine may be answering.
GAP_S = 1.0
# Batches at a time, of all users of the process: beside turns that are being answered, when they have waited
# their time, and without any. Two hundred users who talk at once would wait for the learning from two hundred
# messages otherwise.
BESIDE, ALONE = 4, 64


@dataclass(eq=False)
class _Batch:
    """One that waits for its place."""

    user: UserId
    due: float  # by the loop's clock: from then on turns don't keep it back
    place: asyncio.Future[None]


class Foreground:
    """The turns that are being answered in this process, and the work beside them. For one event loop."""

    def __init__(self) -> None:
        self._turns = 0
        self._gap: asyncio.TimerHandle | None = None  # runs after the last answer
        self._batches = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._waiting: list[_Batch] = []
        self._awaited: Counter[UserId] = Counter()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One turn, as long as the block runs."""
        self._turns += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._turns -= 1
            if not self._turns:
                self._quiet.set()
                self._begin_gap()

    async def quiet(self) -> None:
        """Wait until no turn is being answered, or BLOCK_WAIT_S."""
        try:
            async with asyncio.timeout(BLOCK_WAIT_S):
                await self._quiet.wait()
        except TimeoutError:
            return

    @contextmanager
    def awaiting(self, user: UserId) -> Iterator[None]:
        """Somebody waits for the user's background work, as long as the block runs: it goes at once."""
        self._awaited[user] += 1
        self._admit()
        try:
            yield
        finally:
            self._awaited[user] -= 1
            self._awaited += Counter()  # without those that nobody waits for

    @asynccontextmanager
    async def batch(self, user: UserId) -> AsyncIterator[None]:
        """One batch of the user's work that asks a model, as long as the block runs."""
        loop = asyncio.get_running_loop()
        batch = _Batch(user, loop.time() + WAIT_S, loop.create_future())
        self._waiting.append(batch)
        self._admit()
        later = loop.call_at(batch.due, self._admit)
        try:
            await batch.place
            yield
        finally:
            later.cancel()
            if batch.place.done() and not batch.place.cancelled():
                self._batches -= 1
            else:
                with suppress(ValueError):
                    self._waiting.remove(batch)
            self._admit()

    def _begin_gap(self) -> None:
        if self._gap is not None:
            self._gap.cancel()
        self._gap = asyncio.get_running_loop().call_later(GAP_S, self._end_gap)

    def _end_gap(self) -> None:
        self._gap = None
        self._admit()

    def _admit(self) -> None:
        now = asyncio.get_running_loop().time() if self._waiting else 0.0
        for batch in tuple(self._waiting):
            if batch.place.cancelled():
                self._waiting.remove(batch)
            elif self._may_begin(batch, now):
                self._waiting.remove(batch)
                self._batches += 1
                batch.place.set_result(None)

    def _may_begin(self, batch: _Batch, now: float) -> bool:
        if self._awaited[batch.user]:
            return True
        if self._turns or self._gap is not None:
            return now >= batch.due and self._batches < BESIDE
        return self._batches < ALONE
