"""The words that records are made of: ids, and the values that a field may have."""

from __future__ import annotations

from typing import Literal, NewType

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
Queue = Literal["learn", "garden"]  # of the workers: background work left over, and gardening
Scope = Literal["turn", "fact", "session", "speaker", "everything"]  # of what is forgotten
TagKind = Literal["environment", "constraint", "definition"]

PROFILE_CATEGORIES: tuple[Category, ...] = ("constraint", "identity", "preference", "project")
OWNER = "user"  # the subject of the owner's own facts
