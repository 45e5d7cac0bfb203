"""Tests that measure time run alone, also when the others run on several workers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there, run the tests on one worker
    fcntl = None  # type: ignore[assignment]


@contextmanager
def place_among_workers(*, alone: bool) -> Iterator[None]:
    """Hold the floor: shared with other tests, or alone. Does nothing where there is one worker."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None or fcntl is None:
        yield
        return
    place = Path(tempfile.gettempdir()) / f"alone-{run}"
    with place.with_suffix(".queue").open("w") as queue, place.with_suffix(".floor").open("w") as floor:
        # First come, first served: many sharers would keep one out for ever.
        fcntl.flock(queue, fcntl.LOCK_EX)
        fcntl.flock(floor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(queue, fcntl.LOCK_UN)
        yield
