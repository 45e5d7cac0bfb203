"""Purging: the files are rewritten after an erasure, and after one that a killed process left undone."""

from __future__ import annotations

import asyncio
import logging

from hmlr.errors import HMLRError
from hmlr.store.port import CareStore

logger = logging.getLogger(__name__)

TRIES = 20
WAIT_S = 0.25  # another process's read is over in that time; an export is not
# What a forget could not finish is tried again this often: each time the whole file is rewritten.
RETRY_S = 60.0


class Purging:
    """Rewrites the files of one store until nothing erased is left in them."""

    def __init__(self, store: CareStore, *, retry_s: float = RETRY_S) -> None:
        self._store = store
        self._retry_s = retry_s
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Finish what is pending, in the background; does nothing while that goes on already."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._finish(), name="hmlr-purging")

    async def run(self) -> bool:
        """Purge now; another process's open snapshot can delay that, so it is tried for a while.

        False when it was delayed for too long, or failed; then it goes on in the background, here or in the
        next one: the erasure itself is done, and whoever asked for it is told so.
        """
        if await self._tried():
            return True
        self.start()
        return False

    async def _tried(self) -> bool:
        for _ in range(TRIES):
            try:
                if await self._store.purge_files():
                    return True
            except HMLRError as error:
                logger.warning("erased content waits to leave the files: %s", type(error).__name__)
                return False
            if await self._closes_within(WAIT_S):
                break
        return False

    async def aclose(self) -> None:
        """End after the try that runs; what is still pending is left to the next process."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _finish(self) -> None:
        while not self._closing.is_set():
            try:
                if not await self._store.purge_pending() or await self._store.purge_files():
                    return
            except HMLRError as error:  # still pending, and `doctor` says so
                logger.warning("erased content waits to leave the files: %s", type(error).__name__)
            await self._closes_within(self._retry_s)

    async def _closes_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return False
        return True
