"""Turns first: background work that asks a model waits a moment while somebody waits for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# No longer than this per batch: where somebody always talks, facts have to be learned all the same.
WAIT_S = 1.0


class Foreground:
    """The turns that are being answered in this process. For one event loop."""

    def __init__(self) -> None:
        self._turns = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

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

    async def quiet(self) -> None:
        """Wait until no turn is being answered, or WAIT_S."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._quiet.wait()
        except TimeoutError:
            return
