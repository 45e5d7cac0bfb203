"""The memories of many users in one process, open side by side on one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hmlr.client import HMLRClient
from hmlr.errors import ClosedError, InvalidInput


@dataclass
class _Opened:
    client: HMLRClient
    users: int = 0  # calls that work with it now


class Memories:
    """Opens a client for each user who is asked for, once, and keeps the latest `keep` of them open.

    `async with Memories(hmlr) as memories`, inside of `async with HMLRClient(...) as hmlr`. Open memories go
    on learning in the background; one that is closed leaves its work queued for when its user comes again.
    """

    def __init__(self, hmlr: HMLRClient, *, keep: int = 100) -> None:
        if keep < 1:
            raise InvalidInput(f"keep must be 1 or more, not {keep!r}")
        self._hmlr = hmlr
        self._keep = keep
        self._opened: dict[str, _Opened] = {}  # the one used last stands last
        self._opening = asyncio.Lock()
        self._over = True

    async def __aenter__(self) -> Self:
        self._over = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._opening:
            self._over = True
            opened, self._opened = self._opened, {}
        async with AsyncExitStack() as closing:
            for each in opened.values():
                closing.push_async_callback(each.client.aclose)

    @asynccontextmanager
    async def of(self, user_id: str) -> AsyncIterator[HMLRClient]:
        """The open memory of a user. ClosedError outside of `async with`, InvalidInput for a wrong id."""
        opened = await self._open(user_id)
        try:
            yield opened.client
        finally:
            opened.users -= 1
            await self._close_idle()

    async def _open(self, user_id: str) -> _Opened:
        async with self._opening:
            if self._over:
                raise ClosedError(
                    "the memories are not open", hint="Use `async with Memories(hmlr) as memories:`"
                )
            opened = self._opened.pop(user_id, None)
            if opened is None:
                opened = _Opened(client=await self._hmlr.as_user(user_id).__aenter__())
            self._opened[user_id] = opened
            opened.users += 1
            return opened

    async def _close_idle(self) -> None:
        # Who is idle is looked up again after each: a call may have come meanwhile.
        while len(self._opened) > self._keep:
            idle = next((user for user, opened in self._opened.items() if not opened.users), None)
            if idle is None:
                return
            await self._opened.pop(idle).client.aclose()
