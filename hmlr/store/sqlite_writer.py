"""Writing: one thread owns the one writing connection and commits what is queued together.

Group commit: what waits is run in one transaction, each call in its own savepoint, and all are answered
after one COMMIT, so that sixteen callers pay for one fsync. A call that fails is rolled back alone; when
the transaction itself fails, every call of the group gets the error and nothing was stored.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from hmlr.store.sqlite_calls import Call, settle, start_thread
from hmlr.store.sqlite_engine import Database, Link
from hmlr.store.sqlite_errors import translated

T = TypeVar("T")

_MOST_IN_GROUP = 64  # bounds how long the first caller of a group waits for the last


class Writer:
    """The thread that writes, on the open connection `link` until that fails."""

    def __init__(self, database: Database, link: Link) -> None:
        self._database = database
        self._link: Link | None = link
        self._calls: deque[Call] = deque()
        self._waiting = threading.Condition()
        self._closed = False
        self._thread = start_thread(self._loop, "hmlr-writer")

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a function; its future is done when what it did is on disk, or rolled back."""
        return self._put(Call(work))

    def submit_alone(self, work: Callable[[Link], T]) -> Future[T]:
        """Queue a function that runs outside any transaction, holding the write lock."""
        return self._put(Call(partial(self._run_alone, work), alone=True))

    def close(self) -> None:
        """Finish what is queued, move the write-ahead log into the database and close; blocks."""
        self._put(Call(self._finish, alone=True))
        self._thread.join()

    def _put(self, call: Call) -> Future[Any]:
        with self._waiting:
            self._calls.append(call)
            self._waiting.notify()
        return call.future

    def _take(self) -> list[Call]:
        """The next calls that may share a transaction, or a single one that must be alone."""
        with self._waiting:
            self._waiting.wait_for(lambda: bool(self._calls))
            group = [self._calls.popleft()]
            while (
                self._calls and len(group) < _MOST_IN_GROUP and not (group[0].alone or self._calls[0].alone)
            ):
                group.append(self._calls.popleft())
            return group

    def _loop(self) -> None:
        while not self._closed:
            # A caller that gave up while its call was queued: the call is dropped.
            calls = [call for call in self._take() if call.future.set_running_or_notify_cancel()]
            if calls and calls[0].alone:
                settle(calls[0].future, partial(calls[0].run, None))
            elif calls:
                self._answer(calls)
            del calls  # or results would live until the next call

    def _answer(self, calls: list[Call]) -> None:
        group: Future[list[Future[Any]]] = Future()
        settle(group, partial(self._transact, calls))
        failure = group.exception()
        outcomes = [] if failure else group.result()
        for number, call in enumerate(calls):
            error = failure or outcomes[number].exception()
            if error:
                call.future.set_exception(error)
            else:
                call.future.set_result(outcomes[number].result())

    def _transact(self, calls: list[Call]) -> list[Future[Any]]:
        with translated(self._database.path), self._database.lock.held():
            raw = self._open().raw
            try:
                raw.execute("BEGIN IMMEDIATE")
                outcomes = [self._attempt(call) for call in calls]
                raw.execute("COMMIT")
            except BaseException:
                # After a failed fsync nothing this connection believes is sure; a new one reads the disk.
                self._discard()
                raise
            return outcomes

    def _attempt(self, call: Call) -> Future[Any]:
        """Run one call in its savepoint. Raises when its failure has cost the whole transaction."""
        link = self._open()
        outcome: Future[Any] = Future()
        link.raw.execute("SAVEPOINT call")
        settle(outcome, partial(self._run, call, link.connection))
        error = outcome.exception()
        if error is not None:
            if not link.raw.in_transaction:  # SQLite rolled everything back: disk full, I/O error
                raise error
            link.raw.execute("ROLLBACK TO call")
        link.raw.execute("RELEASE call")
        return outcome

    def _run(self, call: Call, connection: Connection) -> Any:
        with translated(self._database.path):
            return call.run(connection)

    def _run_alone(self, work: Callable[[Link], T], _: None) -> T:
        with translated(self._database.path), self._database.lock.held():
            link = self._open()
            try:
                return work(link)
            except BaseException:
                self._discard()
                raise

    def _open(self) -> Link:
        if self._link is None:
            self._link = self._database.writer()
        return self._link

    def _discard(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _finish(self, _: None) -> None:
        self._closed = True
        if self._link is None:
            return
        with translated(self._database.path):
            try:
                with self._database.lock.held():
                    # Without waiting: who still reads, here or in another process, makes it a partial one.
                    self._link.raw.execute("PRAGMA busy_timeout = 100")
                    self._link.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._discard()
            finally:
                # Without the lock another process has the file open, so that closing makes no checkpoint.
                self._discard()
