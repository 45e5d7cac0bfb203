"""The values that cross module borders: frozen, keyword-only, times in UTC with zone.

All of them are imported from here. They stand in rooms: what was said (turns), what is known (facts), what
memory gives back (answers), what model calls cost (usage), what care reports (care). Words are those of
docs/glossary.md. Ids are opaque strings; turn ids (UUIDv7) sort by time.
"""

from __future__ import annotations

from hmlr.records.access import AccessToken, IssuedToken
from hmlr.records.answers import Context, Hit, Hits, Miss, OutdatedFact, Reply, ReplyPart, Source
from hmlr.records.care import Audit, AuditCheck, AuditExample, Certificate, Check, Health, ImportReport, Stats
from hmlr.records.facts import Contradiction, Fact, FactEvent, FactHistory, Profile, Timeline
from hmlr.records.turns import Block, Day, DayTopic, DayView, Message, Receipt, StoredMessage, Tag, Turn
from hmlr.records.usage import DayLimit, DaySpending, Latency, Spending, Usage
from hmlr.records.vocabulary import (
    OWNER,
    PROFILE_CATEGORIES,
    BlockId,
    BlockState,
    Category,
    ChunkId,
    DossierId,
    FactId,
    FactState,
    JobKind,
    MessageId,
    NodeKind,
    Role,
    RunId,
    SessionId,
    TagId,
    TagKind,
    TurnId,
    UserId,
)

__all__ = [
    "OWNER",
    "PROFILE_CATEGORIES",
    "AccessToken",
    "Audit",
    "AuditCheck",
    "AuditExample",
    "Block",
    "BlockId",
    "BlockState",
    "Category",
    "Certificate",
    "Check",
    "ChunkId",
    "Context",
    "Contradiction",
    "Day",
    "DayLimit",
    "DaySpending",
    "DayTopic",
    "DayView",
    "DossierId",
    "Fact",
    "FactEvent",
    "FactHistory",
    "FactId",
    "FactState",
    "Health",
    "Hit",
    "Hits",
    "ImportReport",
    "IssuedToken",
    "JobKind",
    "Latency",
    "Message",
    "MessageId",
    "Miss",
    "NodeKind",
    "OutdatedFact",
    "Profile",
    "Receipt",
    "Reply",
    "ReplyPart",
    "Role",
    "RunId",
    "SessionId",
    "Source",
    "Spending",
    "Stats",
    "StoredMessage",
    "Tag",
    "TagId",
    "TagKind",
    "Timeline",
    "Turn",
    "TurnId",
    "Usage",
    "UserId",
]
