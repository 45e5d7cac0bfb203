"""What is known: facts with their history, contradictions, timelines, the profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hmlr.records.vocabulary import Category, FactId, FactState, MessageId, TurnId


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
