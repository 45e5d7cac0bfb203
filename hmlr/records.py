"""The values that cross module borders: frozen, keyword-only, times in UTC with zone.

Words are those of docs/glossary.md. Ids are opaque strings; turn ids (UUIDv7) sort by time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NewType, TypeVar, overload

T = TypeVar("T", int, float)

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
TurnId = NewType("TurnId", str)
MessageId = NewType("MessageId", str)
ChunkId = NewType("ChunkId", int)
BlockId = NewType("BlockId", str)
FactId = NewType("FactId", str)
DossierId = NewType("DossierId", str)
TagId = NewType("TagId", str)
RunId = NewType("RunId", str)

Role = Literal["user", "assistant", "system", "tool"]
BlockState = Literal["ACTIVE", "PAUSED", "GARDENED"]
FactState = Literal["active", "superseded", "invalidated"]
Category = Literal[
    "definition", "alias", "acronym", "secret", "entity", "policy",
    "constraint", "identity", "preference", "project", "task", "event", "other",
]  # fmt: skip
NodeKind = Literal["turn", "paragraph", "sentence", "block", "fact", "dossier"]
JobKind = Literal["embed", "route", "scrub", "scribe", "garden"]
TagKind = Literal["environment", "constraint", "definition"]

PROFILE_CATEGORIES: tuple[Category, ...] = ("constraint", "identity", "preference", "project")
OWNER = "user"  # the subject of the owner's own facts


@dataclass(frozen=True, kw_only=True)
class Message:
    """One utterance as the caller gives it."""

    content: str
    role: Role = "user"
    speaker: str | None = None  # a named speaker other than the owner is a third party
    occurred_at: datetime | None = None  # None: now
    metadata: Mapping[str, object] = field(default_factory=dict)  # free JSON, comes back with hits


@dataclass(frozen=True, kw_only=True)
class StoredMessage:
    """One utterance as it is stored, byte for byte."""

    message_id: MessageId
    turn_id: TurnId
    session_id: SessionId
    position: int  # 0 opens the turn, 1 is the reply
    role: Role
    speaker: str | None
    content: str
    occurred_at: datetime
    recorded_at: datetime
    metadata: Mapping[str, object]
    owner: bool  # said by the owner of the memory: only such words can become a constraint
    echo: bool = False  # a reply made of recalled memories: kept, not learned from again


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The unit that is stored and answered."""

    turn_id: TurnId
    seq: int  # order of arrival within the user, from 1, without gaps except where forgotten
    session_id: SessionId
    block_id: BlockId | None  # None until routed
    occurred_at: datetime
    recorded_at: datetime
    messages: tuple[StoredMessage, ...]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Proof that messages are on disk; extraction may lag."""

    turn_ids: tuple[TurnId, ...]  # in the order given
    stored: int  # messages new to the store
    repeated: int  # messages that an earlier call with the same key had stored


@dataclass(frozen=True, kw_only=True)
class Block:
    """One topic thread."""

    block_id: BlockId
    label: str
    summary: str
    keywords: tuple[str, ...]  # most telling first
    open_loops: tuple[str, ...]  # questions and plans left open, literal
    decisions: tuple[str, ...]  # literal
    state: BlockState
    turn_count: int
    started_at: datetime  # event time of its first turn
    last_at: datetime  # event time of its last turn
    renamed: bool = False  # the label is the user's own and is kept


@dataclass(frozen=True, kw_only=True)
class Tag:
    """What holds for a block: for all its turns or, as a section rule, for some of them."""

    tag_id: TagId
    block_id: BlockId
    kind: TagKind
    text: str
    quote: str  # stands literally in the message
    message_id: MessageId
    turn_ids: tuple[TurnId, ...] = ()  # of a section rule, in order; empty: the whole block


@dataclass(frozen=True, kw_only=True)
class DayTopic:
    """What belongs to one topic on one day."""

    block_id: BlockId | None  # None: not routed yet
    label: str  # "" when not routed
    turn_count: int  # of that day
    sessions: tuple[SessionId, ...]
    started_at: datetime  # event time of its first turn on that day
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day, in UTC, on which something was said; its topics in the order in which they came up."""

    date: date
    turn_count: int
    topics: tuple[DayTopic, ...]


