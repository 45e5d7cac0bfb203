"""What deep recall gives: an answer, and the evidence that it cites."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hmlr.records import TurnId, Usage

EvidenceKind = Literal["turn", "fact", "dossier"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that memory has, under the number by which an answer cites it."""

    number: int  # from 1
    kind: EvidenceKind
    node_id: str  # id of the turn, fact or dossier
    text: str  # a fact's quote, words of a turn, a dossier's summary
    turn_ids: tuple[TurnId, ...]  # where it was said
    said_by: str
    occurred_at: datetime  # event time
    note: str = ""  # what has become of it since: "superseded: …"
    link: str = ""  # offline: how it is connected with the question
    via: int | None = None  # offline: the evidence that led to it
    hop: int = 0  # offline: links between the question and it, 0 to 2


@dataclass(frozen=True, kw_only=True)
class DeepAnswer:
    """The answer to a question that takes several steps."""

    question: str
    text: str  # cites as [1]
    evidence: tuple[Evidence, ...]  # all that the text cites, by number; each was found in this memory
    by: str  # "rule" or the model's name
    usage: Usage = field(default_factory=Usage)
    tool_calls: int = 0  # of the model
    refused: tuple[str, ...] = ()  # citations of what was not found; they are not in the text
    degraded: tuple[str, ...] = ()  # what did not work
