"""Whether a fact held at a moment of event time."""

from __future__ import annotations

from datetime import datetime

from hmlr.records import Fact


def holds(fact: Fact, at: datetime) -> bool:
    """Whether the fact held at `at`; an invalidated fact never did."""
    if fact.state == "invalidated" or fact.valid_from > at:
        return False
    return fact.valid_to is None or at < fact.valid_to


def is_over(fact: Fact, now: datetime) -> bool:
    """Whether a fact that was told with an end, such as "until 30 January", has come to it."""
    return fact.valid_to is not None and fact.valid_to <= now
