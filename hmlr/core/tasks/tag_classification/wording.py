"""How people word the terms of a topic: how far they reach, and of which kind they are. Pure patterns."""

from __future__ import annotations

import re

from hmlr.records import TagKind

_PLACE = (
    r"(?:project|session|conversation|chat|discussion|thread|topic|task|exercise|assignment|repo(?:sitory)?|"
    r"codebase|document|report|contract|sprint|trip|book|story|novel|course|study|experiment|team|company)"
)
# "In this project", "for the current session": for all of it.
WHOLE = re.compile(
    rf"\b(?:in|for|within|throughout|during|on) (?:all of |the whole of )?(?:this|our|the current) "
    rf"(?:(?:whole|entire|current|new|[\w-]+) )?(?P<place>{_PLACE})\b",
    re.IGNORECASE,
)
SITTINGS = frozenset({"session", "conversation", "chat"})  # places that a topic may outlast

# From the turn on in which it is said.
FROM_NOW = re.compile(
    r"\b(?:from (?:now|here|this point) on(?:wards?)?|starting (?:from )?now|going forward|"
    r"until further notice|for (?:now|the moment|the time being)|"
    r"for the (?:rest|remainder) of (?:this|the|our) [\w-]+)\b",
    re.IGNORECASE,
)
UNTIL = re.compile(
    r"\b(?:until|till) (?!now\b|recently\b|further notice)(?P<end>[^,.;:!)]{3,80})", re.IGNORECASE
)
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FOR_NEXT = re.compile(
    rf"\b(?:for|in) (?:the|my|your) next (?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)}) "
    r"(?:turns?|messages?|questions?|answers?|replies|responses)\b",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(?:back to normal|you (?:can|may) stop|"
    r"(?:drop|forget|lift|cancel) (?:that|this|the) (?:rule|restriction)|"
    r"(?:that|this|the) (?:rule|restriction) (?:is (?:over|lifted|off)|no longer (?:holds|applies)))\b",
    re.IGNORECASE,
)

_TO_DO = (
    r"(?:answer|reply|respond|write|use|give|speak|format|include|avoid|show|explain|translate|ask|stick|treat|"
    r"call|ignore|leave|add|quote|cite|be|assume|limit|keep|do not)"
)
_IMPERATIVE = re.compile(rf"^(?:(?:please|always|never|only|just) )*{_TO_DO}\b", re.IGNORECASE)
_PRESCRIBES = re.compile(
    r"\b(?:must(?: not)?|never|always|only|is forbidden|are forbidden|(?:is|are) not allowed|mandatory|"
    r"(?:we|you) do not (?!know|understand|remember|have|see|think|get|want|need)|at most|no more than|"
    r"stick to|cannot exceed)\b",
    re.IGNORECASE,
)
# "I always get errors" reports, "we always squash commits" rules; so does "I only want one page".
_REPORTS = re.compile(r"\bI (?:\w+ )?(?:never|always|only|do not)\b(?! want| need| allow| accept)")
_HOW = r"(?:all|will|shall|are|am|have|mainly|mostly|currently|now|still|also|just|both)"
_DOES = (
    r"(?:uses?|using|targets?|targeting|speak|rely on|relying on|"
    r"(?:runs?|running|writ(?:e|ing)|deploy(?:ing)?|build(?:ing)?|host(?:ing)?|work(?:ing)?|develop(?:ing)?|"
    r"test(?:ing)?|calculat(?:e|ing)|count(?:ing)?|measur(?:e|ing)) (?:in|on|with|for|to|against))"
)
_DONE = (
    r"(?:written|built|hosted|deployed|stored|measured|given|quoted|kept|running|based) (?:in|on|with|at|by)"
)
_SETTING = re.compile(
    rf"\b(?:we|I|you|team|everyone|everything|code|services?) (?:{_HOW} )*{_DOES}\b"
    rf"|\b(?:is|are) (?:{_HOW} )*{_DONE}\b",
    re.IGNORECASE,
)

_QUOTED = r"(?:\"[^\"\n]{1,60}\"|'[^'\n]{1,60}')"
_MEANS = r"(?:means|refers to|stands for|is short for)"
_TERM = rf"(?:{_QUOTED}|[\w-]+(?: [\w-]+){{0,3}}?)"
_DEFINED = re.compile(
    rf"^(?:(?:by|with|when (?:I|we) say|when saying) {_TERM},? (?:here )?(?:I|we) (?:always |only |really )?"
    rf"(?:mean|refer to|understand) .{{3,300}}"
    rf"|(?:in|for|within) (?:this|our) [\w-]+,? {_TERM} {_MEANS} .{{3,300}}"
    rf"|{_TERM} (?:here|in (?:this|our) [\w-]+) {_MEANS} .{{3,300}}"
    rf"|(?:let us|let's|we will|we shall|I will|we) call .{{3,80}} {_QUOTED}"
    rf"(?: here| from now on| in the following)?)$",
    re.IGNORECASE,
)


def defined(text: str) -> bool:
    """Whether the sentence says what a word means here."""
    return _DEFINED.search(text) is not None


def kind_of(text: str) -> TagKind | None:
    """Whether a statement, its reach set aside, prescribes or describes a setting; None for anything else."""
    rest = without_reach(text)
    if _IMPERATIVE.search(rest) or (_PRESCRIBES.search(rest) and not _REPORTS.search(rest)):
        return "constraint"
    return "environment" if _SETTING.search(rest) else None


def without_reach(text: str) -> str:
    """The statement without the words that say how far it reaches."""
    for pattern in (FROM_NOW, FOR_NEXT, UNTIL, WHOLE):
        text = pattern.sub(" ", text)
    return " ".join(text.split()).strip(" ,;:-").removeprefix("and ")


def limited(text: str) -> bool:
    """Whether the statement holds from now on or until something; elsewhere "until" is mere timing."""
    if FROM_NOW.search(text) or FOR_NEXT.search(text):
        return True
    return opens_with_until(text)


def opens_with_until(text: str) -> bool:
    """Whether the statement begins with "until …"."""
    return UNTIL.match(text) is not None


def number_of(word: str) -> int:
    """The number that a numeral or a word from one to ten means."""
    return int(word) if word.isdigit() else _NUMBERS.index(word.lower()) + 1


def lifted(text: str) -> bool:
    """Whether the text says that a rule is over."""
    return _OVER.search(text) is not None
