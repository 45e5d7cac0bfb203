"""Clients for the fault tests: the public door, without a model unless one is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hmlr import HMLRClient
from hmlr.settings import Settings

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def door(
    path: Path | str, user: str = "ada", *, settings: dict[str, Any] | None = None, **given: Any
) -> HMLRClient:
    """A client that is not open yet; search is lexical unless `embedder` is given."""
    return HMLRClient(
        settings=Settings.load(db_path=str(path), embedder="none", model="offline", **(settings or {})),
        user_id=user,
        **given,
    )


async def settled(client: HMLRClient, clock: Clock | None = None) -> None:
    """Wait until all background work is done; a test's clock is moved past back-off and leases."""
    least, idle = None, 0
    while idle < 50:  # rounds in which nothing was finished
        if await client.flush(0.2):
            return
        if clock is not None:
            clock.forward(4000)
        waiting = (await client.stats()).jobs_waiting
        idle = 0 if least is None or waiting < least else idle + 1
        least = waiting if least is None else min(least, waiting)
    raise AssertionError(f"background work does not end: {await client.stats()}")


async def said(client: HMLRClient) -> list[str]:
    """The text of every user message, in order."""
    return [turn.messages[0].content for turn in await client.turns()]
