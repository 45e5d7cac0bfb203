"""The client for synchronous programs: the same door over a portal, no second implementation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial, wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from hmlr.client import HMLRClient as AsyncClient
from hmlr.errors import ClosedError
from hmlr.records import ReplyPart

T = TypeVar("T")
INTERRUPTED_S = 5.0


class HMLRClient:
    """`hmlr.HMLRClient` without `await`: every method of it, blocking, with the same arguments and results.

    Use it as a context manager. It may be called from several threads; not from a running event loop,
    where the asynchronous client belongs.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._client = AsyncClient(*args, **kwargs)
        self._portal: BlockingPortal | None = None
        self._stack = ExitStack()

    @property
    def user_id(self) -> str:
        """The owner of the memory."""
        return self._client.user_id

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._client))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client and its portal. Safe to repeat."""
        self._stack.close()
        self._portal = None

    def chat_stream(self, message: str, **options: Any) -> Iterator[ReplyPart]:
        """Like `HMLRClient.chat_stream`, as a plain iterator."""
        yield from self._each(self._client.chat_stream(message, **options))

    def export_lines(self) -> Iterator[str]:
        """Like `HMLRClient.export_lines`, as a plain iterator."""
        parts = self._client.export_lines()
        try:
            yield from self._each(parts)
        finally:
            self._open_portal().call(parts.aclose)

    def _each(self, parts: AsyncIterator[T]) -> Iterator[T]:
        portal = self._open_portal()
        while True:
            try:
                yield _result(portal, parts.__anext__)
            except StopAsyncIteration:
                return

    def __getattr__(self, name: str) -> Any:
        """The blocking twin of an asynchronous method; anything else as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self._client, name)
        if not iscoroutinefunction(method):
            return method

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            return _result(self._open_portal(), partial(method, *args, **kwargs))

        return call

    def _open_portal(self) -> BlockingPortal:
        if self._portal is None:
            raise ClosedError("the client is not open", hint="Use `with HMLRClient(...) as hmlr:`")
        return self._portal


def _result(portal: BlockingPortal, call: Callable[[], Awaitable[T]]) -> T:
    """What the call returns. Who interrupts it waits until it has left nothing half done."""
    interruptible = _Interruptible(call)
    try:
        return portal.start_task_soon(interruptible.run).result()
    except KeyboardInterrupt:
        portal.call(interruptible.interrupt)
        interruptible.wait(INTERRUPTED_S)
        raise


class _Interruptible(Generic[T]):
    """A call that the other thread may cancel at any time, even while it is only handing it over."""

    def __init__(self, call: Callable[[], Awaitable[T]]) -> None:
        self._call = call
        self._task: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._over = threading.Event()

    async def run(self) -> T:
        self._task = asyncio.current_task()
        try:
            if self._interrupted:
                raise asyncio.CancelledError
            return await self._call()
        finally:
            self._over.set()

    def interrupt(self) -> None:
        """Cancel it, once; in the loop."""
        self._interrupted = True
        if self._task is not None:
            self._task.cancel()

    def wait(self, seconds: float) -> None:
        """Wait for its end, if it has begun."""
        if self._task is not None:
            self._over.wait(seconds)
