"""The input of the answer task: a message with everything that was found for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hmlr.core.tasks.answer.talks import Talks
from hmlr.core.tasks.outdated import Outdated
from hmlr.records import Context, Fact, Hit, StoredMessage


@dataclass(frozen=True, kw_only=True)
class KnownFact:
    """A fact with its readable statement."""

    fact: Fact
    statement: str


@dataclass(frozen=True, kw_only=True)
class AnswerInput:
    """The message with everything that was found for it."""

    message: str
    now: datetime
    context: Context  # what a model reads
    constraints: tuple[KnownFact, ...]
    facts: tuple[KnownFact, ...]  # those that bear on the message, best first
    former: tuple[KnownFact, ...] = ()  # that no longer hold and would answer it
    listed: tuple[KnownFact, ...] = ()  # all of the kind that it asks to list or count
    hits: tuple[Hit, ...] = ()  # what search found, best first
    outdated: Mapping[str, Outdated] = field(default_factory=dict)  # by the quote that no longer holds
    about: tuple[frozenset[str], ...] = ()  # whom it asks about: terms, an answer holds one of each group
    past: bool = False  # asks for what was and may be no longer
    talks: Talks | None = None  # what was talked about in the time asked for; None when that is not asked
    previous: StoredMessage | None = None  # what the user said before in this session
