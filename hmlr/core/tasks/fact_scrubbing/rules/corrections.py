"""Words that put an earlier value right without naming its fact: "it's A, not B", "not B but A".

Which fact is meant is for the resolver to find, by the wrong value; so it is with "ignore what I told you
about X". A correction of a day ("it's on 9 May, not 8 May") carries the day in its value, as facts of that
kind do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import LAST_SAID, UNNAMED, Clause, Rule, doubtful
from hmlr.core.tasks.fact_scrubbing.rules.days import dated
from hmlr.core.tasks.fact_scrubbing.rules.wording import normal, slug, tidy
from hmlr.language.dates import find_dates

_BE = r"(?:is|are|was|were|should be|means|stands for)"
_HOW = (
    r"(?:(?:actually|really|now|spelled|spelt|called|in|on|at|rather|of course|(?:raised|lowered|set|changed|"
    r"increased|reduced|cut|moved|pushed|postponed) to) )*"
)
_ART = r"(?:an? |the |our |my )?"
_CHARACTER = r"(?:[^,;()]|(?<=\d),(?=\d{3}(?!\d)))"  # "62,000" is no list
_A = rf"(?P<a>{_CHARACTER}{{1,80}}?)"
_B = rf"(?P<b>{_CHARACTER}{{1,60}}?)"
_AS_SAID = r"(?: (?:any ?more|any longer|as I (?:said|wrote|told you)|like I (?:said|wrote|told you))\b.*)?"
_PATTERNS = (
    re.compile(rf"\b{_BE} {_HOW}{_ART}{_A},? (?:and |so )?not {_HOW}{_ART}{_B}{_AS_SAID}$"),
    re.compile(rf"\b{_BE} not {_HOW}{_ART}{_B},? but (?:rather |actually |just )?{_HOW}{_ART}{_A}$"),
    re.compile(
        rf"\b{_BE} not {_HOW}{_ART}{_B},? (?:[-–—]+ )?(?:it|he|she|they|that|those|I) (?:is|are|was|were|am) "
        rf"{_HOW}{_ART}{_A}(?=$|[,;(])"
    ),
    re.compile(rf"\b{_BE} {_HOW}{_ART}{_A} instead of {_ART}{_B}$"),
    re.compile(rf"^(?:I|we) (?:meant|mean) {_ART}{_A},? not {_ART}{_B}$", re.IGNORECASE),
)
_CHANGE = re.compile(r"\b(?:now|any ?more|any longer|changed|moved|these days|since)\b", re.IGNORECASE)
_LATE = re.compile(r" (?:now|instead|these days|any ?more)$", re.IGNORECASE)
# "It is cold, not to mention wet", "that is fine, not a problem": nothing that a fact could hold.
_EMPTY = re.compile(
    r"^(?:to|that|only|just|because|so|very|too|sure|much|even|really|yet|good|bad|fine|great|a problem|an "
    r"issue|"
    r"true|right|wrong|possible|bothered|ready|enough|me|you|us|him|her|them|it|this|here|there|at all|"
    r"always|"
    r"easy|hard)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^(?:(?:please|no|wait|just|can you|could you|also)[,]? )*(?:forget|ignore|disregard|scratch|never "
    r"mind) "
    r"(?:about )?(?:what(?:ever)?|everything|all|anything|the things?|the stuff) (?:that )?I (?:have "
    r")?(?:just )?"
    r"(?:said|told you|mentioned|wrote)(?: earlier| before| to you)* (?:about|on|regarding) "
    r"(?:the |my |our )?(?P<what>[^,;]{2,60}?)(?:,.*)?$",
    re.IGNORECASE,
)


def correction(clause: Clause) -> Iterator[FactDraft]:
    """A value and the wrong one that it takes the place of."""
    for pattern in _PATTERNS:
        found = pattern.search(clause.text)
        if found is None:
            continue
        right, wrong = _LATE.sub("", tidy(found["a"])), _LATE.sub("", tidy(found["b"]))
        if not right or not wrong or _EMPTY.match(right) or _EMPTY.match(wrong):
            continue
        bearing: Bearing = "updates" if _CHANGE.search(clause.text) else "asserts"
        for draft in clause.draft(
            UNNAMED, _with_day(right, clause), "other", subject=UNNAMED, bearing=bearing
        ):
            yield draft.model_copy(update={"instead_of": wrong})
        return


_NOT_THAT = re.compile(
    r"^(?:(?:no|wait|oops|sorry|actually|oh|hang on|hold on)[,!.]* )*"
    r"(?:(?:forget|scratch|strike|ignore|disregard) that|correction)[,:;.!]* (?:[-–—]+ )?(?:no, |sorry, )*"
    r"(?:it|that) (?:is|was|should be|should have been) (?:(?:actually|really|rather|in fact|now) )*"
    rf"(?P<value>{_CHARACTER}{{1,80}}?)[.!]*$",
    re.IGNORECASE,
)


def instead(clause: Clause) -> Iterator[FactDraft]:
    """What takes the place of what was said just before: "Forget that, it's actually Blue10Sky"."""
    found = _NOT_THAT.search(normal(clause.quote))
    # "That" is the sentence before, which then is no longer told at all.
    if found is None or clause.before or " not " in found["value"]:
        return
    value = _with_day(tidy(found["value"]), clause)
    for draft in clause.draft(UNNAMED, value, "other", subject=UNNAMED):
        yield draft.model_copy(update={"instead_of": LAST_SAID})


def _with_day(value: str, clause: Clause) -> str:
    days = find_dates(value, clause.now)
    return dated(days[0], clause) if len(days) == 1 and len(days[0].text) >= len(value) - 4 else value


_CHANGED = re.compile(
    r"^(?:[Tt]he|[Oo]ur|[Mm]y) (?P<what>[a-z][\w'-]*(?: [\w'-]+){0,3}?) (?:has |have |was |is )?(?:just |"
    r"now )?changed"
    r"(?:(?: from [^,;]{1,60})? to (?P<a>[^,;]{1,80})|[:,;–—-]* .*?\b(?:it|they|that) (?:is|are) (?:now "
    r")?(?:at |in |on |"
    r"called )?(?P<b>[^,;]{2,100}))$"
)
_NO_VALUE = re.compile(
    r"\b(?:mind|favou?rite|life|weather|plan|plans|subject|topic|name)\b|\bpassword|"
    r"\bcode\b|\bkey\b|\bpin\b"
)


def change(clause: Clause) -> Iterator[FactDraft]:
    """A named thing of the speaker's that is another now: "the meeting room changed to B12"."""
    found = _CHANGED.search(clause.text)
    if found and not _NO_VALUE.search(found["what"].lower()):
        value = _with_day(_LATE.sub("", tidy(found["a"] or found["b"])), clause)
        yield from clause.draft(slug(found["what"]), value, "entity", bearing="updates")


