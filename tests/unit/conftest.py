"""The real default model, exported once per run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.memory.embeddings.minilm import MiniLMEmbedder
from tests.unit.exported import load_in_processes


@pytest.fixture(scope="session")
def first_loads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    cache_dir = tmp_path_factory.mktemp("embedder") / "cache"
    return cache_dir, load_in_processes(cache_dir, 2)


@pytest.fixture(scope="session")
def model(first_loads: tuple[Path, list[dict[str, object]]]) -> MiniLMEmbedder:
    return MiniLMEmbedder(first_loads[0])
