"""What memory gives back: hits, why there is none, a context, a reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from hmlr.records.facts import Fact
from hmlr.records.turns import Tag
from hmlr.records.usage import Usage
from hmlr.records.vocabulary import BlockId, DossierId, FactId, FactState, MessageId, NodeKind, Role, TurnId


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
class OutdatedFact:
    """A fact in the words of a hit that no longer holds, or never did."""

    fact_id: FactId
    statement: str  # what was said: "You live in Oslo"
    state: FactState  # superseded: it was so; invalidated: it never was
    reason: str  # "now: Bergen"
    superseded_by: FactId | None  # the fact in its place, if there is one
    until: datetime | None  # event time from which it no longer held; None when it never did


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
    outdated: tuple[OutdatedFact, ...] = ()  # what it says that is no longer so, or was not at `as_of`
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
