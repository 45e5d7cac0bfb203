"""Values that cross the store's border only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from hmlr.records import (
    Block,
    BlockId,
    Category,
    ChunkId,
    Fact,
    FactEvent,
    FactId,
    FactState,
    JobKind,
    Role,
    SessionId,
    TurnId,
    Usage,
    UserId,
)
from hmlr.store.encoded import Encoded


@dataclass(frozen=True, kw_only=True)
class NewChunk:
    """A paragraph of a message to be stored; `ordinal`, from 0, tells it from the message's other chunks."""

    ordinal: int
    start: int
    end: int
    terms: tuple[str, ...] = ()  # search terms, with repeats
    asks: bool = False  # every sentence is a question
    of_self: bool = False  # it says I, my, we …


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """A message to be stored, with the slices made from it."""

    position: int
    role: Role
    speaker: str | None
    content: str
    occurred_at: datetime
    recorded_at: datetime
    metadata: Mapping[str, object]
    owner: bool
    echo: bool  # echoes are kept, but their chunks are not: they are neither indexed nor embedded
    chunks: tuple[NewChunk, ...]


@dataclass(frozen=True, kw_only=True)
class NewTurn:
    """A turn to be stored with its messages, chunks, index rows and jobs in one transaction."""

    turn_id: TurnId
    session_id: SessionId
    messages: tuple[NewMessage, ...]
    jobs: tuple[JobKind, ...]
    held: tuple[JobKind, ...] = ()  # of jobs: those that the caller does itself, leased to it at once
    hold_s: float = 60.0
    idempotency_key: str | None = None  # unique per user; a repeat returns the turn stored first


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to finish one job; refused once another worker has taken the job over."""

    job_id: int
    kind: JobKind
    turn_id: TurnId
    token: str
    attempts: int  # including this one


@dataclass(frozen=True, kw_only=True)
class AddedTurn:
    """What became of a NewTurn."""

    turn_id: TurnId  # of the stored turn: not the given one when `created` is False
    seq: int
    created: bool
    leases: tuple[Lease, ...]  # of the held jobs, in the order of `held`
    erasures: int  # of this user so far; `add_reply` compares


@dataclass(frozen=True, kw_only=True)
class TurnQuery:
    """Which turns; every condition given must hold. Order: seq, ascending unless `newest`."""

    turn_ids: tuple[TurnId, ...] | None = None
    session_id: SessionId | None = None
    block_id: BlockId | None = None
    speaker: str | None = None  # who opened it; as in ChunkFilter
    since: datetime | None = None  # event time, inclusive
    until: datetime | None = None  # event time, exclusive
    after_seq: int | None = None
    before_seq: int | None = None
    newest: bool = False  # newest first
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class DayCount:
    """The turns of one day (UTC), topic and session."""

    day: int  # days since 1970-01-01
    block_id: BlockId | None
    session_id: SessionId
    turns: int
    started_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class FactQuery:
    """Which facts; every condition given must hold. Order: valid_from, then recorded_at."""

    fact_ids: tuple[FactId, ...] | None = None
    subject: str | None = None  # case-insensitive
    key: str | None = None
    keys: tuple[str, ...] | None = None
    categories: tuple[Category, ...] | None = None
    states: tuple[FactState, ...] | None = ("active",)
    turn_ids: tuple[TurnId, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class FactChanges:
    """What became of a user's facts since a version that the reader knows."""

    version: int  # the one that is known from now on
    facts: tuple[Fact, ...]  # as they are now: those that changed, of any state; all active ones if `whole`
    whole: bool  # facts were removed, or none were known: what the reader has is void


# What `Store.apply` can do, all in one transaction.


@dataclass(frozen=True, kw_only=True)
class AddVectors:
    """Store vectors of chunks; chunks that are gone meanwhile are skipped, present ones replaced."""

    model_id: str
    chunk_ids: tuple[ChunkId, ...]
    encoded: Encoded


@dataclass(frozen=True, kw_only=True)
class PutBlock:
    """Write a block's header (its counts and times follow from its turns).

    `version` is the one that was read, 0 for a new block; Conflict when it is another by now.
    """

    block: Block
    version: int


@dataclass(frozen=True, kw_only=True)
class AssignTurn:
    """Put a turn into a block. With `activate` it becomes ACTIVE, and every other ACTIVE one PAUSED."""

    turn_id: TurnId
    block_id: BlockId
    by: str  # "rule", "user" or a model id
    activate: bool = True


@dataclass(frozen=True, kw_only=True)
class PutFact:
    """Store a fact that is new; one whose id is there already is left as it is."""

    fact: Fact


@dataclass(frozen=True, kw_only=True)
class ChangeFact:
    """Move a fact from one state to another; Conflict when it is not in `expected`."""

    fact_id: FactId
    expected: FactState
    state: FactState
    superseded_by: FactId | None
    reason: str
    valid_to: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConfirmFact:
    """Count a repetition of a fact."""

    fact_id: FactId
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class LogFactEvent:
    """Append to a fact's history."""

    event: FactEvent


@dataclass(frozen=True, kw_only=True)
class AddEdit:
    """Append one of the user's own edits; a rebuild applies it again."""

    kind: str
    target: str
    payload: Mapping[str, object]
    recorded_at: datetime


Change = AddVectors | PutBlock | AssignTurn | PutFact | ChangeFact | ConfirmFact | LogFactEvent | AddEdit


@dataclass(frozen=True, kw_only=True)
class StoredBlock:
    """A block with the version that PutBlock compares."""

    block: Block
    version: int
    last_seq: int  # of its latest turn


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One of the user's own edits as stored."""

    seq: int
    kind: str
    target: str
    payload: Mapping[str, object]
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class UsersLeft:
    """How many users a queue of the workers has; one with jobs in several states counts in each."""

    waiting: int
    running: int
    failed: int  # with jobs that are parked
    stalled: int  # with a lease that has run out: whoever held it has ended, or sleeps


@dataclass(frozen=True, kw_only=True)
class JobCounts:
    """Jobs of one user by state."""

    waiting: int  # pending, also those backing off
    running: int  # leased
    failed: int  # parked after too many attempts
    errors: tuple[str, ...]  # latest reasons, without message text


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What model calls of a user took of a day."""

    user: UserId
    day: date
    usage: Usage
