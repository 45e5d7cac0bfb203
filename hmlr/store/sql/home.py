"""Where a store was opened: the one process and event loop that may use it."""

from __future__ import annotations

import asyncio
import os

from hmlr.errors import ClosedError


class Home:
    """The process and the running event loop of the moment it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()

    @property
    def is_forked(self) -> bool:
        """Whether this is a child of the process that opened the store: its threads are not here."""
        return os.getpid() != self._pid

    def check(self, *, closed: bool) -> None:
        """Raise ClosedError where a call could only hang or do harm."""
        if self.is_forked:
            raise ClosedError(
                "the store was opened before a fork", hint="Open a new one in the child process"
            )
        if closed:
            raise ClosedError("the store is closed", hint="Open a new one")
        if asyncio.get_running_loop() is not self._loop:
            raise ClosedError("the store belongs to another event loop", hint="Open one in each loop")
