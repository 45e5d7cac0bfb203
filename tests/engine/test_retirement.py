"""What is said later retires what it is meant to retire, and nothing else: a part of the benchmark."""

from __future__ import annotations

import pytest

from benchmarks.retirement import measure, score

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]


async def test_what_is_retired_should_be():
    """Pairs of every class (docs/facts.md has the figures of 400): most changes are seen, and rightly."""
    found = score(await measure(60))
    assert found.learned >= 0.95 * found.pairs, "without facts nothing can be retired"
    assert found.precision >= 0.95
    assert found.recall >= 0.8
