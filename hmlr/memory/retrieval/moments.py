"""Questions that name a time by what happened: "before I moved", "after the wedding", "the last time"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hmlr.language.dates import find_dates, question_time
from hmlr.language.sentences import best_sentence
from hmlr.language.tokens import content_words
from hmlr.language.traits import only_asks
from hmlr.records import Hit

# Cosine of all-MiniLM-L6-v2 above which a statement tells of the event.
TELLS_OF_IT = 0.4
AS_GOOD = 1.0  # less than the best hit's score
ONE_TIME = timedelta(days=2)  # of one sitting, or told again soon after
LEAST_WORDS = 0.5  # ... without a model, the part of the event's words that stand in it

_SIDE = r"\b(?:before|prior to|until|till|after|following|since)\b"
# Up to the next such word, so that what is looked for names no event of its own.
_EVENT = re.compile(
    rf"(?P<side>{_SIDE})\s+(?!how\b)(?P<what>(?:(?!{_SIDE})[^?.!,;:]){{3,120}})", re.IGNORECASE
)
_EARLIER = frozenset({"before", "prior to", "until", "till"})
# "What could he do after his career?" asks for no time that has been.
_AHEAD = re.compile(
    r"\b(?:will|would|could|should|can|may|might|shall|going to|plans?|planning|wants?|hopes?|next)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?:first time|earliest|for the first)\b"
    r"|\b(?:did|have|has|had|was|were)\s(?:[\w'-]+\s){1,3}?first\s[a-z]+\b",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:last|latest|most recent) time\b|\b(?:latest|most recent(?:ly)?)\b"
    r"|\b(?:did|have|has|had|was|were)\s(?:[\w'-]+\s){1,3}?last\s(?!week|month|year|night|summer|winter|spring|"
    r"autumn|fall|weekend|monday|tuesday|wednesday|thursday|friday|saturday|sunday)[a-z]+\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What a question takes its time from."""

    clause: str
    before: bool  # what was before it is asked for, else what was after it


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A stretch of time, open at one end: `[since, until)`."""

    since: datetime | None = None
    until: datetime | None = None


def event_named(question: str, now: datetime) -> Event | None:
    """The event a question takes its time from; None when it names a date or asks for what is to come."""
    found = _EVENT.search(question)
    if found is None or question_time(question, now) is not None or _AHEAD.search(question):
        return None
    clause = found["what"].strip()
    if not content_words(clause):
        return None
    return Event(clause=clause, before=found["side"].lower() in _EARLIER)


def telling(event: Event, hits: Sequence[Hit]) -> Hit | None:
    """The hit that says when an event was; None when none is about it, or several events may be meant.

    `hits` are those for its words, best first. As good ones from another time leave it open; a question that
    was asked before tells nothing.
    """
    told = [hit for hit in hits if not only_asks(hit.text)]
    if not told or not _tells_of(event, told[0]):
        return None
    rivals = [hit.occurred_at for hit in told if hit.score >= told[0].score - AS_GOOD]
    return told[0] if max(rivals) - min(rivals) <= ONE_TIME else None


def _tells_of(event: Event, hit: Hit) -> bool:
    if hit.similarity is not None:
        return hit.similarity >= TELLS_OF_IT
    words = content_words(event.clause)
    return len(words & content_words(hit.text)) >= LEAST_WORDS * len(words)


def bounds_of(event: Event, hit: Hit) -> Bounds:
    """The time that the event bounds: its own time belongs to it, since one sitting tells of both.

    When it was is what the statement says ("I moved last week"), else when it was said.
    """
    told = find_dates(best_sentence(hit.text, content_words(event.clause)), hit.occurred_at)
    start, end = (told[0].start, told[0].end) if told else (hit.occurred_at, hit.occurred_at)
    return Bounds(until=end) if event.before else Bounds(since=start)


def order_asked(question: str) -> Literal["first", "last"] | None:
    """Whether the earliest or the latest of several is asked for."""
    if _LAST.search(question):
        return "last"
    return "first" if _FIRST.search(question) else None
