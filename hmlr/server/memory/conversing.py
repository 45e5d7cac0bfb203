"""Store what was said, read it again, and ask memory."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import Field

from hmlr.client.conversing import DEFAULT_SESSION, MAX_ROUNDS
from hmlr.deep_records import DeepAnswer
from hmlr.errors import InvalidInput
from hmlr.memory.intake import MAX_ID_CHARS, MAX_KEY_CHARS, MAX_LIMIT, MAX_QUERY_CHARS
from hmlr.records import BlockId, Context, Hits, Message, Miss, NodeKind, Receipt, Role, SessionId, Turn
from hmlr.server.auth import Memory
from hmlr.server.errors import described
from hmlr.server.memory.bodies import Body, Id, Limit, Moment, StrictRoute, Tokens

router = APIRouter(prefix="/v1", tags=["memory"], route_class=StrictRoute)

TURNS_AT_ONCE = 100
Question = Annotated[str, Field(max_length=MAX_QUERY_CHARS)]
Key = Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARS)]
KeyHeader = Annotated[
    str | None,
    Header(max_length=MAX_KEY_CHARS, description="A repeated call with the same key stores nothing twice."),
]


class Said(Body):
    """One message."""

    content: str
    role: Role = "user"
    speaker: Annotated[str | None, Field(max_length=MAX_ID_CHARS)] = None
    occurred_at: Moment | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: Key | None = None

    def message(self) -> Message:
        """As the client takes it."""
        return Message(
            content=self.content,
            role=self.role,
            speaker=self.speaker,
            occurred_at=self.occurred_at,
            metadata=self.metadata,
        )


class Remember(Body):
    """Messages to store, all or none, each a turn of its own."""

    messages: Annotated[list[Said], Field(min_length=1)]
    session_id: Id = DEFAULT_SESSION


class Narrowed(Body):
    """A question, with what narrows the search."""

    query: Question
    limit: Limit | None = None
    as_of: Moment | None = None  # event time
    known_at: Moment | None = None  # record time
    since: Moment | None = None
    until: Moment | None = None
    session_id: Id | None = None
    block_id: Id | None = None
    speaker: Annotated[str | None, Field(max_length=MAX_ID_CHARS)] = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class Recall(Narrowed):
    """What to search for."""

    budget_tokens: Tokens | None = None
    kinds: list[NodeKind] | None = None
    explain: bool = False


class WhyNot(Narrowed):
    """A question, and the turn that its hits lack."""

    turn_id: Id


class Prompt(Body):
    """What a prompt is about."""

    query: Question
    budget_tokens: Tokens | None = None
    session_id: Id | None = None


class DeepQuestion(Body):
    """A question that takes several steps."""

    question: Question
    max_rounds: Annotated[int, Field(ge=1, le=MAX_ROUNDS)] = 8
    budget_tokens: Tokens = 8000


@router.post("/memories", responses=described(507))
async def remember(body: Remember, memory: Memory, idempotency_key: KeyHeader = None) -> Receipt:
    """Store messages; they are on disk, and can be recalled, when this answers."""
    keys = [each.idempotency_key for each in body.messages]
    given = [key for key in keys if key is not None]
    if given and (len(given) != len(keys) or idempotency_key is not None):
        raise InvalidInput("give every message an idempotency_key, or none and the header Idempotency-Key")
    return await memory.remember(
        [each.message() for each in body.messages],
        session_id=body.session_id,
        idempotency_key=idempotency_key,
        idempotency_keys=given or None,
    )


@router.get("/memories", responses=described())
async def turns(
    memory: Memory,
    *,
    session_id: Id | None = None,
    block_id: Id | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    after_seq: Annotated[int | None, Query(ge=0, le=2**53, description="Of the last turn read.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = TURNS_AT_ONCE,
) -> list[Turn]:
    """Turns in the order they were stored; the next page begins after the `seq` of the last one."""
    return await memory.turns(
        session_id=session_id, block_id=block_id, since=since, until=until, after_seq=after_seq, limit=limit
    )


@router.post("/recall", responses=described())
async def recall(body: Recall, memory: Memory) -> Hits:
    """The best matching memories, best first; `degraded` names what did not take part."""
    return await memory.recall(**dict(body))


@router.post("/recall/why-not", responses=described(404))
async def why_not(body: WhyNot, memory: Memory) -> Miss:
    """Why a question with these filters does not give a turn."""
    return await memory.why_not(
        body.query,
        body.turn_id,
        limit=body.limit,
        as_of=body.as_of,
        known_at=body.known_at,
        since=body.since,
        until=body.until,
        session_id=None if body.session_id is None else SessionId(body.session_id),
        block_id=None if body.block_id is None else BlockId(body.block_id),
        speaker=body.speaker,
        metadata=body.metadata,
    )


@router.post("/context", responses=described())
async def context(body: Prompt, memory: Memory) -> Context:
    """Memory to paste into a prompt: fenced, dated and attributed, within the budget, constraints first."""
    return await memory.context(body.query, budget_tokens=body.budget_tokens, session_id=body.session_id)


@router.post("/deep-recall", responses=described(501, 502))
async def deep_recall(body: DeepQuestion, memory: Memory) -> DeepAnswer:
    """An answer that takes several steps, with a citation for each."""
    return await memory.deep_recall(
        body.question, max_rounds=body.max_rounds, budget_tokens=body.budget_tokens
    )
