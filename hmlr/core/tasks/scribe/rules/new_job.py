"""A change of employer: the first day somewhere, an offer that was taken, a start that lies ahead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.days import ahead
from hmlr.core.tasks.fact_scrubbing.rules.nouns import ADV, JOBS, NAME, named, word_set
from hmlr.language.dates import find_dates

_MODIFIERS = r"(?:(?!(?:best|good|great|bad|new) )[\w-]+ ){0,3}?"
_AS = (
    rf"(?: as (?:an? |the |their )?(?P<job>(?:head|director|chief|lead|principal|vice president) of "
    rf"[a-z]+(?: [a-z]+)?|"
    rf"{_MODIFIERS}(?i:{JOBS})))?"
)
_ORG = rf"(?P<org>(?:the )?{NAME})"
_END = (
    r"(?=$|[,.;:!(]| (?:as|and|but|so|where|which|in|on|with|because|next|last|this|now|soon|for|after|"
    r"from|is|done)\b)"
)
_JOB_NOUN = r"(?:job|position|role|post|gig|contract|internship|apprenticeship|offer)"
_STARTS = re.compile(
    rf"^(?:(?:I|[Ww]e) {ADV}(?:am |will be |will |have )?{ADV})?(?i:starting|start|started|joining|begin|"
    rf"beginning|began)"
    rf"(?: work| (?:my|a|an|the) (?:new )?(?:\w+ )?{_JOB_NOUN})?{_AS} (?:at|with) "
    rf"{_ORG}{_AS.replace('<job>', '<job2>')}{_END}"
)
_HAS_JOB = re.compile(
    rf"^(?:I|[Ww]e) {ADV}(?:have |have got |got |found |accepted |took |landed |was offered |signed |"
    rf"secured )+"
    rf"(?:my|an?|the|that) (?:new |great |full-time |part-time |permanent )*{_JOB_NOUN}{_AS} (?:at|with|"
    rf"from) {_ORG}"
    rf"{_AS.replace('<job>', '<job2>')}{_END}"
)
_NEW_JOB = re.compile(
    rf"^(?:[Mm]y )?new {_JOB_NOUN}{_AS}(?: is| starts)? (?:at|with) "
    rf"{_ORG}{_AS.replace('<job>', '<job2>')}{_END}"
)
_FIRST_DAYS = re.compile(
    rf"\b(?:[Mm]y )?(?:first|second|third|last|very first) (?:day|days|week|weeks|month|months)(?: of "
    rf"work)? at {_ORG}{_END}"
)
_JOINED = re.compile(rf"^(?:I|[Ww]e) {ADV}(?:have )?{ADV}joined {_ORG}{_AS}{_END}")
# A firm is joined at some time; of a gym or a service people say it just so.
_WHEN = re.compile(r"\b(?:last|this|next) (?:week|month|year|spring|summer|autumn|fall|winter|\w+day)\b|"
                   r"\byesterday\b|"
                   r"\btoday\b|\b(?:in|on) [A-Z]\w+|\bago\b")  # fmt: skip
_NO_FIRM = re.compile(
    r"\b(?:gym|club|choir|band|orchestra|church|party|class|course|group|association|society|union|army|"
    r"navy|forum|"
    r"server|site|website|app|chat|channel|team|league|community|"
    r"meeting|call|trip|festival|parade|strike|page|end|airport|station)\b",
    re.IGNORECASE,
)
_LEARNS = re.compile(r"\b(?:School|University|College|Academy|Kindergarten|Primary|High|Institute|Uni)\b")
_STAFF = re.compile(
    r"\bas (?:an? |the |their )?[a-z]|\b(?:job|position|role|post|contract|work|teach|"
    r"lecture)\b",
    re.IGNORECASE,
)
_SERVICES = word_set(
    """
    twitter reddit facebook instagram linkedin netflix spotify discord slack tiktok telegram whatsapp
    strava duolingo twitch mastodon bluesky github gitlab pinterest snapchat tinder bumble patreon steam
    zoom signal threads
    """
)


def new_job(clause: Clause) -> Iterator[FactDraft]:
    """Where the speaker starts to work: "I'm starting at Acme on 7 January", "new job at Acme!"."""
    text, since = _without_dates(clause)
    found = _STARTS.search(text) or _HAS_JOB.search(text) or _NEW_JOB.search(text) or _FIRST_DAYS.search(text)
    if found is None and _WHEN.search(clause.text):
        found = _JOINED.search(text)
        if found and found["org"].split()[-1].lower() in _SERVICES:
            return
    if found and _LEARNS.search(found["org"]) and not _STAFF.search(text):
        return  # one may start there as a pupil
    if (
        found is None
        or _NO_FIRM.search(text)
        or " not " in text
        or not named(found["org"].removeprefix("the "))
    ):
        return
    parts = found.groupdict()
    first_days = found.re is _FIRST_DAYS
    yield from clause.draft(
        "employer", found["org"], "identity", bearing="asserts" if first_days else "updates", valid_from=since
    )
    if work := parts.get("job") or parts.get("job2"):
        yield from clause.draft("job", work, "identity", bearing="updates", valid_from=since)


def _without_dates(clause: Clause) -> tuple[str, datetime | None]:
    """The clause without the words that name its days, and the first of these."""
    text, since = clause.text, None
    for span in reversed(find_dates(clause.text, clause.now)):
        head = re.sub(r",?(?: ?\b(?:on|from|in|since|at|as of|by|of|the))*\s*$", "", text[: span.at[0]])
        text = f"{head}{text[span.at[1] :]}".strip()
        since = ahead(span, clause).start
    return re.sub(r"\s+", " ", text), since


RULES: tuple[Rule, ...] = (
    Rule.of("starting start started joining joined begin beginning began job position role post gig "
            "contract offer "
            "internship apprenticeship first second third last", new_job),
)  # fmt: skip
