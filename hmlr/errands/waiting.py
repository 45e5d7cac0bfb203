"""Waiting for the first of several things, and for tasks to end in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def first_of(*events: Coroutine[Any, Any, object], timeout_s: float) -> None:
    """Wait until one of them is there, or the time is over; the others are cancelled."""
    tasks = [asyncio.create_task(each) for each in events]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await ended(tasks, grace_s=0.0)


async def ended(tasks: Iterable[asyncio.Task[Any]], *, grace_s: float) -> None:
    """Wait for tasks; those that take longer are cancelled, and waited for as well."""
    left = set(tasks)
    if left and grace_s > 0:
        _, left = await asyncio.wait(left, timeout=grace_s)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
