"""What was said: messages and turns, and the topics and days that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from hmlr.records.vocabulary import BlockId, BlockState, MessageId, Role, SessionId, TagId, TagKind, TurnId


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
