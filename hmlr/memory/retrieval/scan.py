"""The largest of many values, block by block: what a block needs stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hmlr.memory.retrieval.signals import Rows, Signal

BLOCK = 1 << 15  # rows
SLACK = 8  # of what is asked for: so many are kept before the least are dropped


def best_rows(n: int, count: int, values_of: Callable[[slice], Signal]) -> Rows:
    """The rows of the `count` largest finite values of n, ascending; of equal ones the older.

    `values_of` gives the values of a stretch of rows.
    """
    rows, values = np.zeros(0, np.int64), np.zeros(0, np.float32)
    least = -np.inf
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        found = values_of(part)
        larger = np.flatnonzero(found > least)  # what equals the least so far is younger than it
        rows = np.concatenate([rows, larger + start])
        values = np.concatenate([values, found[larger]])
        if len(rows) > SLACK * count or part.stop == n:
            kept = _largest(values, count)
            rows, values = rows[kept], values[kept]
            least = values.min() if len(rows) >= count else -np.inf
    return rows


def _largest(values: Signal, count: int) -> Rows:
    """Where the largest finite values stand, ascending; of equal ones the first."""
    at = np.arange(len(values))
    if count < len(values):
        least = np.partition(values, -count)[-count]
        better = np.flatnonzero(values > least)
        equal = np.flatnonzero(values == least)[: count - len(better)]
        at = np.sort(np.concatenate([better, equal]))
    return at[np.isfinite(values[at])]
