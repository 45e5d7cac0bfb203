"""Writing: one thread owns the one writing connection and commits what is queued together.

Group commit: what waits is run in one transaction, each call in its own savepoint, and all are answered
after one COMMIT, so that sixteen callers pay for one fsync. A call that fails is rolled back alone; when
the transaction itself fails, every call of the group gets the error and nothing was stored.

The lock comes first, then the calls: until no other process writes, nothing is taken from the queue.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from hmlr.store.sqlite import log as sqlite_log
from hmlr.store.sqlite.calls import Call
from hmlr.store.sqlite.collecting import no_collection
from hmlr.store.sqlite.engine import Database, Link
from hmlr.store.sqlite.errors import translated
from hmlr.store.sqlite.queue import CallQueue
from hmlr.threads import settle, start_thread

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Writer:
    """The thread that writes, on the open connection `link` until that fails."""

    def __init__(self, database: Database, link: Link) -> None:
        self._database = database
        self._link: Link | None = link
        self._is_sure = False  # what this connection found in the log is known to be on the disk
        self._queue = CallQueue(database.lock.timeout_s, database.lock.busy)
        self._thread = start_thread(self._loop, "hmlr-writer")

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a function; its future is done when what it did is on disk, or rolled back.

        Raises StorageBusy when other processes hold the lock for too long; it is not run later then.
        """
        return self._put(Call(work))

    def submit_alone(self, work: Callable[[Link], T]) -> Future[T]:
        """Queue a function that runs outside any transaction, holding the write lock."""
        return self._put(Call(partial(self._run_alone, work), alone=True))

    def close(self) -> None:
        """Finish what is queued, move the write-ahead log into the database and close; blocks.

        When another process does not let go of the lock in time, what is left is refused and nothing moved.
        """
        finish = self._put(Call(self._finish, alone=True))
        wait([finish])
        self._queue.close()
        # Late, the thread still waits for the lock; it ends when it gets that, and has no call to run.
        if finish.exception() is None:
            self._thread.join()
        # Without the lock another process has the file open, so that closing makes no checkpoint.
        self._discard()

    def _put(self, call: Call) -> Future[Any]:
        self._queue.put(call)
        return call.future

    def _loop(self) -> None:
        while self._queue.wait():
            calls: list[Call] = []
            group: Future[list[Future[Any]]] = Future()
            settle(group, partial(self._serve, calls))
            # The lock itself failed, and nothing was taken yet.
            failure = group.exception()
            _answer(calls or (self._queue.take() if failure else []), group)
            del calls, group, failure  # or results would live until the next call

    def _serve(self, calls: list[Call]) -> list[Future[Any]]:
        """Take the next calls, into the list, and run them: the outcome of each."""
        lock = self._database.lock
        with translated(self._database.path), ExitStack() as afterwards, lock.queued(self._queue.asking):
            # Until the lock is released, too: what was put off begins as soon as it may.
            afterwards.enter_context(no_collection())
            calls += self._queue.take()
            if not calls:
                return []
            if not calls[0].alone:
                return self._transact(calls)
            outcome: Future[Any] = Future()
            settle(outcome, partial(calls[0].run, None))
            return [outcome]

    def _transact(self, calls: list[Call]) -> list[Future[Any]]:
        raw = self._open().raw
        try:
            self._make_sure(raw)
            raw.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(call) for call in calls]
            raw.execute("COMMIT")
        except BaseException:
            # After a failed fsync nothing this connection believes is sure; a new one reads the disk.
            self._discard()
            raise
        return outcomes

    def _make_sure(self, raw: sqlite3.Connection) -> None:
        """Put on the disk what a process that was killed, or a failed fsync, has left in the log.

        SQLite shows it as committed, and a repeated call would be answered with it. An fsync of the log is
        not enough: after one that failed the system takes the pages for written. PASSIVE waits for nobody,
        and no reader holds it back before that point: who reads from before never sees what was left.
        """
        if self._is_sure:
            return
        _, read, _ = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        # Now or never: the next write begins the log anew.
        unread = sqlite_log.unread(self._database.path, max(read, 0))
        if unread:
            self._database.unread_frames = unread
            logger.warning("the write-ahead log is damaged: its last writes are lost")
        self._is_sure = True

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
        with translated(self._database.path):
            link = self._open()
            try:
                self._make_sure(link.raw)
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
            self._is_sure = False

    def _finish(self, _: None) -> None:
        if self._link is None:
            return
        with translated(self._database.path):
            # Without waiting: who still reads, here or in another process, makes it a partial one.
            self._link.raw.execute("PRAGMA busy_timeout = 100")
            self._link.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._discard()  # holding the lock, for closing the last connection makes a checkpoint


def _answer(calls: list[Call], group: Future[list[Future[Any]]]) -> None:
    failure = group.exception()
    outcomes = [] if failure else group.result()
    for number, call in enumerate(calls):
        error = failure or outcomes[number].exception()
        if error:
            call.future.set_exception(error)
        else:
            call.future.set_result(outcomes[number].result())
