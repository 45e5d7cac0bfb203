"""Threads for blocking calls that may never return: after its deadline such a call costs its thread alone."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hmlr.errors import ClosedError, OutOfResources
from hmlr.threads import settle, start_thread

T = TypeVar("T")

# So many threads may be given up for calls that do not return; then nothing is tried until one does.
MAX_LOST = 2
# Native code must not be cut off when the interpreter ends, and a model half exported would be made again.
EXIT_WAIT_S = 60.0


class OverdueError(Exception):
    """The call has not returned within its deadline, or none is tried since earlier ones have not."""


@dataclass(eq=False)
class _Call:
    run: Callable[[], Any]
    due: float  # of the monotonic clock
    lost: bool = False  # overdue while it ran: its thread ends with it
    future: Future[Any] = field(default_factory=Future)


class Workers:
    """A few daemon threads, started as they are needed. Several event loops may use them."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._pid = os.getpid()
        self._closed = False
        self._waiting: deque[_Call] = deque()
        self._running: set[_Call] = set()
        self._threads = 0  # without those that are lost
        self._changed = threading.Condition()
        _everywhere.add(self)

    async def run(self, work: Callable[[], T], timeout_s: float) -> T:
        """What the function returns or raises. When the caller is cancelled it is finished and dropped.

        OverdueError after the deadline, ClosedError when the workers are closed before it has begun.
        """
        call = self._put(work, timeout_s)
        future = asyncio.wrap_future(call.future)
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            if not future.done():  # overdue, or the caller is cancelled: dropped if it has not begun
                call.future.cancel()
                future.cancel()
                self._give_up()
        if future.cancelled():
            if self._closed:
                raise ClosedError("The embedding service was closed while a call waited")
            raise OverdueError(f"has not answered within {timeout_s:g} s")
        result: T = future.result()
        return result

    def close(self) -> None:
        """Take no more work and drop what has not begun; what runs goes on. Returns at once."""
        with self._changed:
            self._closed = True
            while self._waiting:
                self._waiting.popleft().future.cancel()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait until nothing runs any more but what is lost; does nothing in a fork, which has no threads."""
        if os.getpid() == self._pid:
            with self._changed:
                self._changed.wait_for(lambda: all(call.lost for call in self._running), timeout_s)

    def _put(self, work: Callable[[], Any], timeout_s: float) -> _Call:
        self._give_up()
        call = _Call(work, time.monotonic() + timeout_s)
        with self._changed:
            if self._closed:
                raise ClosedError("The embedding service is closed")
            if sum(each.lost for each in self._running) >= MAX_LOST:
                raise OverdueError(f"has yet to answer {MAX_LOST} calls before this one")
            self._waiting.append(call)
            try:
                self._staff()
            except OutOfResources:
                self._waiting.remove(call)
                raise
        return call

    def _staff(self) -> None:
        """Have a thread for each call, up to the size. Under the lock."""
        busy = sum(not call.lost for call in self._running)
        if self._threads < min(self._size, busy + len(self._waiting)):
            try:
                start_thread(self._work, self._name)
            except OutOfResources:
                if not self._threads:  # else those that are there do it
                    raise
            else:
                self._threads += 1
        self._changed.notify_all()

    def _give_up(self) -> None:
        """Write off the threads of calls that are overdue, whoever waited for them."""
        now = time.monotonic()
        with self._changed:
            for call in self._running:
                if not call.lost and call.due <= now:
                    call.lost = True
                    self._threads -= 1
                    with contextlib.suppress(OutOfResources):  # the next call tries again
                        self._staff()

    def _work(self) -> None:
        while (call := self._take()) is not None:
            settle(call.future, call.run)
            with self._changed:
                self._running.discard(call)
                self._changed.notify_all()
                if call.lost:  # another thread has taken this one's place
                    return
            del call  # or its result would live until the next one

    def _take(self) -> _Call | None:
        """The next call, None when there will be none."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    self._threads -= 1
                    return None
                call = self._waiting.popleft()
                if call.future.set_running_or_notify_cancel():
                    self._running.add(call)
                    return call


_everywhere: weakref.WeakSet[Workers] = weakref.WeakSet()


@atexit.register
def _join_all() -> None:
    end = time.monotonic() + EXIT_WAIT_S
    for workers in list(_everywhere):
        workers.join(max(end - time.monotonic(), 0))
