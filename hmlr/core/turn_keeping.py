"""The two writes of a turn: the user's message before anything else, and the reply at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from hmlr.core.services import Clock
from hmlr.core.tasks.answer.task import AnswerText
from hmlr.core.tasks.base import Answer
from hmlr.errors import NotFound
from hmlr.memory.echo import is_echo
from hmlr.memory.intake import Intake
from hmlr.memory.leasing import Leasing
from hmlr.records import Context, JobKind, Message, MessageId, SessionId, StoredMessage, Turn, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import AddedTurn, Lease, NewTurn, TurnQuery
from hmlr.threads import unless_brief

BRIEF_CHARS = 1000


class TurnKeeping:
    """Stores what is said in one user's turns, with the jobs that it needs: `jobs` tells which, each time."""

    def __init__(
        self,
        store: Store,
        user: UserId,
        intake: Intake,
        *,
        clock: Clock,
        leasing: Leasing,
        jobs: Callable[[], tuple[JobKind, ...]],
    ) -> None:
        self._store = store
        self._user = user
        self._intake = intake
        self._clock = clock
        self._leasing = leasing
        self._jobs = jobs

    @asynccontextmanager
    async def message(
        self, message: Message, session_id: SessionId, now: datetime, key: str | None = None
    ) -> AsyncIterator[tuple[Turn, AddedTurn]]:
        """Store the user's message as a turn, whose routing is the caller's as long as the block runs.

        When the key is known, the turn that was stored under it, with its reply if it has one. A caller who
        gives up before the turn is routed leaves that to the background at once. InvalidInput before
        anything is stored.
        """
        new: NewTurn = await unless_brief(
            _is_brief(message.content),
            self._intake.turn,
            message,
            session_id=session_id,
            now=now,
            jobs=self._jobs(),
            held=("route",),
            key=key,
        )
        storing = self._store.add_turns(self._user, [new])
        async with self._leasing.holding(self._user, storing, _leases) as (added,):
            yield await self._stored(new, added, session_id), added

    async def _stored(self, new: NewTurn, added: AddedTurn, session_id: SessionId) -> Turn:
        if not added.created:
            before = await self._store.turns(self._user, TurnQuery(turn_ids=(added.turn_id,)))
            if not before:
                raise NotFound(f"the turn {added.turn_id} was forgotten meanwhile")
            return before[0]
        first = new.messages[0]
        stored = StoredMessage(
            message_id=_message_id(added.turn_id, 0),
            turn_id=added.turn_id,
            session_id=session_id,
            position=0,
            role=first.role,
            speaker=first.speaker,
            content=first.content,
            occurred_at=first.occurred_at,
            recorded_at=first.recorded_at,
            metadata=first.metadata,
            owner=first.owner,
        )
        return Turn(
            turn_id=added.turn_id,
            seq=added.seq,
            session_id=session_id,
            block_id=None,
            occurred_at=first.occurred_at,
            recorded_at=first.recorded_at,
            messages=(stored,),
        )

    async def reply(self, turn: Turn, added: AddedTurn, answer: Answer[AnswerText], context: Context) -> None:
        """Store the reply, unless something was forgotten since the turn was: it may be made of that."""
        now = self._clock()
        echo = answer.by == "rule" or is_echo(answer.value.text, context)
        reply = await unless_brief(
            _is_brief(answer.value.text),
            self._intake.message,
            Message(role="assistant", content=answer.value.text, occurred_at=_reply_time(turn, now)),
            position=1,
            now=now,
            echo=echo,
        )
        jobs = () if echo else tuple(kind for kind in self._jobs() if kind in ("embed", "scrub"))
        await self._store.add_reply(self._user, turn.turn_id, reply, jobs=jobs, erasures=added.erasures)

    async def give_back(self, lease: Lease | None, reason: str) -> None:
        """Leave the routing to the background."""
        if lease is not None:
            now = self._clock()
            await self._store.fail(self._user, [lease], error=reason, retry_at=now)


def _leases(added: Sequence[AddedTurn]) -> list[Lease]:
    return [lease for each in added for lease in each.leases]


def _is_brief(content: object) -> bool:
    """Whether a text is cut into chunks and terms in less than a millisecond; intake refuses what is none."""
    return not isinstance(content, str) or len(content) <= BRIEF_CHARS


def _reply_time(turn: Turn, now: datetime) -> datetime:
    """A reply to a turn dated in the past belongs to that date, not to today."""
    live = turn.occurred_at == turn.recorded_at
    return now if live else turn.occurred_at


def _message_id(turn_id: TurnId, position: int) -> MessageId:
    return MessageId(f"{turn_id}/{position}")