@dataclass(frozen=True, kw_only=True)
class DayView:
    """A day with its turns: day, then topic, then turn."""

    day: Day
    turns: Mapping[BlockId | None, tuple[Turn, ...]]  # by topic, in the order of event time


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A hard fact, pinned to a literal quote."""

    fact_id: FactId
    subject: str  # OWNER for the owner of the memory, else the name as written
    key: str  # what is said of the subject, lower_snake_case
    value: str
    category: Category
    quote: str  # stands literally in the source message at [start, end)
    start: int
    end: int
    turn_id: TurnId
    message_id: MessageId
    said_by: str  # "user", "assistant", "tool", … or the speaker's name
    owner: bool  # said by the owner
    state: FactState
    superseded_by: FactId | None
    reason: str  # why it is no longer active, else ""
    confirmations: int  # how often it was said again
    last_confirmed_at: datetime  # event time
    occurred_at: datetime  # event time of the source message
    valid_from: datetime  # event time from which it holds
    valid_to: datetime | None  # event time from which it no longer holds
    recorded_at: datetime  # when it was learned


@dataclass(frozen=True, kw_only=True)
class FactEvent:
    """One change of a fact's state; the list of them is its history."""

    fact_id: FactId
    change: Literal["created", "confirmed", "superseded", "invalidated", "restored"]
    by: str  # "rule", "user" or a model id
    reason: str
    turn_id: TurnId | None  # the turn that caused it
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class FactHistory:
    """Everything that was ever held under a fact's subject and key, oldest first."""

    facts: tuple[Fact, ...]
    events: tuple[FactEvent, ...]


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Two facts that cannot both hold, each with its quote and source; gone once one of them is retired."""

    one: Fact  # the older
    other: Fact
    why: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Everything known of one entity, in the order of event time."""

    entity: str  # as asked
    names: tuple[str, ...]  # all its names, this one included
    facts: tuple[Fact, ...]  # of any state


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What holds for this user in every conversation."""

    constraints: tuple[Fact, ...] = ()
    identity: tuple[Fact, ...] = ()
    preferences: tuple[Fact, ...] = ()
    projects: tuple[Fact, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source message of a hit."""

    turn_id: TurnId
    message_id: MessageId
    role: Role
    speaker: str | None
    occurred_at: datetime
    metadata: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One search result."""

    kind: NodeKind
    text: str  # verbatim; for a fact its statement, for a block its header, for a dossier its summary
    score: float
    signals: Mapping[str, float]  # what made the score; the values sum to it
    similarity: float | None  # cosine to the question, None when it had no vector
    turn_ids: tuple[TurnId, ...]
    occurred_at: datetime
    sources: tuple[Source, ...]
    node_id: str  # id of the turn, chunk, fact, block or dossier
    block_id: BlockId | None = None
    tags: tuple[Tag, ...] = ()  # what held for its turn: tags of its block, section rules
    why: str = ""  # filled when explanation was asked for

    @property
    def metadata(self) -> Mapping[str, object]:
        """Metadata of the first source message."""
        return self.sources[0].metadata if self.sources else {}


@dataclass(frozen=True, kw_only=True)
class Miss:
    """Why a turn is not among the hits of a question; that it is, when it is."""

    turn_id: TurnId
    of: int  # how many paragraphs may be hits
    reason: str
    rank: int | None = None  # of its best paragraph among them, from 1; None: it can't be a hit
    score: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)  # what made the score; the values sum to it


@dataclass(frozen=True, kw_only=True)
class Hits(Sequence[Hit]):
    """Search results, best first; `degraded` names what did not take part."""

    items: tuple[Hit, ...] = ()
    degraded: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.items)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Memory ready to be pasted into a prompt."""

    text: str
    tokens: int  # estimate: four characters a token
    hits: tuple[Hit, ...]
    facts: tuple[Fact, ...]
    constraints: tuple[Fact, ...]
    dossiers: tuple[DossierId, ...] = ()  # whose summaries are shown
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What model calls cost; failed and repaired ones count too."""

    calls: int = 0  # requests that were sent
    input_tokens: int = 0
    output_tokens: int = 0  # reasoning included
    cached_tokens: int = 0  # of the input tokens, those that the provider had cached
    cost_usd: float = 0.0  # by the prices in the settings; 0 when there is none for the model

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls - other.calls,
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            cost_usd=self.cost_usd - other.cost_usd,
        )


@dataclass(frozen=True, kw_only=True)
class DaySpending:
    """What one user's model calls took of a day, over all processes; those that were cut off count too."""

    day: date  # in UTC
    calls: int
    tokens: int
    cost_usd: float


