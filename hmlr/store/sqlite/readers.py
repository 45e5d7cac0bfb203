"""Reading: a few threads with a connection each; every call sees one snapshot and waits for no writer."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Row, Select

from hmlr.errors import ClosedError, OutOfResources
from hmlr.store.sqlite.calls import Call
from hmlr.store.sqlite.engine import Database, Link
from hmlr.store.sqlite.errors import translated
from hmlr.threads import settle, start_thread

T = TypeVar("T")


class Readers:
    """A pool of reading threads, started as they are needed."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0  # calls queued or running
        self._guard = threading.Lock()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a function; it runs in a read transaction."""
        call = Call(work)
        with self._guard:
            if self._unfinished >= len(self._threads) < self._size:
                self._start()
            self._unfinished += 1
        self._calls.put(call)
        return call.future

    def _start(self) -> None:
        try:
            self._threads.append(start_thread(self._loop, "hmlr-reader"))
        except OutOfResources:
            if not self._threads:  # else those that are there do it
                raise

    def close(self) -> None:
        """Finish what is queued and close the connections; blocks."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        snapshot = Snapshots(self._database)
        while (call := self._calls.get()) is not None:
            if call.future.set_running_or_notify_cancel():
                settle(call.future, partial(snapshot.read, call.run))
            with self._guard:
                self._unfinished -= 1
            del call  # or its result would live until the next one
        snapshot.close()


class Snapshots:
    """Read transactions on one connection, which is opened when needed and thrown away when it failed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._link: Link | None = None

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run in one snapshot and let it go."""
        result = self.step(work)
        with translated(self._database.path):
            self._begun().raw.execute("ROLLBACK")
        return result

    def step(self, work: Callable[[Connection], T]) -> T:
        """Run in the snapshot that is open, or in a new one that stays open."""
        with translated(self._database.path):
            try:
                return work(self._begun().connection)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the connection, and the snapshot with it."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _begun(self) -> Link:
        if self._link is None:
            self._link = self._database.reader()
        if not self._link.raw.in_transaction:
            self._link.raw.execute("BEGIN")
        return self._link


class HeldSnapshot:
    """One snapshot over several steps, for an export; closed by whoever comes first, export or store."""

    def __init__(self, database: Database) -> None:
        self._snapshots = Snapshots(database)
        self._rows: CursorResult[Any] | None = None
        self._guard = threading.Lock()
        self._closed = False

    async def pages(self, statement: Select[Any], size: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of a query, so many at a time. ClosedError when the store was closed meanwhile."""
        await asyncio.to_thread(self._start, statement)
        while page := await asyncio.to_thread(self._fetch, size):
            yield page

    async def close(self) -> None:
        """Let the snapshot go."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Let the snapshot go; blocks while a page is read."""
        with self._guard:
            self._closed = True
            if self._rows is not None:  # a query half read would keep the snapshot in the file
                self._rows.close()
            self._snapshots.close()

    def _start(self, statement: Select[Any]) -> None:
        with self._guard:
            self._check()
            self._rows = self._snapshots.step(lambda connection: connection.execute(statement))

    def _fetch(self, size: int) -> Sequence[Row[Any]]:
        with self._guard:
            self._check()
            rows = self._rows
            return self._snapshots.step(lambda _: rows.fetchmany(size) if rows is not None else [])

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("the store was closed during the export", hint="Open it and repeat")
