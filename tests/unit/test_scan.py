"""The best of many values, found block by block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.memory.retrieval import scan


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0, 1.5, 2.0, -np.inf]), max_size=60), st.integers(1, 12))
def test_the_largest_are_found_and_of_equal_ones_the_older(values: list[float], count: int) -> None:
    given = np.array(values, np.float32)
    ranked = [row for row in np.lexsort((np.arange(len(given)), -given)) if np.isfinite(given[row])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK", 3)
        patch.setattr(scan, "SLACK", 1)
        found = scan.best_rows(len(given), count, lambda part: given[part])
    assert found.tolist() == sorted(ranked[:count])


def test_each_block_is_asked_for_once() -> None:
    asked: list[slice] = []

    def values_of(part: slice) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        asked.append(part)
        return np.zeros(part.stop - part.start, np.float32)

    n = 2 * scan.BLOCK + 3
    assert scan.best_rows(n, 5, values_of).tolist() == [0, 1, 2, 3, 4]
    assert [(part.start, part.stop) for part in asked] == [
        (0, scan.BLOCK),
        (scan.BLOCK, 2 * scan.BLOCK),
        (2 * scan.BLOCK, n),
    ]
