"""The workers' queues on procrastinate, for what is said of that adapter alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr.core.services import utc_now
from hmlr.errands.on_procrastinate import ProcrastinateErrands, open_procrastinate
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres
from tests.store.making import slices


@pytest.fixture
async def procrastinate(postgres_url: str) -> AsyncIterator[ProcrastinateErrands]:
    reach = Reach(url=postgres_url)
    store = await open_postgres(reach, slicer=slices)
    queue = await open_procrastinate(reach, store, utc_now, lease_s=2.0)
    await queue._build()
    yield queue
    await queue.aclose()
    await store.aclose()
