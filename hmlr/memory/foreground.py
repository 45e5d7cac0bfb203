"""Turns first: background work that asks a model waits a moment while somebody waits for an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

# No longer than this per batch: where somebody always talks, facts have to be learned all the same.
WAIT_S = 1.0
# Batches at a time, of all users of the process: beside turns that are being answered, and without any. Two
# hundred users who talk at once would wait for the learning from two hundred messages otherwise.
BESIDE, ALONE = 4, 64


class Foreground:
    """The turns that are being answered in this process, and the work beside them. For one event loop."""

    def __init__(self) -> None:
        self._turns = 0
        self._batches = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._waiting: deque[asyncio.Future[None]] = deque()

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
                self._admit()

    async def quiet(self) -> None:
        """Wait until no turn is being answered, or WAIT_S."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._quiet.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[None]:
        """One batch that asks a model, as long as the block runs; in the order of asking."""
        await self.quiet()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._admit()
        try:
            await place
            yield
        finally:
            if place.done() and not place.cancelled():
                self._batches -= 1
            else:
                with suppress(ValueError):
                    self._waiting.remove(place)
            self._admit()

    def _admit(self) -> None:
        while self._waiting and self._batches < (BESIDE if self._turns else ALONE):
            place = self._waiting.popleft()
            if place.cancelled():
                continue
            self._batches += 1
            place.set_result(None)
