"""Limits and volumes: numbers with a unit that something may reach or does reach.

The value is the quantity as written. A volume that names no thing has the subject UNNAMED: the resolver
takes it for the one volume of that kind it knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED, Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import CAP, NOT_NAMES, UP, word_set
from hmlr.language.dates import find_dates

# Digits in groups with spaces between them are one number when that is no chance: "May 12 300 users" is none.
_SPACED = r"[1-9]\d{0,2}(?:[ \u00a0\u202f\u2009]\d{3}){2,5}(?!\d)|[1-9]\d{0,2}[ \u00a0\u202f\u2009]000(?!\d)"
_NUMBER = (
    rf"(?:[$€£] ?)?(?:{_SPACED}|\d{{1,15}}(?:[,.']\d{{1,9}}){{0,5}})"
    r"(?: ?(?:thousand|million|billion|trillion|k|M|bn|mn|m)\b)?"
)
_UNIT = (
    r"(?:records?|rows?|objects?|requests?|events?|messages?|transactions?|calls?|queries|users?|"
    r"files?|documents?|items?|orders?|"
    r"packets?|tokens?|images?|emails?|e-mails|logs?|entries|visits?|visitors|views?|clicks?|"
    r"downloads?|jobs?|tasks?|units?|pieces?|parcels?|"
    r"passengers?|bytes?|[KMGTPE]i?B|[kKMGT]bits?|bits?|kWh|MWh|GWh|tonnes?|tons?|kg|litres?|liters?|"
    r"euros?|dollars?|USD|EUR|GBP|percent|%)"
)
_PER = (
    r"(?: ?/ ?| per | a | each | every )(?P<per>day|d|second|sec|s|minute|min|hour|h|week|month|year|user|"
    r"customer|person|account|team)\b"
)
_DAILY = r" (?P<adverb>daily|hourly|weekly|monthly|yearly|annually)\b"
QUANTITY = re.compile(
    rf"(?<![\w.,-])(?P<quantity>{_NUMBER}(?:[ -]?{_UNIT})?(?:{_PER}|{_DAILY})?)(?![\w]|[.,]\d)"
)
_RATE = re.compile(rf"(?<![\w.,-])(?P<quantity>{_NUMBER}(?:[ -]?{_UNIT})?(?:{_PER}|{_DAILY}))")
_PERIODS = {
    "d": "day",
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "daily": "day",
    "hourly": "hour",
    "weekly": "week",
    "monthly": "month",
    "yearly": "year",
    "annually": "year",
}

_VOLUME = re.compile(
    r"\b(?:volume|volumes|traffic|throughput|load|ingest\w*|estimat\w+|forecast|projection|projected|"
    r"peak(?:s|ed)?|sign-?off|"
    r"signed off|expect\w*|process(?:es|ing|ed)?|handl(?:es|ing|ed|e)|carr(?:y|ies|ied)|produc(?:es|"
    r"ing|ed|e)|generat\w+|receiv\w+|"
    r"measured|average|averages|baseline|demand|rate|capacity|running at|amounts? to|stands? at|"
    r"reach(?:es|ed)?)\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:limit\w*|cap(?:s|ped)?|ceiling|quota|maximum|max|at most|no more than|up to|ban(?:s|ned)?|"
    r"forbid\w*|allow\w*|permit\w*|"
    r"may|must|policy|exceed\w*|threshold|above|below|under|over|more than|less than|unlimited)\b",
    re.IGNORECASE,
)
_THING = rf"(?:[Tt]he |[Oo]ur )?(?P<thing>(?:[Pp]roject )?[{UP}][\w.&+-]*(?: [{UP}\d][\w.&+-]*){{0,2}})"
_FOR_THING = re.compile(rf"\b(?:for|of|on|in|by|at) {_THING}(?=$|[ ,.;:)])")
_THING_FIRST = re.compile(
    rf"(?:^|[:;] ){_THING}(?:'s)? (?:(?:volume|traffic|load|throughput|peak|data|pipeline|daily|final|"
    rf"estimated|expected) ?)*(?:is|was|will|now|expects?|process|handl|carr|produc|generat|receiv|"
    rf"averag|peak|has|runs?|needs?|reach|measured|stands?)"
)
_FORMER = re.compile(
    r"\b(?:instead of|rather than|up from|down from|not|from|previously|formerly|was only|versus|vs\.?|"
    r"compared (?:to|with)) $",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\b(?:no longer|not|never|would|could|might)\b", re.IGNORECASE)


def volume(clause: Clause) -> Iterator[FactDraft]:
    """How much of something there is in a time: "the final volume is 4,850,000 records/day"."""
    if _BOUND.search(clause.text) or not _VOLUME.search(clause.text) or _SECTION.search(clause.text):
        return
    rates = [r for r in _RATE.finditer(clause.text) if not _FORMER.search(clause.text[: r.start()][-16:])]
    if len(rates) != 1:
        return
    found = rates[0]
    period = found["per"] or found["adverb"]
    key = f"volume_per_{_PERIODS.get(period, period)}"
    told = re.search(
        r"\b(?:now|new|final|revised|updated|corrected|actual|latest|signed|sign-?off|peak\w*)\b",
        clause.text,
        re.I,
    )
    yield from clause.draft(
        key,
        found["quantity"],
        "entity",
        subject=_thing(clause.text),
        bearing="updates" if told else "asserts",
    )


def _thing(text: str) -> str:
    """The name of what the sentence is about, else UNNAMED."""
    found = _THING_FIRST.search(text) or _FOR_THING.search(text)
    if found is None:
        return UNNAMED
    name = found["thing"]
    return UNNAMED if name.split()[0].lower() in NOT_NAMES | _NO_THING else name


_NO_THING = word_set(
    """
    first final peak estimated measured current daily average total expected projected revised update
    volume traffic load section each per production staging new latest last according based after before
    during with given actual q1 q2 q3 q4 sign-off signed sign-off: this please fyi throughput initial
    early preliminary
    """
)

_LIMIT_NOUN = r"(?:limit|cap|ceiling|quota|maximum|threshold|allowance|budget)"
_CHANGED = (
    r"(?:raised|lowered|set|changed|increased|reduced|cut|slashed|trimmed|decreased|dropped|upped|bumped|"
    r"lifted|tightened|revised|adjusted)"
)
_TO = rf"(?: (?:up|down|back))*(?: from {_NUMBER}(?:[ -]?{_UNIT})?)? to"
_LIMIT_IS = re.compile(
    rf"\b(?P<kind>(?:[a-z][\w-]* ){{0,3}}?){_LIMIT_NOUN}(?: (?:of|for|on|in|under|set by|per) "
    rf"(?P<of>(?:the |our |my )?[\w.&'-]+(?: [\w.&'-]+){{0,3}}?))?"
    rf"(?P<is> (?:(?:(?:is|are|was|were|has|have|got|been|now|just) )+{_CHANGED}{_TO}|"
    rf"(?:has gone|went|rose|fell|dropped){_TO}|is|are|remains|stays|stands at|will be|:|=)(?: now| still| "
    rf"currently)?(?: set| fixed| capped)?(?: at| to)?|:| of| ?=|) ?(?<!\w)(?P<quantity>{_NUMBER}(?:[ -]?"
    rf"{_UNIT})?(?:{_PER}|{_DAILY})?)(?!\w)",
    re.IGNORECASE,
)
# "We cut the Atlas budget to 8k euros"
_LIMIT_SET = re.compile(
    rf"\b(?:I|we|they|[a-z]+) (?:(?:have|has|had|just|now) )*(?P<is>{_CHANGED}) (?P<kind>(?:the|our|my) "
    rf"(?:[a-z][\w-]* ){{0,3}}?){_LIMIT_NOUN}(?: (?:of|for|on) (?P<of>(?:the |our |my )?[\w.&'-]+"
    rf"(?: (?!from\b)[\w.&'-]+){{0,3}}?))?{_TO} (?P<quantity>{_NUMBER}(?:[ -]?{_UNIT})?"
    rf"(?:{_PER}|{_DAILY})?)(?!\w)",
    re.IGNORECASE,
)
_QUANTITY_LIMIT = re.compile(
    rf"\bthe (?P<quantity>{_NUMBER}[ -]?{_UNIT}(?:[ -]?(?:per[ -]day|/day|a day|daily))?) "
    rf"{_LIMIT_NOUN}(?: (?:of|in|from|under|set by|set in|introduced (?:in|by|with)|defined (?:in|by)|"
    rf"stated in|laid down in|given in) (?:the |our |policy )*(?P<of>[\w.&'-]+(?: [\w.&'-]+)?))?",
    re.IGNORECASE,
)
# "Osprey's |s budget", "the team's |s budget": a proper name of some words, or one word.
_WHOSE = re.compile(rf"(?P<whose>{CAP}(?: {CAP}){{0,3}}|[\w&-]+)'$")
_TIMES = word_set("day week weekend month quarter year season")
_BEFORE_ARTICLE = re.compile(r"^.*\b(?:the|our|my) ", re.IGNORECASE)
_STOPS = re.compile(r" (?:is|are|was|which|that|and|remains|applies|at|but|for|stays)\b.*$")


def limit(clause: Clause) -> Iterator[FactDraft]:
    """The most that is allowed: "the rate limit is 100 requests per minute", "the 400-record limit of v6"."""
    found = _QUANTITY_LIMIT.search(clause.text)
    if found:
        if (subject := _limited(clause, found["of"])) == UNNAMED:
            return
        yield from clause.draft("limit", _plural(found["quantity"]), "policy", subject=subject)
        return
    found = _LIMIT_IS.search(clause.text) or _LIMIT_SET.search(clause.text)
    if not found or _SECTION.search(clause.text) or not _is_amount(found):
        return
    whose = _WHOSE.search(clause.text[: found.start()]) if found["kind"].lower().startswith("s ") else None
    if whose and whose["whose"].lower() in NOT_NAMES | _TIMES:
        return  # "this month's budget", of nobody knows what
    subject = whose["whose"] if whose else _named_before(clause, found) or _limited(clause, found["of"])
    told_kind = found["kind"][2:] if whose else _BEFORE_ARTICLE.sub("", found["kind"])
    named = set(subject.lower().split())
    kind = "_".join(w for w in told_kind.lower().split() if w not in _NO_KIND | named)
    if not kind and subject == UNNAMED:
        return  # a limit of nobody knows what
    yield from clause.draft(
        f"{kind}_limit" if kind else "limit",
        found["quantity"],
        "policy",
        subject=subject,
        bearing="updates" if _NEW_LIMIT.search(clause.text) else "asserts",
    )


_NEW_LIMIT = re.compile(
    rf"\b(?:new|now|instead|rose|fell|(?:gone|went) (?:up|down)|{_CHANGED.replace('|set|', '|')})\b", re.I
)
_NAMED = re.compile(
    rf"(?:^|.*\b)(?:[Tt]he|[Oo]ur|[Mm]y) (?P<name>(?:[Pp]roject |[Tt]eam )?[{UP}][^\W\d_A-Z][\w&+-]*"
    rf"(?: [{UP}\d][\w&+-]*){{0,2}})(?= )"
)
# A plain number is an amount of money when nobody would take it for a year or a count.
_PLAIN_MONEY = re.compile(r"\d{1,3}(?:[,.' ]\d{3})+|(?!(?:19|20)\d\d$)\d{4,}")


def _is_amount(found: re.Match[str]) -> bool:
    if re.search(r"[A-Za-z%$€£]", found["quantity"]):
        return True
    plain = _PLAIN_MONEY.fullmatch(found["quantity"])
    return bool(plain and found["is"].strip() and "budget" in found.group().lower())


def _named_before(clause: Clause, found: re.Match[str]) -> str:
    """The name in "the Atlas budget", unless it is a time's or what it is for has a name."""
    told = _NAMED.match(found["kind"])
    if told is None or re.match(r"(?:(?:the|our|my) )?[A-Z]", found["of"] or ""):
        return ""
    named = told["name"].lower()
    if find_dates(f"in {told['name']}", clause.now) or named.split()[0] in NOT_NAMES | _NO_THING | _TIMES:
        return ""
    return told["name"]


def _plural(quantity: str) -> str:
    """ "400,000-record" as one says it without its noun: "400,000 records"."""
    words = quantity.replace("-", " ")
    return re.sub(r"( (?!bit|byte)[a-z]+[a-rt-z])$", r"\1s", words) if quantity != words else quantity


_NO_KIND = word_set(
    """
    the our a an my new current old this that upper hard only final revised updated strict is and with
    to has
    """
)


def _limited(clause: Clause, name: str | None) -> str:
    name = _STOPS.sub("", re.sub(r"^(?:the|our|my) ", "", name or "")).strip(" .")
    return name or _thing(clause.text)


RULES: tuple[Rule, ...] = (
    Rule(frozenset(), volume, mark="/"),
    Rule.of("per day daily hourly weekly monthly annually second hour", volume),
    Rule.of("limit cap ceiling quota maximum threshold allowance budget", limit),
)