_CANCELLED = re.compile(
    r"^(?:[Mm]y|[Oo]ur|[Tt]he) (?P<a>[\w' -]{3,60}?) (?:(?:has|had|have|been|was|is|got|just|now) )+"
    r"(?:cancel+ed|called off)\b|^(?:I|[Tt]hey|[Ww]e|[Tt]he \w+) (?:have |has |had |just )*(?:cancel+ed|"
    r"called off) "
    r"(?:my|our|the) (?P<b>[\w' -]{3,60}?)(?=$|[,.;(]| (?:because|since|for|on|next|this|at)\b)"
)


def cancellation(clause: Clause) -> Iterator[FactDraft]:
    """That something planned will not be: "the vet's appointment was cancelled"; which, the resolver "
    "finds."""
    if doubtful(clause) or " not " in clause.text:
        return
    if found := _CANCELLED.search(clause.text):
        what = (found["a"] or found["b"]).replace("'s", "")
        yield from clause.draft(UNNAMED, what, "event", subject=UNNAMED, bearing="ends", reason=clause.quote)


def withdrawal(clause: Clause) -> Iterator[FactDraft]:
    """That something told before is not to count: "ignore what I told you about the boat"."""
    if found := _ABOUT.search(clause.text):
        yield from clause.draft(
            UNNAMED, found["what"], "other", subject=UNNAMED, bearing="retracts", reason=clause.quote
        )


RULES: tuple[Rule, ...] = (
    Rule.of("not instead", correction),
    Rule.of("forget scratch strike ignore disregard correction", instead),
    Rule.of("changed", change),
    Rule.of("cancelled canceled called", cancellation),
    Rule.of("forget ignore disregard scratch mind", withdrawal),
)
