"""Values that cross the store's border only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmlr.records import (
    Block,
    BlockId,
    Category,
    ChunkId,
    DossierId,
    Fact,
    FactEvent,
    FactId,
    FactState,
    JobKind,
    MessageId,
    Role,
    SessionId,
    StoredMessage,
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
class ChunkFilter:
    """Which chunks may be hits; every condition given must hold."""

    session_id: SessionId | None = None
    block_id: BlockId | None = None
    speaker: str | None = None  # case-insensitive; "user" and "assistant" mean unnamed messages of that role
    since: datetime | None = None  # event time, inclusive
    until: datetime | None = None  # event time, exclusive
    known_until: datetime | None = None  # record time, inclusive
    metadata: Mapping[str, object] = field(default_factory=dict)  # each key must equal

    @property
    def empty(self) -> bool:
        """Whether it lets everything pass."""
        return self == ChunkFilter()


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """How far a user's search data has come; a changed epoch means: load again from zero."""

    epoch: int
    last_chunk: int
    last_vector: int


UNREAD = IndexState(epoch=-1, last_chunk=0, last_vector=0)


@dataclass(frozen=True, kw_only=True)
class ChunkColumns:
    """Chunks as parallel columns, ascending by chunk id. All arrays have length n."""

    chunk_ids: NDArray[np.int64]
    message_nos: NDArray[np.int64]
    term_counts: NDArray[np.int32]
    occurred_us: NDArray[np.int64]  # event time, microseconds since 1970 UTC
    owners: NDArray[np.bool_]
    lengths: NDArray[np.int32]  # characters
    asks: NDArray[np.bool_]  # every sentence is a question
    of_self: NDArray[np.bool_]  # it says I, my, we …
    speakers: tuple[str, ...]  # the speaker's name, else the role
    turn_ids: tuple[TurnId, ...]
    sessions: tuple[SessionId, ...]


@dataclass(frozen=True, kw_only=True)
class VectorBatch:
    """Vectors of n chunks, ascending by vector number."""

    vector_nos: NDArray[np.int64]
    chunk_ids: NDArray[np.int64]
    encoded: Encoded


@dataclass(frozen=True, kw_only=True)
class IndexNews:
    """What has come to a user's search data since a state."""

    state: IndexState
    columns: ChunkColumns | None = None
    vectors: VectorBatch | None = None  # None without a model, too


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much search has to do with."""

    chunks: int
    terms: int  # of all chunks together


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some chunks of a memory and what stands around them, with their vectors."""

    columns: ChunkColumns
    vectors: VectorBatch | None  # None: no model was asked for


@dataclass(frozen=True, kw_only=True)
class Postings:
    """Where one term stands: chunk ids (ascending) and how often in each. Both have length n."""

    chunk_ids: NDArray[np.int64]
    counts: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class ChunkRow:
    """A chunk with its text and its message."""

    chunk_id: ChunkId
    start: int
    end: int
    text: str
    message: StoredMessage
    seq: int
    block_id: BlockId | None


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
class Rewrite:
    """A message that changes because something in it is forgotten."""

    message_id: MessageId
    content: str
    chunks: tuple[NewChunk, ...]
    speaker: str | None = None  # None: it stays
    metadata: Mapping[str, object] | None = None  # None: it stays


@dataclass(frozen=True, kw_only=True)
class ErasePlan:
    """What a deletion removes; the store does it in one transaction and leaves tombstones.

    Of turns that are no session each has a tombstone of its own, the scope "turn" and its id as the target.
    """

    scope: Literal["turn", "fact", "session", "everything"]
    target: str  # id of what was asked for, of several turns the first; no content
    turn_ids: tuple[TurnId, ...] = ()  # turns that go, with everything that hangs on them
    fact_ids: tuple[FactId, ...] = ()  # facts that go, beyond those of the turns
    rewrites: tuple[Rewrite, ...] = ()
    requoted: tuple[tuple[FactId, str], ...] = ()  # facts that stay, whose quotes lose the forgotten words
    blocks: tuple[Block, ...] = ()  # headers without the forgotten words; a block without turns goes
    # What is forgotten, a fact's value first: blanked in every reason, edit and header of the user.
    words: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, kw_only=True)
class ErasedGarden:
    """What a deletion removed or changed of what gardening had made."""

    dossiers_removed: frozenset[DossierId] = frozenset()
    dossiers_changed: frozenset[DossierId] = frozenset()  # that are there, emptied, to be told anew
    entries: int = 0  # places of facts that went
    tags_removed: int = 0
    tags_changed: int = 0  # section rules that hold for fewer turns
    runs_sealed: int = 0

    def __add__(self, other: ErasedGarden) -> ErasedGarden:
        removed = self.dossiers_removed | other.dossiers_removed
        return ErasedGarden(
            dossiers_removed=removed,
            dossiers_changed=(self.dossiers_changed | other.dossiers_changed) - removed,
            entries=self.entries + other.entries,
            tags_removed=self.tags_removed + other.tags_removed,
            tags_changed=self.tags_changed + other.tags_changed,
            runs_sealed=self.runs_sealed + other.runs_sealed,
        )


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Rows that a deletion removed."""

    turns: int
    messages: int
    chunks: int
    vectors: int
    facts: int
    rewrites: int
    garden: ErasedGarden = field(default_factory=ErasedGarden)

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            turns=self.turns + other.turns,
            messages=self.messages + other.messages,
            chunks=self.chunks + other.chunks,
            vectors=self.vectors + other.vectors,
            facts=self.facts + other.facts,
            rewrites=self.rewrites + other.rewrites,
            garden=self.garden + other.garden,
        )


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What model calls of a user took of a day."""

    user: UserId
    day: date
    usage: Usage
