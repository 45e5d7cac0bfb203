"""A purge that fails is no failure of the erasure, which is done: it is finished in the background."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from hmlr.errors import LockTimeout
from hmlr.memory.purging import Purging
from hmlr.store.port import CareStore

pytestmark = pytest.mark.anyio


class Held:
    """A store whose first purges fail."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.pending = True

    async def purge_files(self) -> bool:
        if self.failures:
            self.failures -= 1
            raise LockTimeout("held")
        self.pending = False
        return True

    async def purge_pending(self) -> bool:
        return self.pending


async def test_what_fails_is_said_and_goes_on_in_the_background() -> None:
    store = Held(2)
    purging = Purging(cast("CareStore", store), retry_s=0.01)
    assert not await purging.run()
    assert purging._task is not None
    await asyncio.wait_for(purging._task, 5)
    assert not store.pending
    await purging.aclose()
