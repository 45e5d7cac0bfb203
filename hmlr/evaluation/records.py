"""What is evaluated: conversations with questions, and what a method finds for one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hmlr.records import Role

KS = (5, 10, 20, 50)
BUDGETS = (1000, 2000, 4000)  # tokens
DEPTH = max(KS)  # messages that a ranking holds


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message of a conversation."""

    id: str  # unique in the conversation; evidence names it
    text: str
    session: str
    speaker: str | None = None
    role: Role = "user"
    at: datetime | None = None  # None: not known


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with the messages that answer it."""

    text: str
    evidence: frozenset[str]  # ids of messages; empty: it takes no part in evidence figures
    category: str = ""
    answer: str = ""  # the reference; empty: it is not judged
    left_out: str = ""  # why it has no evidence
    unknown: int = 0  # ids in its evidence that no message has


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Messages in order, and the questions about them."""

    name: str
    kind: str  # of its file
    messages: tuple[Said, ...]
    questions: tuple[Question, ...]

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that evidence figures are about."""
        return tuple(question for question in self.questions if question.evidence)

    @property
    def left_out(self) -> Mapping[str, int]:
        """Why questions take no part in them, with counts."""
        return Counter(question.left_out for question in self.questions if question.left_out)

    @property
    def sessions(self) -> Mapping[str, str]:
        """The session of each message id."""
        return {said.id: said.session for said in self.messages}

    @property
    def end(self) -> datetime | None:
        """A day after the last dated message: when the questions are asked; None when nothing is dated."""
        last = max((said.at for said in self.messages if said.at), default=None)
        return last + timedelta(days=1) if last else None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a method finds for one question."""

    messages: tuple[str, ...]  # ids of distinct messages, best first, at most DEPTH
    inside: Mapping[int, frozenset[str]] = field(default_factory=dict)  # budget -> ids that are in it


def question(
    text: str, evidence: frozenset[str], known: frozenset[str], *, category: str = "", answer: str = ""
) -> Question:
    """A question whose evidence is reduced to the messages that exist, with the reason when none is left."""
    there = evidence & known
    reason = "" if there else "unknown evidence" if evidence else "no evidence"
    return Question(
        text=text,
        evidence=there,
        category=category,
        answer=answer,
        left_out=reason,
        unknown=len(evidence - known),
    )
