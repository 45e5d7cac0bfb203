"""The client for what is known: facts, profile, topics, days, turns, dossiers, and the user's own edits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from hmlr.client.base import ClientBase
from hmlr.garden_records import Dossier, DossierFile
from hmlr.memory.intake import check_limit
from hmlr.records import (
    Block,
    BlockId,
    Contradiction,
    Day,
    DayView,
    DossierId,
    Fact,
    FactHistory,
    FactId,
    FactState,
    Profile,
    SessionId,
    Timeline,
    Turn,
    TurnId,
)
from hmlr.store.records import TurnQuery

MAX_TURNS = 1_000_000  # in one answer


class Knowing(ClientBase):
    """See what is known, with its sources, and put it right."""

    async def facts(
        self,
        *,
        subject: str | None = None,
        key: str | None = None,
        kind: str | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        states: Sequence[FactState] = ("active",),
    ) -> list[Fact]:
        """Facts by subject, under any of its names, and by key.

        `kind` is a word as people say it: "pets", "dogs", "allergies", "cities". How many there are is the
        length of the list, and each has its source. With `as_of` those that held at that event time; with
        `known_at` what was known at that record time.
        """
        return await self._member.facts.facts(
            subject=subject, key=key, kind=kind, as_of=as_of, known_at=known_at, states=states
        )

    async def contradictions(self) -> list[Contradiction]:
        """Pairs of facts that cannot both hold, each with its quote and source, until one is retired."""
        return await self._member.facts.contradictions()

    async def timeline(self, entity: str) -> Timeline:
        """Everything known of an entity under any of its names, in the order of event time, in every state.

        The owner is "user".
        """
        return await self._member.facts.timeline(entity)

    async def history(self, fact_id: str) -> FactHistory:
        """All values ever held under a fact's subject and key, and every change of state."""
        return await self._member.facts.history(FactId(fact_id))

    async def correct(self, fact_id: str, value: str) -> Fact:
        """Replace a wrong value: the old fact is invalidated, the right one is given.

        It is a new one, unless an active fact of the same subject and key says the value already.
        """
        return await self._member.correct(FactId(fact_id), value)

    async def retire(self, fact_id: str, reason: str) -> Fact:
        """Mark a fact as no longer true; `restore` takes it back."""
        return await self._member.facts.retire(FactId(fact_id), reason)

    async def restore(self, fact_id: str) -> Fact:
        """Make a fact active again."""
        return await self._member.facts.restore(FactId(fact_id))

    async def profile(self) -> Profile:
        """What holds for the user in every conversation."""
        return await self._member.profile()

    async def blocks(self) -> list[Block]:
        """Topics, the one with the latest turn first."""
        return await self._member.blocks.blocks()

    async def rename_block(self, block_id: str, label: str) -> Block:
        """Give a topic a label of one's own."""
        return await self._member.blocks.rename(BlockId(block_id), label)

    async def merge_blocks(self, block_id: str, into: str) -> Block:
        """Move a topic's turns into another topic."""
        return await self._member.blocks.merge(BlockId(block_id), BlockId(into))

    async def split_block(self, block_id: str, at_turn: str) -> Block:
        """Move a topic's turns from the given one on into a new topic."""
        return await self._member.blocks.split(BlockId(block_id), TurnId(at_turn))

    async def resume_block(self, block_id: str) -> Block:
        """Make a topic the active one; a session that begins with the next turn takes it up."""
        return await self._member.blocks.resume(BlockId(block_id))

    async def days(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Day]:
        """The days on which something was said, in UTC, the latest first, each with its topics."""
        return await self._member.days.days(since, until)

    async def day(self, day: date) -> DayView:
        """One day: its topics, and the turns of each; an empty one when nothing was said."""
        return await self._member.days.day(day)

    async def turns(
        self,
        *,
        session_id: str | None = None,
        block_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        turn_ids: Sequence[str] | None = None,
        after_seq: int | None = None,
        before_seq: int | None = None,
        newest: bool = False,
    ) -> list[Turn]:
        """Turns in the order they were stored; a day is `since` and `until`, a topic `block_id`.

        Page by page with `limit` and the `seq` of the last turn seen: `after_seq`, or with `newest` (the
        newest first) `before_seq`.
        """
        query = TurnQuery(
            turn_ids=None if turn_ids is None else tuple(TurnId(each) for each in turn_ids),
            after_seq=after_seq,
            before_seq=before_seq,
            newest=newest,
            session_id=SessionId(session_id) if session_id is not None else None,
            block_id=BlockId(block_id) if block_id is not None else None,
            since=since,
            until=until,
            limit=None if limit is None else check_limit(limit, most=MAX_TURNS),
        )
        return await self._member.turns(query)

    async def dossiers(self) -> list[Dossier]:
        """Dossiers, the one with the latest event first."""
        found = await self._member.services.store.dossiers(self.user_id, None)
        return [each.dossier for each in found]

    async def dossier(self, dossier_id: str) -> DossierFile:
        """A dossier with its facts, each with quote and turn, and every change of it. NotFound."""
        return await self._member.services.store.dossier(self.user_id, DossierId(dossier_id))
