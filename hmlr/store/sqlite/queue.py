"""The calls that wait for the writing thread, and for how long.

The thread first gets the lock, then takes what waits by then: what arrives while another process writes goes
into the same transaction. The kernel's queue for the lock knows no timeout, so the patience is that of the
calls: a second thread refuses those that have waited too long, and the first one keeps its place.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from hmlr.store.sqlite.calls import Call
from hmlr.threads import start_thread

_MOST_IN_GROUP = 64  # bounds how long the first caller of a group waits for the last


class CallQueue:
    """Calls in their order; each is taken once, or refused with what `late` makes. Thread-safe."""

    def __init__(self, patience_s: float, late: Callable[[], Exception]) -> None:
        self._patience_s = patience_s
        self._late = late
        self._calls: deque[tuple[float, Call]] = deque()  # with the moment of their arrival
        self._asked: float | None = None  # since when the lock is waited for
        self._closed = False
        self._sleeps = False  # the watching thread, until the first call would be late
        guard = threading.Lock()
        self._arrived = threading.Condition(guard)
        self._watched = threading.Condition(guard)
        self._watcher = start_thread(self._watch, "hmlr-patience")

    def put(self, call: Call) -> None:
        """Add a call at the end."""
        with self._arrived:
            self._calls.append((time.monotonic(), call))
            self._arrived.notify()
            self._wake()

    def wait(self) -> bool:
        """Wait for a call; False when the queue is closed."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._calls or self._closed)
            return not self._closed

    def asking(self) -> None:
        """From now on the lock is waited for, and calls can be late."""
        with self._watched:
            self._asked = time.monotonic()
            self._wake()

    def take(self) -> list[Call]:
        """The next calls that may share a transaction, or a single one that must be alone.

        None that was given up, and maybe none at all. They can't be cancelled any more.
        """
        with self._arrived:
            self._asked = None
            group: list[Call] = []
            while self._calls and len(group) < _MOST_IN_GROUP:
                call = self._calls[0][1]
                if group and (group[0].alone or call.alone):
                    break
                self._calls.popleft()
                # A caller that gave up while its call was queued: the call is dropped.
                if call.future.set_running_or_notify_cancel():
                    group.append(call)
            return group

    def close(self) -> None:
        """Let who waits for a call end, and the thread that watches; nothing may be put any more."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
            self._watched.notify()
        self._watcher.join()

    def _wake(self) -> None:
        if self._asked is not None and self._calls and not self._sleeps:
            self._watched.notify()

    def _watch(self) -> None:
        with self._watched:
            while not self._closed:
                if self._asked is None or not self._calls:
                    self._watched.wait()
                    continue
                arrived, call = self._calls[0]
                left = max(arrived, self._asked) + self._patience_s - time.monotonic()
                if left > 0:
                    self._sleeps = True
                    self._watched.wait(left)
                    self._sleeps = False
                    continue
                self._calls.popleft()
                if call.future.set_running_or_notify_cancel():
                    call.future.set_exception(self._late())
