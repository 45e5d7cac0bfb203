"""Something that happens to a call at a suspension: every place where it can be cancelled is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from anyio import CancelScope

Call = Callable[[], Coroutine[Any, Any, object]]


class At:
    """Awaits a coroutine; when it suspends for the k-th time, something happens."""

    def __init__(self, work: Coroutine[Any, Any, object], k: int, happens: Callable[[], object]) -> None:
        self._work = work
        self._k = k
        self._happens = happens

    def __await__(self) -> Generator[Any, Any, object]:
        steps = self._work.__await__()
        error: BaseException | None = None
        for count in range(1, 1_000_000):
            try:
                waits_for = next(steps) if error is None else steps.throw(error)
            except StopIteration as done:
                return done.value
            if count == self._k:
                self._happens()
            error = None
            try:
                yield waits_for
            except BaseException as raised:  # noqa: BLE001 - handed on
                error = raised
        raise AssertionError("it never ends")


async def cancelled_at(call: Call, k: int) -> bool:
    """Run a call and cancel it, once, at its k-th suspension; whether it came to its end first."""

    async def work() -> object:
        task = asyncio.current_task()
        assert task is not None
        return await At(call(), k, task.cancel)

    try:
        await asyncio.create_task(work())
    except asyncio.CancelledError:
        return False
    return True


async def cancelled_from(call: Call, k: int) -> bool:
    """Run a call and cancel it from its k-th suspension on, in every round of the loop, as anyio does."""
    with CancelScope() as scope:
        await At(call(), k, scope.cancel)
        return True
    return False
