"""HashEmbedder: deterministic, unit rows, near for shared words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.memory.embeddings.hashed import HashEmbedder


@given(st.lists(st.text(), max_size=5))
def test_rows_are_unit_or_zero(texts: list[str]) -> None:
    rows = HashEmbedder().embed(texts)
    assert rows.shape == (len(texts), 64)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    assert np.all((lengths == 0) | (np.abs(lengths - 1) < 1e-5))


def test_half_a_character_is_accepted() -> None:
    assert HashEmbedder().embed(["word \ud800x"]).any()


@pytest.mark.parametrize("text", ["", "  \n", "?!"])
def test_text_without_words_gives_a_zero_row(text: str) -> None:
    assert not HashEmbedder().embed([text]).any()


def test_shared_words_are_nearer_than_none() -> None:
    query, near, far = HashEmbedder(256).embed(["my red bicycle", "a red bicycle here", "soup for lunch"])
    assert query @ near > query @ far + 0.3


def test_dim_is_in_the_id() -> None:
    assert HashEmbedder().model_id == "hash-64"
    assert (HashEmbedder(8).model_id, HashEmbedder(8).dim) == ("hash-8", 8)


def test_another_hash_seed_gives_the_same_row() -> None:
    module = "hmlr.memory.embeddings.hashed"
    code = f"from {module} import HashEmbedder; print(HashEmbedder().embed(['some words']).tolist())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{HashEmbedder().embed(['some words']).tolist()}\n".encode()}
