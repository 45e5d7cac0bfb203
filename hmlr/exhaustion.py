"""No more memory, threads or open files: what the interpreter raises then comes out as one of our errors."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, TypeVar

from hmlr.errors import OutOfResources

C = TypeVar("C")
_LIFE = ("__aenter__", "aclose")
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
# What loaders say of a compiled module that finds no room; Python has no error number for it.
_NO_ROOM = ("failed to map segment", "cannot map zero-fill pages", "Cannot allocate memory")
_HINT = "Close what is not needed or raise the limit, then repeat the call"


def told(door: type[C]) -> type[C]:
    """Have each asynchronous method of a class raise OutOfResources then: it may happen anywhere."""
    for name in dir(door):
        method = getattr(door, name)
        if name in _LIFE or not name.startswith("_"):
            if iscoroutinefunction(method):
                setattr(door, name, _called(method))
            elif isasyncgenfunction(method):
                setattr(door, name, _streamed(method))
    return door


def _called(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with _translated():
            return await method(*args, **kwargs)

    return call


def _streamed(method: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    @wraps(method)
    async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with _translated():
            async with aclosing(method(*args, **kwargs)) as parts:
                async for part in parts:
                    yield part

    return stream


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        ours = exhausted(error)
        if ours is None:
            raise
        raise ours from error


def exhausted(error: Exception) -> OutOfResources | None:
    """The error to raise in its place; None when it is another one."""
    no_room = isinstance(error, ImportError) and any(words in str(error) for words in _NO_ROOM)
    if isinstance(error, MemoryError) or no_room:
        return OutOfResources("this process gets no more memory", hint=_HINT)
    # Python has no class of its own for it, and these words since its first versions.
    if isinstance(error, RuntimeError) and error.args == ("can't start new thread",):
        return OutOfResources("this process gets no more threads", hint=_HINT)
    if isinstance(error, OSError) and error.errno in NO_MORE_FILES:
        return OutOfResources("this process gets no more open files", hint=_HINT)
    return None
