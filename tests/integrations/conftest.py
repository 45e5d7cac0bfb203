"""Fixtures of the tests of integrations: an open offline memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.testing import hash_embedder


@pytest.fixture
async def hmlr(tmp_path: Path) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(tmp_path / "m.db", "ada", model="offline", embedder=hash_embedder()) as client:
        yield client
