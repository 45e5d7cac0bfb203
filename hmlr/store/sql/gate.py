"""The way to the database: what each adapter's gate does for the queries of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, Select

from hmlr.records import UserId

T = TypeVar("T")


class Snapshot(Protocol):
    """One moment of the database, over several queries."""

    def pages(self, statement: Select[Any], size: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of a query, so many at a time. ClosedError when the store was closed meanwhile."""

    async def close(self) -> None:
        """Let the moment go."""


class Transaction(Protocol):
    """A write of many steps, between which its maker may wait for something else."""

    async def step(self, work: Callable[[Connection], T]) -> T:
        """Run in the transaction; one step at a time, and none after one that failed."""


class Calls(Protocol):
    """Runs functions with a connection, each in a transaction of its own, away from the event loop.

    Each call names the user whose rows it may touch; None is the operator, for what belongs to no user and
    for what is done to everybody's rows alike. A call that is given up while it waits is dropped; one that
    runs already runs to its end.
    """

    async def read(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """Run in one snapshot."""

    async def write(self, user: UserId | None, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """Run in a transaction while nobody else writes the user's rows; when it returns, it is durable.

        Operators take turns. `alone` waits for all writers and they for it: for work on everybody's rows.
        """


class Gate(Calls, Protocol):
    """Calls that end soon: a server that does not answer is an error within ten seconds."""

    @property
    def patient(self) -> Calls:
        """The same for work that may take minutes: what touches everything that a user has, or all have."""

    def change(self, user: UserId) -> AbstractAsyncContextManager[Transaction]:
        """A write of many steps: durable when the block ends, undone when it raises or the process dies.

        Whoever else writes the user's rows waits for its end, on SQLite whoever writes at all.
        """

    def hold(self, user: UserId) -> Snapshot:
        """A snapshot for a read of many steps; its user closes it, or aclose() does."""

    def check(self) -> None:
        """Raise ClosedError where a call could only hang or do harm."""

    async def aclose(self) -> None:
        """Finish what runs and close."""