@dataclass(frozen=True, kw_only=True)
class DayLimit:
    """Hard limits of what one user's model calls may take of a day (UTC); None is none."""

    calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None

    def within(self, other: DayLimit) -> DayLimit:
        """The narrower of both, each for itself."""

        def least(one: T | None, two: T | None) -> T | None:
            return two if one is None else one if two is None else min(one, two)

        return DayLimit(
            calls=least(self.calls, other.calls),
            tokens=least(self.tokens, other.tokens),
            cost_usd=least(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What the calls of one task for one user to one model cost together."""

    task: str
    user: str
    model: str  # "provider:model"
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The calls of one task to one model; milliseconds of the latest 2,000."""

    task: str
    model: str
    calls: int
    errors: int  # calls that failed after all retries
    retries: int
    p50_ms: float  # of whole calls, waits included
    p95_ms: float
    waited_p95_ms: float  # rate limits and back-off


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer of one turn."""

    text: str
    turn_id: TurnId
    block_id: BlockId | None
    hits: tuple[Hit, ...]
    usage: Usage
    timings_ms: Mapping[str, float]  # stage -> wall milliseconds
    degraded: tuple[str, ...]  # stages that did not work, empty when all did


@dataclass(frozen=True, kw_only=True)
class ReplyPart:
    """A piece of a streamed answer; the last one carries the whole reply."""

    text: str
    reply: Reply | None = None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a deletion removed; it holds no deleted text."""

    certificate_id: str
    scope: Literal["turn", "fact", "session", "everything"]
    recorded_at: datetime
    turns: int
    messages: int
    chunks: int
    vectors: int
    facts: int
    redactions: int  # quotes blanked in messages that stay
    verified: bool  # the database files were rewritten without the removed pages


@dataclass(frozen=True, kw_only=True)
class Stats:
    """How much is stored for one user."""

    turns: int
    messages: int
    chunks: int
    vectors: int
    blocks: int
    facts: Mapping[str, int]  # state -> count
    jobs_waiting: int
    jobs_failed: int
    database_bytes: int
    dossiers: int = 0
    dossier_facts: int = 0  # that have their place in a dossier
    tags: int = 0  # section rules among them
    garden_runs: int = 0  # applied and not undone
    days: tuple[DaySpending, ...] = ()  # with model calls, the latest 31, the latest first
    spending: tuple[Spending, ...] = ()  # of this process
    latencies: tuple[Latency, ...] = ()  # of this process


@dataclass(frozen=True, kw_only=True)
class AuditExample:
    """A fact that an audit found fault with."""

    fact_id: FactId
    turn_id: TurnId
    text: str  # its statement; of a secret the key alone


@dataclass(frozen=True, kw_only=True)
class AuditCheck:
    """One kind of fault: how many facts have it, of how many."""

    name: str  # "duplicate", "contradiction", "stale", "echo", "unsourced" or "secret"
    means: str
    count: int
    of: int
    examples: tuple[AuditExample, ...]

    @property
    def rate(self) -> float:
        """The share, from 0 to 1; 0 when there is nothing to have the fault."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, kw_only=True)
class Audit:
    """How sound the facts of a user are."""

    turns: int
    facts: int  # of any state
    active: int
    checks: tuple[AuditCheck, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of `doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""  # what to do when not ok


@dataclass(frozen=True, kw_only=True)
class Health:
    """What is configured and whether it works."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)
