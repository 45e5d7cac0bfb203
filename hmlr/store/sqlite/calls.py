"""Calls to the threads that talk to SQLite: a function, and the future that gets its outcome.

A whole operation runs in one hop to its thread, so nothing can be cancelled in the middle of a
transaction, and the event loop pays once per call and not once per statement.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Call:
    """One function to run with a connection."""

    run: Callable[[Any], Any]
    alone: bool = False  # outside any transaction, for VACUUM and checkpoints; it gets the Link
    future: Future[Any] = field(default_factory=Future)
