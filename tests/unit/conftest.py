"""The real default model, exported once per run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.memory.embeddings.minilm import MiniLMEmbedder
from tests import exported


@pytest.fixture(scope="session")
def first_loads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    return exported.first_loads(tmp_path_factory)


@pytest.fixture(scope="session")
def model(first_loads: tuple[Path, list[dict[str, object]]]) -> MiniLMEmbedder:
    return MiniLMEmbedder(first_loads[0])
