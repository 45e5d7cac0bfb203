"""What a cancelled caller waits for all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that goes on, and is waited for, however often the caller is cancelled meanwhile.

    Then CancelledError is raised. A scope of anyio cancels in every round of the loop, until its task ends.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # its failure is known: nobody asks for the result any more
    raise cancelled
