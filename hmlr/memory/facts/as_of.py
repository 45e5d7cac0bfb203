"""Whether a fact held at a moment of event time."""

from __future__ import annotations

from datetime import datetime

from hmlr.records import Fact


def holds(fact: Fact, at: datetime) -> bool:
    """Whether the fact held at `at`; an invalidated fact never did."""
    if fact.state == "invalidated" or fact.valid_from > at:
        return False
    return fact.valid_to is None or at < fact.valid_to
