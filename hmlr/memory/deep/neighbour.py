"""A quote with the sentence beside it, when that has what a question asks for and the quote has not. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from hmlr.language.dates import find_dates
from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import content_words

_ASKED = re.compile(
    r"\b(?:(?P<when>when|what (?:day|date|year|month|time)|which (?:day|date|year|month)|how long)"
    r"|(?P<number>how (?:many|much|old|far|big|tall))|(?P<name>who|whom|whose)|(?P<where>where)"
    r"|(?P<why>why))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|half|none)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order to|the reason|thanks to|owing to)\b", re.IGNORECASE
)
_NAME = re.compile(r"[^\W\d_a-zß-öø-ÿ][\w'-]+")

_AT = re.compile(rf"\b(?:in|at|near|to|from|on|into) (?:the )?(?:{_NAME.pattern})")


def with_neighbour(question: str, text: str, quotes: Iterable[str], now: datetime) -> str:
    """The first quote with the sentence after or before it in the text, as they stand there.

    "" when a quote has the kind of answer that is asked for, when no sentence beside one has it, or when no
    kind is known. `now` is when the text was said.
    """
    kind = _ASKED.search(question)
    quotes = list(quotes)
    if kind is None or any(_has(kind, question, quote, now) for quote in quotes):
        return ""
    spans = sentence_spans(text)
    for quote in quotes:
        start = text.find(quote)
        end = start + len(quote)
        first = next((n for n, span in enumerate(spans) if span[0] <= start < span[1]), None)
        last = next((n for n, span in enumerate(spans) if span[0] < end <= span[1]), first)
        if start < 0 or first is None or last is None:
            continue
        for beside in (last + 1, first - 1):
            if 0 <= beside < len(spans) and _has(kind, question, text[slice(*spans[beside])], now):
                return text[spans[min(beside, first)][0] : spans[max(beside, last)][1]].strip()
    return ""


def _has(kind: re.Match[str], question: str, text: str, now: datetime) -> bool:
    """Whether a text has a time, a number, a reason, a place, or a name that is not in the question."""
    if kind["when"]:
        return bool(find_dates(text, now))
    if kind["number"]:
        return _NUMBER.search(text) is not None
    if kind["why"]:
        return _REASON.search(text) is not None
    if kind["where"]:
        return _AT.search(text) is not None
    asked = content_words(question)
    return any(word and not word <= asked for word in map(content_words, _NAME.findall(text)))
