"""Questions for what was talked about at a time, and their answer from the days, without search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hmlr.language.dates import TimeQuery, find_dates, question_time

MAX_QUOTES = 3  # of one topic on one day
MAX_QUOTE_CHARS = 160

_WE = r"(?:we|i|you and i|us)"
_TALK = (
    r"(?:talk(?:ed|ing)?|speak|spoken|spoke|chat(?:ted|ting)?|discuss(?:ed|ing)?|cover(?:ed)?|say|said|"
    r"mention(?:ed)?|tell you|told you|go over|gone over)"
)
MAX_ASKED_CHARS = 200
_MAY_ASK = re.compile(r"\b(?:what|which|summari[sz]e|sum up|recap)\b", re.IGNORECASE)
# Such a question without the words for its time; one with a topic of its own is left to search.
_ASKS = re.compile(
    rf"^\W*(?:please |so |hey |and |can you |could you |do you (?:remember|know) |tell me |remind me )*(?:"
    rf"(?:what|which (?:topics|things|subjects))(?: all)? (?:did|have|had|were|was) {_WE} (?:all |both |"
    rf"been )*{_TALK}"
    rf"|what {_WE} {_TALK}"
    rf"|what (?:was|were) (?:our|the) (?:conversations?|talks?|chats?|discussions?)(?: of| from)?(?: about)?"
    rf"|(?:summari[sz]e|sum up|recap) (?:our |the |what {_WE} {_TALK}(?: about)?|my )?"
    rf"(?:conversations?|talks?|chats?|discussions?|day)?(?: of| from)?"
    rf")(?: (?:about|of|to (?:you|each other)|together|in|on|at|from|during|for|the|over|back))*\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Talk:
    """One topic on one day, in the user's own words."""

    date: date  # UTC
    label: str  # "" when it has no topic yet
    turn_count: int
    quotes: tuple[str, ...]  # what was said first, literal


@dataclass(frozen=True, kw_only=True)
class Talks:
    """What was talked about in the time that is asked for, in order; empty when nothing was said."""

    words: str  # the time as the question names it
    since: datetime
    until: datetime
    topics: tuple[Talk, ...]


def asked_talks(message: str, now: datetime) -> TimeQuery | None:
    """The time whose talk is asked for: "What did we talk about last Tuesday?"; None for other questions."""
    if len(message) > MAX_ASKED_CHARS or not _MAY_ASK.search(message):
        return None  # nothing else is read on the event loop
    time = question_time(message, now)
    if time is None or time.relation != "during" or time.since is None or time.until is None:
        return None
    rest = message
    for span in reversed(find_dates(message, now)):
        rest = f"{rest[: span.at[0]]} {rest[span.at[1] :]}"
    rest = " ".join(re.sub(r"'s?\b(?= )|(?<= )'s\b", " ", rest).split())
    return time if _ASKS.match(rest) else None


def talk_lines(talks: Talks) -> Sequence[str]:
    """The days with their topics, each with what was said first."""
    if not talks.topics:
        return [f"Nothing was said {_when(talks)}."]
    lines: list[str] = []
    day: date | None = None
    for talk in talks.topics:
        if talk.date != day:
            day = talk.date
            lines.append(f"On {day:%A}, {day.day} {day:%B %Y}:")
        turns = f"{talk.turn_count} turn{'' if talk.turn_count == 1 else 's'}"
        quotes = " ".join(f"“{quote}”" for quote in talk.quotes)
        lines.append(f"• {talk.label or 'no topic yet'} ({turns}): {quotes}".rstrip(": "))
    return lines


def _when(talks: Talks) -> str:
    first = talks.since
    if (talks.until - talks.since).days <= 1:
        return f"on {first:%A}, {first.day} {first:%B %Y}"
    return f"in that time ({talks.words})"
