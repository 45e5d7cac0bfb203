"""The tools with which a model looks into one user's memory; what they return is counted and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from hmlr.deep_records import Evidence
from hmlr.errors import InvalidInput
from hmlr.llm.tools import Tool, tool
from hmlr.memory.deep.evidence import MAX_TEXT_CHARS, Numbered
from hmlr.memory.deep.places import Memory
from hmlr.memory.retrieval.hydration import tokens_of
from hmlr.memory.retrieval.recall import RecallRequest
from hmlr.records import Fact, FactState, Turn, TurnId
from hmlr.store.records import TurnQuery

MAX_CALLS = 40  # of one question, all rounds together
MAX_LISTED = 40  # facts in one result
MAX_HITS = 20
MOST_DOSSIERS = 3
EVERY_STATE: tuple[FactState, ...] = ("active", "superseded", "invalidated")

Query = Annotated[str, Field(description="A question or some words.", max_length=2000)]
Name = Annotated[str, Field(description='As written; "user" is the owner of the memory.', max_length=200)]
Day = Annotated[datetime | None, Field(description="A date, such as 2025-03-01.")]


@dataclass
class Tools:
    """The five tools of one question, with what they have returned. `now` is when it is asked."""

    memory: Memory
    numbered: Numbered
    now: datetime
    budget_tokens: int  # of all results together
    used_tokens: int = 0
    calls: int = 0
    shown: set[int] = field(default_factory=set)  # numbers of the evidence that the model has seen

    def offered(self) -> list[Tool]:
        """The tools as a model may call them."""
        return [tool(each) for each in (self.search, self.facts, self.dossier, self.timeline, self.turn)]

    async def search(
        self,
        query: Query,
        since: Day = None,
        until: Day = None,
        limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 8,
    ) -> str:
        """Find what was said, best first. `since` and `until` (exclusive) bound when it was said."""
        self._called()
        request = RecallRequest(query=query, limit=limit, now=self.now, since=_utc(since), until=_utc(until))
        hits = await self.memory.recall(request)
        turns = {turn.turn_id: turn for turn in await self._turns([hit.turn_ids[0] for hit in hits])}
        found = [
            self.numbered.turn(turns[hit.turn_ids[0]], hit.text) for hit in hits if hit.turn_ids[0] in turns
        ]
        return self._result(found)

    async def facts(
        self,
        subject: Annotated[Name | None, Field(description="Of whom or what; any of its names.")] = None,
        key: Annotated[str | None, Field(description="What is said of it, such as policy.")] = None,
        past: Annotated[bool, Field(description="Also what no longer holds.")] = True,
    ) -> str:
        """List known facts of a subject, of a kind, or both, each with the words it was taken from."""
        self._called()
        if subject is None and key is None:
            raise InvalidInput("give subject, key or both")
        states = EVERY_STATE if past else EVERY_STATE[:1]
        found = await self.memory.facts.facts(subject=subject, key=key, states=states)
        return self._result(self._evidence(found))

    async def dossier(self, query: Query) -> str:
        """Find the summaries of the themes that a question is about, each followed by its facts."""
        self._called()
        vector = await self.memory.lattice.query_vector(self.memory.user, query)
        found: list[Evidence] = []
        for each in await self.memory.dossiers.about(query, vector, limit=MOST_DOSSIERS):
            found.append(self.numbered.dossier(each.dossier, each.facts))
            found += self._evidence(each.facts)
        return self._result(found)

    async def timeline(self, entity: Name) -> str:
        """All that is known of a person or thing under any of its names, in the order of event time."""
        self._called()
        line = await self.memory.facts.timeline(entity)
        found = self._evidence(line.facts)
        return f"names: {', '.join(line.names)}\n{self._result(found)}"

    async def turn(
        self, evidence: Annotated[int, Field(description="The number of a piece of evidence.", ge=1)]
    ) -> str:
        """Show the whole turn in which a piece of evidence was said, and the turns before and after it."""
        self._called()
        if evidence not in self.shown:
            raise InvalidInput(f"[{evidence}] was not returned", hint="Take a number that a tool returned")
        found = await self._turns(self.numbered.found[evidence - 1].turn_ids[:1])
        if not found:
            raise InvalidInput(f"the turn of [{evidence}] was forgotten")
        turn = found[0]
        session, words = turn.session_id, self.numbered.found[evidence - 1].text
        before = TurnQuery(session_id=session, before_seq=turn.seq, newest=True, limit=1)
        after = TurnQuery(session_id=session, after_seq=turn.seq, limit=1)
        store, user = self.memory.store, self.memory.user
        near = (*await store.turns(user, before), turn, *await store.turns(user, after))
        return self._result(
            [
                self.numbered.turn(each, around(message.content, words))
                for each in near
                for message in each.messages
            ]
        )

    def _evidence(self, facts: Sequence[Fact]) -> list[Evidence]:
        """The facts, of secrets those that the question asks for."""
        return [self.numbered.fact(fact) for fact in self.numbered.hidden.facts(facts)]

    def _called(self) -> None:
        """Count a call. InvalidInput, which the model is told, when there were too many."""
        self.calls += 1
        if self.calls > MAX_CALLS or self.used_tokens >= self.budget_tokens:
            raise InvalidInput("the budget of this question is spent", hint="Answer from what you have")

    def _result(self, found: Sequence[Evidence]) -> str:
        """The evidence as text, as far as the budget goes; what does not fit is not shown."""
        lines: list[str] = []
        for each in list(dict.fromkeys(found))[:MAX_LISTED]:
            text = self.numbered.shown(each)
            if self.used_tokens + tokens_of(text) > self.budget_tokens:
                self.used_tokens = self.budget_tokens
                lines.append("[the budget of this question is spent: answer from what you have]")
                break
            self.used_tokens += tokens_of(text)
            self.shown.add(each.number)
            lines.append(text)
        if len(found) > MAX_LISTED:
            lines.append(f"[and {len(found) - MAX_LISTED} more: ask more narrowly]")
        return "\n".join(lines) or "nothing"

    async def _turns(self, turn_ids: Sequence[TurnId]) -> list[Turn]:
        if not turn_ids:
            return []
        return await self.memory.store.turns(self.memory.user, TurnQuery(turn_ids=tuple(turn_ids)))


def around(text: str, words: str) -> str:
    """A slice of a text, MAX_TEXT_CHARS long at most, with the words in its middle when they stand in it."""
    middle = max(0, text.find(words)) + len(words) // 2
    start = max(0, min(middle - MAX_TEXT_CHARS // 2, len(text) - MAX_TEXT_CHARS))
    return text[start : start + MAX_TEXT_CHARS]


def _utc(moment: datetime | None) -> datetime | None:
    """A model's time; without a zone it is UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
