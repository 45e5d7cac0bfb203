"""How much a fault test does: bounded in CI, the full figures with FAULTS=full."""

from __future__ import annotations

import os

FULL = os.environ.get("FAULTS") == "full"


def figure(bounded: int, full: int) -> int:
    """The number that is wanted now."""
    return full if FULL else bounded
