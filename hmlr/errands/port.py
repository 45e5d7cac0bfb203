"""The port to the workers' queues. Every adapter passes `tests/errands`.

An errand is to learn or to garden for one user. Whatever a queue does, an effect on memory happens once: each
job is leased in the store with a token, and its effect is one transaction with the end of the lease. A queue
says who looks at whom and when, no more; it holds ids of users and nothing that they said.

- A user is looked at by one place of one worker at a time.
- What a worker had that ended without a word is taken over by another one, within twice the lease.
- An errand that fails is tried again after waits that grow, then parked until `retry`; others go on.
- Safe for any number of workers in any number of processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hmlr.records import Queue, UserId, WorkState

LEARN_EVERY_S = 30.0
QUEUES: tuple[Queue, ...] = ("learn", "garden")  # the first goes first


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One user to be looked at."""

    queue: Queue
    user: UserId


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a worker works."""

    queues: Sequence[Queue]
    concurrency: int  # errands at a time
    every_s: float  # how often it is looked for what has become finished
    lease_s: float  # without a sign of life for so long, a worker is taken to be dead
    retry_s: float  # the first wait after a failure; see `back_off`
    grace_s: float  # how long what runs may still take when the worker is stopped

    def period_s(self, queue: Queue) -> float:
        """How often it is looked for users of a queue: somebody may wait for what was said to be learned."""
        return min(LEARN_EVERY_S, self.every_s) if queue == "learn" else self.every_s


class Work(Protocol):
    """What workers do, whatever the queue."""

    async def users_left(self, queue: Queue) -> Sequence[UserId]:
        """Whom there is something to do for."""

    async def do(self, errand: Errand) -> datetime | None:
        """Do it; when the user is to be looked at again, None: when there is something new.

        Cancelled, it gives back what it has begun.
        """


class Errands(Protocol):
    """The queues of one database, open."""

    async def serve(self, work: Work, shift: Shift, stop: asyncio.Event) -> None:
        """Do errands until `stop` is set; then no new one, and what runs is finished or cancelled in time.

        Lives through failures of the database server.
        """

    async def state(self) -> WorkState:
        """What the workers have before them."""

    async def retry(self, user: UserId) -> int:
        """Make the user's parked errands due again; the number of them."""

    async def aclose(self) -> None:
        """Let go of connections; safe to call twice."""


PARK_AFTER = 6  # attempts
BACK_OFF_TIMES = 5.0  # each wait is so many times the one before


def back_off(attempts: int, first_s: float) -> float | None:
    """The wait in seconds after so many attempts that failed; None after the last one."""
    return None if attempts >= PARK_AFTER else first_s * BACK_OFF_TIMES ** (attempts - 1)
