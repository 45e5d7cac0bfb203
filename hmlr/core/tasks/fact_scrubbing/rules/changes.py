"""Numbered versions of a policy and what becomes of them: superseded, a draft, revoked, reverted to.

The subject is the version ("v6"), after the name of its series when that says more than "policy". What is
said of a version without new content carries the version itself as its value: it bears on all its facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause

_NUMBER = r"(?:v|V|[Vv]ersion |[Rr]evision |[Rr]ev\.? )(?P<{0}>\d{{1,3}}(?:\.\d{{1,3}})?)(?!\w|-(?![vV]?\d))"
_ANY = r"(?:v|V|[Vv]ersion |[Rr]evision |[Rr]ev\.? )\d{1,3}(?:\.\d{1,3})?(?!\w|-(?![vV]?\d))"
VERSION = re.compile(rf"(?<![\w-]){_ANY}")
_NOUN = (
    r"(?i:policy|policies|rule|rules|regulation|guideline|guidelines|directive|standard|procedure|terms|"
    r"contract|agreement|specification|spec|memo|order)"
)
_SERIES = rf"(?:(?P<series>(?:[\w'-]+ ){{0,3}}?){_NOUN},? (?:document |number |no\. )?)?"
_REFERENCE = rf"(?:(?:the|our|that|policy|{_NOUN}|draft|earlier|previous|all of|both|versions|of) ){{0,4}}"
# The series right before a version that something becomes of: "Yesterday our travel policy |v3| was revoked".
_SERIES_BEFORE = re.compile(rf"(?P<series>(?:[\w'-]+ ){{0,3}}){_NOUN},? (?:document |number |no\. )?$")
_NO_SERIES = re.compile(
    r"^.*\b(?:the|our|my|a|an|this|that|of|for|in|on|by|is|was|says?|said|told|me|us|now|also|so|then|"
    r"yesterday|today|finally|however|apparently|old|new|draft|earlier|previous|entire|whole|please|ignore|"
    r"disregard|discard|forget|about|scrap|withdraw|void|revoke|retract|cancel|rescind|supersed\w+|replac\w+|"
    r"overrid\w+|repeal\w*|revert\w*|return|back|to|reinstat\w+|restor\w+|all|any|both|and|or|but|with|not)"
    r"(?: |$)",
    re.IGNORECASE,
)
_LIST = (
    rf"(?P<list>{_ANY}(?:(?:(?: ?[–—-] ?| (?:to|through|until|up to) )(?:v|"
    rf"V)?\d{{1,3}}(?:\.\d{{1,3}})?(?!\w|-(?![vV]?\d)))|(?:,? and |, | or |/| & ){_ANY}){{0,12}})"
)

_HEAD = re.compile(
    rf"^(?:[\w ,'-]{{0,60}}?(?:[:;–—-] ?|\b(?:published|issued|released|announced|introduced|adopted|"
    rf"approved|signed|here is|this is|new|now|today|the|our) "
    rf"))??{_SERIES}{_NUMBER.format('n')}(?P<rest>.*)$"
)
_THIS_IS = re.compile(
    rf"^(?:[Tt]his|[Tt]hat|[Ii]t|[Tt]he new (?:one|{_NOUN}|limit)) (?:is|will be|becomes|shall be)(?: now| "
    rf"called| known as| our| the)* (?:new )?{_SERIES}{_NUMBER.format('n')}$"
)
_CONTENT = re.compile(
    r"\d|\b(?:limit\w*|cap(?:s|ped)?|forbid\w*|forbidden|prohibit\w*|ban(?:s|ned)?|allow\w*|permit\w*|"
    r"unlimited|must|may|shall|"
    r"requires?|required|maximum|minimum|at most|at least|up to|only|mandatory|optional|approved|"
    r"supersedes?|replaces?|applies)\b",
    re.IGNORECASE,
)
_POLICY_WORD = re.compile(
    rf"\b(?:{_NOUN}|limit|cap|quota|ban|compliance|may|must|forbidden|prohibited|allowed|permitted|"
    rf"unlimited|supersedes?|revert|revoked|draft)\b|/(?:day|s|sec|hour|month)\b|\bper (?:day|second|hour|"
    rf"month)\b",
    re.IGNORECASE,
)

_WITHDRAWN = (
    r"(?:(?:only |just |merely |never more than )?an? (?:unapproved |early |internal |mere |old "
    r")?(?:draft|mistake|error|typo|proposal|test|hoax|forgery|fake)|"
    r"revoked|withdrawn|rescinded|retracted|annulled|invalid(?:ated)?|void(?:ed)?|null and void|"
    r"cancel+ed|forged|fake|fraudulent|unauthori[sz]ed|"
    r"never (?:approved|valid|official|in force|signed|authori[sz]ed|issued|adopted)|not (?:valid|"
    r"official|approved|authori[sz]ed)|"
    r"(?:issued|published|sent|released|written|circulated|signed) (?:by (?:mistake|error|accident|an? "
    r"(?:rogue|unauthori[sz]ed|former|disgruntled|junior) [\w ]{2,40}|someone without [\w ]{2,30})|in "
    r"error|without (?:approval|authori[sz]ation|authority)|erroneously|accidentally|prematurely))"
)
_BE = (
    r"(?:is|was|has been|had been|have been|are|were|got|gets|turned out to be|proved to be)(?: later| now|"
    r" since| subsequently| hereby| actually| only| just| formally| then| also| therefore)*"
)
_RETRACTED = re.compile(
    rf"(?P<list>{_ANY})(?:,? which|,? and)? (?:{_BE} {_WITHDRAWN}|never (?:took|came into|went into|"
    rf"entered into) "
    rf"(?:effect|force))\b"
)
# "Version 3 of the app" is no policy's.
_OF_ELSE = re.compile(rf"^ (?:of|for) (?:the|our|my|its|this) (?!(?:\w+ )?{_NOUN}\b)")
_IGNORED = re.compile(
    rf"\b(?:[Ii]gnore|[Dd]isregard|[Dd]iscard|[Ff]orget(?: about)?|[Ss]crap|[Ww]ithdraw|[Vv]oid|[Rr]evoke|"
    rf"[Rr]etract|[Cc]ancel|[Rr]escind) {_REFERENCE}{_LIST}"
)
_IT_WITHDRAWN = re.compile(
    rf"(?:^|[:;,(] ?|\b(?:and|but|policy|it|this|that|update|footnote|later|ban|rule) )(?:{_BE} "
    rf")?(?P<verb>revoked|withdrawn|rescinded|retracted|annulled|cancel+ed|voided|declared (?:invalid|"
    rf"void))\b",
    re.IGNORECASE,
)
_SUPERSEDES = re.compile(
    rf"\b(?:supersed(?:es?|ing)|replac(?:es?|ing)|overrid(?:es?|ing)|repeal(?:s|ing)?|obsolet(?:es|ing)|"
    rf"cancels|invalidates) {_REFERENCE}{_LIST}"
)
_SUPERSEDES_ALL = re.compile(
    r"\b(?:supersed(?:es?|ing)|replac(?:es?|ing)|overrid(?:es?|ing)|repeal(?:s|ing)?) (?:(?:all|"
    r"every(?:thing)?|any|the)\b ?)(?:of )?(?:(?:the|our|other|earlier|previous|prior|former|older|"
    r"existing|preceding|past|before|them) ?)*(?:versions?|polic(?:y|ies)|rules?|ones?|limits?|"
    r"guidelines?)?",
    re.IGNORECASE,
)
_SUPERSEDED = re.compile(
    rf"{_LIST} (?:{_BE}|are|were) (?:superseded|replaced|obsoleted|retired|deprecated|repealed|phased out|"
    rf"overridden|obsolete|outdated|expired|no longer (?:valid|in force|applicable))\b"
)
_BACK = re.compile(
    rf"\b(?:(?:[Rr]evert|[Rr]everting|[Rr]everted|[Rr]eturn|[Gg]o(?:ing)? back|[Ww]ent back|"
    rf"[Rr]oll(?:ed|ing)? back|[Ff]all back|[Ss]witch(?:ed|ing)? back|[Bb]ack) to|[Rr]einstat(?:e|es|"
    rf"ing)|[Rr]estor(?:e|es|ing)) {_REFERENCE}(?P<list>{_ANY})"
)
_BACK_IN_FORCE = re.compile(
    rf"(?P<list>{_ANY}) (?:{_BE} |(?:now |once )?(?:applies|holds|stands|counts|is valid|is in force|"
    rf"comes into force) )?(?:again|once more|reinstated|restored|back in force|back in effect|in "
    rf"force again|valid again)\b|(?P<stands>{_ANY}) (?:stands|still applies|still stands|still holds|"
    rf"remains in "
    rf"(?:force|effect)|is still in (?:force|effect))\b"
)
_NEVER = re.compile(
    r"\b(?:does|did|do|will) not (?:supersede|replace|override|revert|repeal)|"
    r"\b(?:not|never) (?:been |yet |formally )*(?:superseded|replaced|revoked|withdrawn|reinstated|repealed|"
    r"rescinded|retracted)\b",
    re.IGNORECASE,
)
# What becomes of a version is said without a word for policies, too: "v6 is reinstated, v7 is void".
_FATE = re.compile(
    r"\b(?:reinstat\w+|restor\w+|withdrawn?|rescind\w*|retract\w*|repeal\w*|annul\w*|void(?:ed)?|invalid|"
    r"in force|in effect|applies again|approved|authori[sz]ed|issued|roll(?:ed|ing)? back|back to|replaces?|"
    r"took effect|stands|still (?:applies|holds)|"
    r"replaced|ignore|disregard)\b",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(r"\b(?:if|unless|whether|in case)\b", re.IGNORECASE)
# Said before a change, these make it a wish, a condition or a claim, and nothing changes.
_NOT_DONE = re.compile(
    r"\b(?:until|once|might|may|could|would|should|maybe|perhaps|wants?|wanted|plans?|"
    r"planned|hopes?|proposes?|proposed|suggests?|suggested|consider\w*|thinking of|claim(?:s|ed)?|"
    r"believes?|believed|thinks?|thought|assumes?|assumed|suspects?|suspected|guess(?:es|ed)?|"
    r"rumou?r\w*|jokes?|joked|pretend\w*|supposedly|allegedly|apparently)\b",
    re.IGNORECASE,
)


def versions(told: list[Clause]) -> Iterator[FactDraft]:
    """What the sentences of one message say of numbered policies, in order."""
    current = ""  # the version that the message is about, or its series
    for place, sentence in enumerate(told):
        text = sentence.text
        if not (_POLICY_WORD.search(text) or _THIS_IS.search(text) or _FATE.search(text)):
            continue
        if found := _THIS_IS.search(text):
            current, near = _subject(found), told[max(0, place - 2) : place + 1]
            if (
                place
                and _CONTENT.search(told[place - 1].text)
                and not VERSION.search(_rest(told[place - 1].text))
            ):
                yield from told[place - 1].draft(
                    "policy", told[place - 1].text, "policy", subject=current, bearing=_weight(near)
                )
            continue
        if head := _head(sentence):
            current = _subject(head)
            yield from _content(sentence, head, told)
        yield from _bearings(sentence, current)
        current = _series_named(text) or current


def _rest(text: str) -> str:
    """The text without what it says of withdrawn versions."""
    return _IGNORED.sub("", _RETRACTED.sub("", text))


def _head(sentence: Clause) -> re.Match[str] | None:
    """The version that the sentence gives content to."""
    text = sentence.text
    found = _HEAD.search(text)
    if not found or not _CONTENT.search(found["rest"]) or not _POLICY_WORD.search(text):
        return None
    rest = found["rest"].lstrip()
    stands_first = (
        found.start("n") <= 3
        or found["series"] is not None
        or text[: found.start("n")].rstrip("vV ").endswith((":", "-", "–"))
    )
    states = re.match(
        r"[:;(,–—-]|(?:now |also )?(?:allows?|limits?|forbids?|bans?|prohibits?|permits?|caps?|sets?|"
        r"requires?|says?|states?|supersedes?|replaces?|is|was|applies|introduces?|raises?|lowers?|"
        r"restricts?|grants?|covers?|of|for|has|which|that|may|must)\b",
        rest,
    )
    if not stands_first or not states:
        return None
    # "v5 was a draft" and "v7 supersedes v1" alone: the first has no content, the second has.
    return None if _only_withdraws(text, found["n"]) else found


def _only_withdraws(text: str, number: str) -> bool:
    """Whether the sentence says nothing of the version but that it is out of force."""
    found = _RETRACTED.search(text) or _SUPERSEDED.search(text) or _BACK_IN_FORCE.search(text)
    if found is None or number not in _numbers(_listed(found)):
        return False
    return not re.search(r"\d", VERSION.sub("", text[: found.start()] + text[found.end() :]))


def _subject(found: re.Match[str]) -> str:
    series = re.sub(
        r"\b(?:the|our|a|an|new|this|that|next|latest|updated|revised|current|today|now|issued|published|"
        r"released|and|is|in|of)\b",
        "",
        (found["series"] or "").lower(),
    ).strip()
    return f"{' '.join(series.split())} policy v{found['n']}" if series else f"v{found['n']}"


def _content(sentence: Clause, head: re.Match[str], told: list[Clause]) -> Iterator[FactDraft]:
    value = head["rest"].strip(" :;,–—-")
    if value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    all_before = _SUPERSEDES_ALL.search(head["rest"]) is not None
    yield from sentence.draft(
        "policy", value, "policy", subject=_subject(head), bearing="updates" if all_before else "asserts"
    )


def _weight(told: list[Clause]) -> Bearing:
    """A limit that is called new, or that stands in for an ignored version, replaces those before it."""
    text = " ".join(sentence.text for sentence in told)
    return (
        "updates"
        if re.search(r"\b(?:new|instead|ignore|supersedes?|replaces?)\b", text, re.IGNORECASE)
        else "asserts"
    )


_STATES: tuple[tuple[re.Pattern[str], Bearing], ...] = (
    (_IGNORED, "retracts"),
    (_RETRACTED, "retracts"),
    (_SUPERSEDES, "ends"),
    (_SUPERSEDED, "ends"),
    (_BACK, "reinstates"),
    (_BACK_IN_FORCE, "reinstates"),
)


def _bearings(sentence: Clause, current: str) -> Iterator[FactDraft]:
    """What the sentence says becomes of versions."""
    text, named = sentence.text, False
    if _NEVER.search(text) or _CONDITIONAL.search(text):
        return
    for pattern, bearing in _STATES:
        for found in pattern.finditer(text):
            if _NOT_DONE.search(_clause_before(text, found.start())) or _OF_ELSE.match(text[found.end() :]):
                continue
            series = _series_named(text[: found.end()]) or current
            for number in _numbers(_listed(found)):
                named = named or bearing == "retracts"
                yield from _state(sentence, _named(number, series), bearing)
    it = None if named or _BACK.search(text) else _IT_WITHDRAWN.search(text)
    if current and it and not _NOT_DONE.search(_clause_before(text, it.start())):
        yield from _state(sentence, current, "retracts")


def _series_named(text: str) -> str:
    """The last policy that the text names before a version, as `_subject` writes it; "" when it has no name.

    "Travel policy v3 is revoked, v1 is reinstated" says nothing of version 1 of the security policy.
    """
    for version in reversed(list(VERSION.finditer(text))):
        before = _SERIES_BEFORE.search(text[: version.start()])
        name = _NO_SERIES.sub("", before["series"]).strip().lower() if before else ""
        if name:
            return f"{name} policy {version.group().lower()}"
    return ""


def _listed(found: re.Match[str]) -> str:
    return found["list"] or found.groupdict()["stands"]


def _clause_before(text: str, place: int) -> str:
    """What stands before a place in its clause."""
    return re.split(r"[,;:]|\b(?:and|but|because|since) ", text[:place])[-1]


def _named(number: str, current: str) -> str:
    """A version that is named by its number only, in the series that the message is about."""
    series = VERSION.sub("", current).strip()
    return f"{series} v{number}" if series else f"v{number}"


def _state(sentence: Clause, subject: str, bearing: Bearing) -> Iterator[FactDraft]:
    yield from sentence.draft(
        "policy", subject, "policy", subject=subject, bearing=bearing, reason=sentence.quote
    )


_RANGE = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})?)(?:\s?(?:[–—-]|to|through|until|up to)\s?[vV]?(\d{1,3})(?![\d.]))?"
)


def _numbers(text: str) -> list[str]:
    """The version numbers of a list or range: "v1–v3 and v5" is 1, 2, 3, 5."""
    out: list[str] = []
    for found in _RANGE.finditer(text):
        low, high = found[1], found[2]
        if high and low.isdigit() and int(low) < int(high) <= int(low) + 100:
            out.extend(str(n) for n in range(int(low), int(high) + 1))
        else:
            out.extend([low] if not high else [low, high])
    return out
