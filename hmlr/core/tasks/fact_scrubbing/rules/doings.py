"""Where the speaker has been and what he has read: things of a kind that are asked for as a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import ADV, END, NAME, NOT_NAMES, PLACE

_ENDS = (
    rf"(?:{END}|(?= (?:last|this|yesterday|today|recently|twice|once|already|over|during|before|after)\b))"
)
_LEAD = r"^(?:[\w ,'-]{2,40}?,? )?(?:I|[Ww]e) "
_VISITED = re.compile(
    rf"{_LEAD}(?:have |had )?{ADV}(?:visited|travell?ed to|flew to|drove to|went to|been to|toured|"
    rf"went on (?:a|our) (?:trip|holiday|vacation) to) (?P<all>{PLACE}(?:(?:, | and |, and ){PLACE})*){_ENDS}"
)
_READ = re.compile(
    rf"{_LEAD}(?:have |had |am |are )?{ADV}(?:read|reread|finished reading|reading) (?:the (?:book|novel) )?"
    rf"(?P<title>(?:The |A |An )?{NAME}){_ENDS}"
)
_MANY = re.compile(r",? and |, ")
_NO_PLACE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Grand\w+|Aunt|Uncle|Mum|Mom|Dad|Christmas|Easter|Mass|Church|School|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b"
)


def visited(clause: Clause) -> Iterator[FactDraft]:
    """A place where the speaker has been: "we went to Rome in May", "I have visited Lisbon and Porto"."""
    found = _VISITED.search(clause.text)
    if not found or " not " in clause.text or " never " in clause.text:
        return
    for place in _MANY.split(found["all"]):
        if not _NO_PLACE.search(place) and place.split()[0].lower() not in NOT_NAMES:
            yield from clause.draft("visited", place, "entity", valid_from=past_date(clause))


def has_read(clause: Clause) -> Iterator[FactDraft]:
    """A book that the speaker has read or is reading, by a title in capitals."""
    found = _READ.search(clause.text)
    if found and " not " not in clause.text and found["title"].split()[0].lower() not in NOT_NAMES - {"the"}:
        yield from clause.draft("has_read", found["title"], "entity", valid_from=past_date(clause))


RULES: tuple[Rule, ...] = (
    Rule.of("visited traveled travelled flew drove went been toured", visited),
    Rule.of("read reread reading", has_read),
)
