"""Catching up: a turn that reads the facts waits a moment for what the turns before it teach."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from hmlr.language.traits import only_asks
from hmlr.memory.foreground import Foreground
from hmlr.records import JobKind, StoredMessage, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import TurnQuery

LEARNING: tuple[JobKind, ...] = ("scrub", "scribe")
# Rules read a turn in some milliseconds, the first of a process in 300, on a busy machine more; without
# the wait, who speaks again at once would be answered from before.
WAIT_S = 2.0
LOOK_S = 0.005  # ... and it is looked for so often
# More turns than this were imported, not said: no wait of a moment would see their end.
BACKLOG = 20
# "Can you remember that I am left-handed?" asks and tells.
_TELLS = re.compile(r"\b(?:remember|note|mind|forget|save|store|record|write)\b", re.IGNORECASE)


class CatchingUp:
    """Waits for the learning of earlier turns, which the background does in its own order."""

    def __init__(
        self,
        store: Store,
        user: UserId,
        clock: Callable[[], datetime],
        foreground: Foreground,
        *,
        wait_s: float = WAIT_S,
    ) -> None:
        self._store = store
        self._user = user
        self._clock = clock
        self._foreground = foreground
        self._wait_s = wait_s

    async def before(self, seq: int) -> bool:
        """Whether every earlier turn has been learned from; False when that takes longer than a moment."""
        until = asyncio.get_running_loop().time() + self._wait_s
        waiting = await self._waiting(seq)
        if not waiting or len(waiting) > BACKLOG:
            return not waiting
        telling = await self._telling(waiting)
        with self._foreground.awaiting(self._user):
            while not telling.isdisjoint(waiting):
                if asyncio.get_running_loop().time() >= until:
                    return False
                await asyncio.sleep(LOOK_S)
                waiting = await self._waiting(seq)
        return True

    async def _waiting(self, seq: int) -> list[TurnId]:
        return await self._store.waiting_turns(
            self._user, LEARNING, before_seq=seq, most=BACKLOG + 1, now=self._clock()
        )

    async def _telling(self, turn_ids: Sequence[TurnId]) -> set[TurnId]:
        """Those of the turns that may state something: a question teaches nothing and is not waited for."""
        turns = await self._store.turns(self._user, TurnQuery(turn_ids=tuple(turn_ids)))
        return {turn.turn_id for turn in turns if any(map(_may_tell, turn.messages))}


def _may_tell(message: StoredMessage) -> bool:
    return not message.echo and (
        not only_asks(message.content[:2000]) or bool(_TELLS.search(message.content))
    )
