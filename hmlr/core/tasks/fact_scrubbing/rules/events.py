"""What happened or will happen on a day, and what is to be done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.days import OF_YEAR, ahead, first_day, with_day
from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.core.tasks.fact_scrubbing.rules.others import person
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug
from hmlr.core.tasks.scribe.rules.people import relation
from hmlr.language.dates import TimeSpan, find_dates

_EVENT_NOUN = (
    r"(?:appointment|meeting|flight|interview|exam|wedding|surgery|operation|party|trip|deadline|"
    r"birthday|anniversary|conference|"
    r"concert|graduation|holiday|vacation|race|marathon|presentation|funeral|dinner|lunch|date|visit|"
    r"check-?up|hearing|reunion|"
    r"launch|release|tournament|match|game|ceremony|festival|recital|workshop|review|demo|class|course|"
    r"inspection|delivery|move)"
)
_MY_EVENT = re.compile(
    rf"^(?![Mm]y birthday is )(?:[Mm]y|[Oo]ur|[Tt]he) (?P<what>(?:[\w'&-]+ ){{0,4}}?{_EVENT_NOUN}(?: "
    rf"(?:with|for|to|at|in|"
    rf"of) (?:[\w'&-]+ ?){{1,5}}?)?) (?:is|was|will be|takes place|starts|begins|has been (?:moved|"
    rf"postponed|rescheduled|brought forward) to|got moved to|is now|is scheduled for|was moved to|is "
    rf"due)\b"
)
_HAVE_EVENT = re.compile(
    rf"^(?:I|[Ww]e) (?:also |now |will )*(?:have|had|have got|booked|scheduled) (?:an?|my|the|our) "
    rf"(?P<what>(?:[\w'&-]+ ){{0,4}}?{_EVENT_NOUN}(?: (?:with|at) (?:the |my |our |an? )?(?!\d)[\w'&-]+)?)\b"
)
_DECADE = re.compile(r"\d0'?s\b")
_OF_ORIGIN = re.compile(
    r"\b(?:book|song|film|movie|car|house|photo|picture|letter|album|recipe|map) (?:from|of)(?: the)? $"
)
# "We had a great time last weekend" tells nothing that happened.
_SAYS_NOTHING = re.compile(
    r"^(?:I|[Ww]e) (?:just |really |all |also )*had (?:an? |the )?(?:(?:great|good|nice|lovely|amazing|"
    r"awesome|"
    r"wonderful|fantastic|fun|bad|rough|tough|busy|long|crazy|such|so|much|really|best) )*"
    r"(?:time|times|day|days|weekend|week|blast|fun|moment|moments)$"
)
_YEARLY = re.compile(r"(?:birthday|anniversary)$")
_WAS = re.compile(r" was (?:on |in |at |the )*$")
_END_OF = re.compile(r"\b(?:until|till|til)(?: the)? $")
_NOT_ON = re.compile(r"\bnot (?:on |in |at )?(?:the )?$")
_FROM = re.compile(r"\bfrom(?: the)? $")
_MOVED = re.compile(r"\b(?:moved|postponed|rescheduled|brought forward|now|instead)\b")
_DID = re.compile(
    r"^(?:(?P<lead>[\w ,'-]{2,40}?),? )?(?P<did>(?:I|[Ww]e) (?:(?:also|just|finally|recently|actually|"
    r"both|even) )*"
    r"(?P<verb>[a-z]{2,}ed|went|had|got|took|met|ran|saw|made|gave|won|lost|bought|sold|began|left|"
    r"came|flew|drove|swam|wrote|read|built|"
    r"found|became|started|quit|broke|caught|chose|did|ate|drank|fell|felt|heard|held|hit|kept|led|"
    r"paid|put|rode|sang|sent|spent|spoke|stood|taught|told|wore|beat|set|hiked|was born)\b(?! to "
    r"(?:say|ask|know)))"
)
_WILL = re.compile(
    r"^(?:(?P<lead>[\w ,'-]{2,40}?),? )?(?:I|[Ww]e) (?:am|are|will|have) (?:going |planning |about |"
    r"supposed )?(?:to )?(?:be )?(?P<verb>[a-z]+)\b"
)
_SHIFTED = (
    r"(?:moved|pushed|postponed|rescheduled|shifted|changed|delayed|brought forward|put back|put off|"
    r"switched)"
    r"(?: back| forward| again| up)*"
)
_OF_WHAT = r"(?P<what>(?:[\w'&-]+ ){0,4}?[\w'&-]+)"
# "The check-up moved to 3 May", "they postponed my exam until Friday", "the vet moved it: it's 8 May now"
_RESCHEDULED = re.compile(
    rf"^(?:[Tt]he|[Mm]y|[Oo]ur) {_OF_WHAT} (?:(?:has|have|had|got|was|is|being|been|just|now|will be) "
    rf")*{_SHIFTED}"
    rf"(?: from .{{3,40}}?)? (?:to|until|till|for)\b"
    rf"|^(?:[Tt]hey|[Ww]e|I|[Tt]he \w+|[A-Z]\w+) (?:(?:have|has|had|just) )*{_SHIFTED} (?:the|my|our) "
    rf"(?P<it>(?:[\w'&-]+ ){{0,4}}?[\w'&-]+)(?: from .{{3,40}}?)? (?:to|until|till|for)\b"
    rf"|^(?:[Tt]he|[Mm]y|[Oo]ur) (?P<who>(?:[\w'&-]+ ){{0,2}}?[\w'&-]+) (?:(?:have|has|had|just) "
    rf")*{_SHIFTED} it "
    rf"(?:from .{{3,40}}? )?(?:to|until|till|for)\b"
)
_SHIFTED_IT = re.compile(
    rf"^(?:[Tt]he|[Mm]y|[Oo]ur) {_OF_WHAT} (?:(?:has|have|had|got|was|is|being|been|just) )*{_SHIFTED}(?: "
    rf"it)?$"
)
_NOW_ON = re.compile(r"^(?:it|that) (?:is|will be) (?:now )?(?:on |at )?\W*$", re.IGNORECASE)
_THOUGHTS = word_set(
    """
    asked wondered wanted needed thought meant said mentioned talked liked loved hated noticed realized
    realised tried used hoped decided guessed forgot figured felt heard told saw read kept lived worked
    """
)
_PLANS = word_set(
    """
    moving flying travelling traveling visiting leaving starting meeting getting going attending running
    hosting seeing having giving taking presenting graduating marrying move fly travel visit leave start
    meet attend run host graduate marry present
    """
)


def event(clause: Clause) -> Iterator[FactDraft]:
    """Something with a day: "my flight is on 3 May", "I ran a marathon last Friday"."""
    # "until 3 May" is an end of something, not its day; so is the first of "moved from Monday to Thursday".
    dates = [
        day
        for day in find_dates(clause.text, clause.now)
        if not _NOT_ON.search(clause.text[: day.at[0]]) and not _is_age(day, clause.text)
    ]
    if not re.search(_SHIFTED, clause.text):
        dates = [day for day in dates if not _END_OF.search(clause.text[: day.at[0]])]
    if len(dates) > 1 and _MOVED.search(clause.text) and _FROM.search(clause.text[: dates[0].at[0]]):
        dates = dates[1:]
    if not dates:
        return
    said, coming = dates[0], ahead(dates[0], clause)
    if found := _MY_EVENT.search(clause.text):
        when = said if _WAS.search(clause.text[: said.at[0]]) else coming
        yield from _named_event(clause, found["what"], when)
    elif what := _rescheduled(clause, dates[-1]):
        day = with_day(ahead(dates[-1], clause))
        yield from clause.draft(f"{slug(what)}_date", day, "event", bearing="updates")
    elif found := _HAVE_EVENT.search(clause.text):
        when = said if re.search(r"\bhad\b", clause.text) else coming
        yield from _happening(clause, found["what"], with_day(when), when)
    elif (found := _DID.search(clause.text)) and _happened(found, said, clause):
        yield from _happening(clause, clause.text, first_day(said), said)
    elif (found := _WILL.search(clause.text)) and found["verb"] in _PLANS and coming.end > clause.now:
        yield from _happening(clause, clause.text, first_day(coming), coming)


def _named_event(clause: Clause, what: str, when: TimeSpan) -> Iterator[FactDraft]:
    """The day of a named event; one of every year is told without it, a birthday by its own rule."""
    day = with_day(when)
    if _YEARLY.search(what) and OF_YEAR.search(when.text):
        if any(draft.key.endswith("birthday") for draft in (*relation(clause), *person(clause))):
            return
        day = when.text
    bearing: Bearing = "updates" if _MOVED.search(clause.text) else "asserts"
    yield from clause.draft(f"{slug(what)}_date", day, "event", bearing=bearing)


def _happened(found: re.Match[str], day: TimeSpan, clause: Clause) -> bool:
    """Whether something was done on that day, and the clause says what."""
    if found["verb"] in _THOUGHTS or day.start > clause.now:
        return False
    if _SAYS_NOTHING.match(f"{clause.text[: day.at[0]]}{clause.text[day.at[1] :]}".strip(" ,.!-")):
        return False
    # "The figurines I bought yesterday" tells something else than the purchase.
    lead = found["lead"] or ""
    return not lead or lead.endswith(" and") or day.at[0] < found.start("did")


def _is_age(day: TimeSpan, text: str) -> bool:
    """Whether the words date a thing and not what happened: "a book from the 1900s"."""
    return bool(_DECADE.search(text[day.at[0] : day.at[1] + 1]) or _OF_ORIGIN.search(text[: day.at[0]]))


def _rescheduled(clause: Clause, day: TimeSpan) -> str:
    """What the clause puts on another day, "" for nothing; "it" is what the clause before moved."""
    if found := _RESCHEDULED.search(clause.text):
        return found["what"] or found["it"] or found["who"]
    told = _SHIFTED_IT.search(clause.earlier) or _SHIFTED_IT.search(clause.before.rstrip(" .!"))
    text = re.sub(r" (?:now|instead)$", "", clause.text)
    if told and _NOW_ON.match(text[: day.at[0]]) and day.at[1] >= len(text.rstrip(" .!")):
        return told["what"]
    return ""


def _happening(clause: Clause, what: str, day: str, when: TimeSpan) -> Iterator[FactDraft]:
    """What lies ahead is known from now on; what happened holds from its own day."""
    since = when.start if when.start <= clause.now else None
    yield from clause.draft("event", f"{what} ({day})", "event", valid_from=since)


_TASK = re.compile(
    r"^(?:(?:[Pp]lease )?[Rr]emind me (?:\w+ )?(?:to|about|that I (?:need|have) to) (?P<a>.{3,160})|"
    r"TODO:? (?P<b>.{3,160})|[Tt]o-?do: (?P<c>.{3,160})"
    r"|I (?:still |really |also )*(?:need|have|must|promised|agreed) (?:to )(?P<d>(?!(?:say|admit|know|"
    r"ask|think|be honest|confess|agree)\b)[a-z]+ .{3,140}))$"
)
_DEADLINE = re.compile(
    r"^(?:[Tt]he|[Mm]y|[Oo]ur) deadline (?:for|of|to) (?P<what>[\w '&-]{3,80}?) (?:is|was|has been moved "
    r"to|is now) (?P<when>.{3,60})$"
)


def task(clause: Clause) -> Iterator[FactDraft]:
    """What is to be done: "remind me to call Eva", "I need to renew my passport by June"."""
    if found := _DEADLINE.search(clause.text):
        # What has few words is an event like others, with its day and what becomes of it.
        if find_dates(found["when"], clause.now) and not _MY_EVENT.search(clause.text):
            yield from clause.draft(f"deadline_{slug(found['what'])}", found["when"], "task")
    elif found := _TASK.search(clause.text):
        asked = found["a"] or found["b"] or found["c"]
        # A need alone is talk; with a day it is something to do.
        if asked or find_dates(clause.text, clause.now):
            yield from clause.draft("task", asked or found["d"], "task")


_DATE_WORDS = (
    "today yesterday tomorrow tonight monday tuesday wednesday thursday friday saturday sunday january "
    "february march april may "
    "june july august september october november december jan feb mar apr jun jul aug sep sept oct nov "
    "dec week weeks weekend "
    "month months year years day days ago morning evening afternoon night spring summer autumn fall "
    "winter christmas easter "
    "last next this"
)
RULES: tuple[Rule, ...] = (
    Rule.of("remind todo to-do need have must promised agreed deadline", task),
    Rule.of(_DATE_WORDS, event),
)
