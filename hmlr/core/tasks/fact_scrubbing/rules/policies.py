"""Rules that hold for a group of people or a thing, deprecations, and what replaced what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import NOT_NAMES, UP, word_set
from hmlr.core.tasks.fact_scrubbing.rules.wording import tidy

_GROUP = (
    r"(?:employees?|staff(?: members?)?|workers?|personnel|contractors?|managers?|directors?|"
    r"executives?|officers?|interns?|"
    r"customers?|clients?|users?|members?|students?|pupils?|teachers?|visitors?|guests?|tenants?|"
    r"residents?|vendors?|suppliers?|"
    r"partners?|developers?|engineers?|administrators?|admins|drivers?|pilots?|nurses?|doctors?|"
    r"patients?|participants?|"
    r"applicants?|passengers?|subscribers?|departments?|teams?|anyone|everyone|nobody|no one|all(?: "
    r"of)? (?:us|staff|employees))"
)
_WHO = (
    rf"(?:(?:All|Our|The|Every|No|Any|Each|all|our|the|every|no|any|each|full-time|part-time|senior|"
    rf"temporary|public|new) ){{0,3}}(?P<who>(?i:{_GROUP}))(?: (?:of|in|at|with|on|who) (?:[\w'-]+ "
    rf"?){{1,6}})?"
)
_DEONTIC = (
    r"(?:may(?: not| never| only)?|must(?: not| never| always)?|shall(?: not)?|should (?:not|never|"
    r"always)|cannot|can only|"
    r"(?:is|are) (?:strictly |not |only |never |always )*(?:allowed|permitted|required|forbidden|"
    r"prohibited|obliged|banned|entitled|expected|barred|authori[sz]ed) (?:to|from|any)?|"
    r"(?:is|are) (?:not|never) to|need(?:s)? (?:prior |written )?approval|has to|have to)"
)
_RULE_FOR = re.compile(rf"(?:^|[:;,] ){_WHO} {_DEONTIC}\b.{{4,}}")
_ACT = re.compile(
    r"^(?P<what>(?:[\w&'-]+ ){0,8}?[\w&'-]+) (?:is|are) (?:strictly |absolutely |currently |now |"
    r"generally |hereby )*(?P<verb>forbidden|prohibited|not allowed|not permitted|banned|mandatory|"
    r"compulsory|against (?:the|our|company) (?:rules|policy))\b"
)
_POLICY_SAYS = re.compile(
    r"\b(?P<what>(?:[\w&'-]+ ){0,4}?(?:[\w&'-]+)) (?P<noun>policy|guideline|guidelines|rule|rules|"
    r"regulation|regulations|code of conduct|handbook)(?: (?:on|for|about) (?P<on>[\w '&-]{2,50}?))?"
    r"(?: (?:is|are|says?|states?|requires?|forbids?|prohibits?|allows?|permits?|limits?|bans?|"
    r"sets?)(?: that)? |: ?)(?P<rule>.{6,})$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:the|our|a|an|my|company|under|per|as per|according to|new|this|that|there|is|about|with|"
    r"remember|note|of) )+",
    re.IGNORECASE,
)
_NO_TOPIC = word_set(
    """
    insurance foreign no first second third golden same only thumb general honesty
    """
)
_CHATTY = word_set("i you me my your we")


def rule_of_conduct(clause: Clause) -> Iterator[FactDraft]:
    """What a group may or must not do, and what a named policy says."""
    if not _CHATTY.isdisjoint(clause.words) and not _POLICY_NOUN.search(clause.text):
        return
    if re.search(r"(?<![\w-])v\d{1,3}(?![\w-])", clause.text[:40]):
        return  # numbered versions have a rule of their own
    if found := _POLICY_SAYS.search(clause.text):
        topic = _LEADING.sub("", f"{found['what'] or ''} ").strip()
        topic = topic or (found["on"] or "").strip()
        if topic and topic.split()[-1].lower() not in _NO_TOPIC | NOT_NAMES and _BINDS.search(found["rule"]):
            yield from clause.draft(
                "policy", clause.text, "policy", subject=f"{topic} {found['noun']}".lower()
            )
            return
    if found := _RULE_FOR.search(clause.text):
        yield from clause.draft("rule", clause.text, "policy", subject=found["who"].lower())
    elif (found := _ACT.search(clause.text)) and found["what"].split()[0].lower() not in NOT_NAMES:
        yield from clause.draft("rule", clause.text, "policy", subject=_LEADING.sub("", found["what"]))


_POLICY_NOUN = re.compile(
    r"\b(?:policy|guidelines?|rules?|regulations?|code of conduct|handbook)\b", re.IGNORECASE
)
_BINDS = re.compile(
    r"\d|\b(?:may|must|shall|should|cannot|not|never|only|no|always|required?|requires?|forbid\w*|"
    r"prohibit\w*|allow\w*|permit\w*|limit\w*|maximum|minimum|up to|at most|any|all|every)\b",
    re.IGNORECASE,
)

_THING = (
    rf"(?:[Tt]he |[Oo]ur )?(?P<a>(?:[{UP}][\w.&+-]*|[a-z]+[-_.][\w.-]+|`[^`]{{1,60}}`|"
    rf"\"[^\"]{{1,60}}\")(?: [\w.&+-]+){{0,4}}?)"
)
_DEPRECATED = re.compile(
    rf"(?:^|[,;:] |\b(?:that|and|but|because) ){_THING} (?:is|are|was|were|has been|have been)(?: now| "
    rf"officially| fully| being| already| since)* (?P<how>deprecated|obsolete|discontinued|retired|"
    rf"end[- ]of[- ]life|sunset(?:ted)?|decommissioned|phased out|no longer (?:supported|maintained|"
    rf"available|allowed|recommended|approved))(?P<rest>.*)$"
)
_INSTEAD = re.compile(
    rf"\b(?:use|using|switch to|migrate to|move to|replaced (?:by|with)|superseded by|in favou?r of|"
    rf"prefer) (?:the |our )?(?P<b>(?:[{UP}][\w.&+-]*|[a-z]+[-_.][\w.-]+|`[^`]{{1,60}}`)(?: "
    rf"[{UP}\d][\w.&+-]*){{0,3}})"
)
_REPLACED = re.compile(
    rf"(?:^|[,;:] |\b(?:that|and) ){_THING} (?:has been|was|is being|is|will be|got) (?:replaced|"
    rf"superseded|succeeded)(?: completely| fully)? (?:by|with) (?:the |our "
    rf")?(?P<b>(?:[{UP}][\w.&+-]*)(?: [{UP}\d][\w.&+-]*){{0,3}})"
)


def deprecation(clause: Clause) -> Iterator[FactDraft]:
    """That a named thing is out of use, and what stands in for it."""
    if found := _DEPRECATED.search(clause.text):
        name = tidy(found["a"])
        if name.split()[0].lower() in NOT_NAMES:
            return
        yield from clause.draft("status", found["how"], "policy", subject=name)
        if other := _INSTEAD.search(found["rest"]):
            yield from clause.draft("replaced_by", other["b"], "policy", subject=name)
    elif (found := _REPLACED.search(clause.text)) and found["a"].split()[0].lower() not in NOT_NAMES:
        since = past_date(clause)
        yield from clause.draft(
            "replaced_by", found["b"], "policy", subject=tidy(found["a"]), valid_from=since
        )


_SWITCHED = re.compile(
    rf"\b(?P<who>I|[Ww]e) (?:have )?(?:just |recently |finally |now )?(?:switched|migrated|moved|"
    rf"changed) (?:over )?from (?P<old>[{UP}][\w.&+-]*(?: [{UP}\d][\w.&+-]*){{0,2}}) to "
    rf"(?P<new>[{UP}][\w.&+-]*(?: [{UP}\d][\w.&+-]*){{0,2}})"
)
_NO_LONGER_USE = re.compile(
    rf"\b(?:I|[Ww]e) (?:(?:no longer|have stopped|stopped|have given up) (?:use|using|rely on|run|"
    rf"running)|do not use) (?P<old>[{UP}][\w.&+-]*(?: [{UP}\d][\w.&+-]*){{0,2}})(?P<more> any "
    rf"?(?:more|longer))?"
)
_WE_USE = re.compile(
    rf"^(?:I|[Ww]e) (?:now |currently |still |mostly |mainly |always )*(?:use|run|run on|rely on|are "
    rf"using|am using) (?P<new>[{UP}][\w.&+-]*(?: [{UP}\d][\w.&+-]*){{0,2}})(?= (?:for|as|to|in|on|"
    rf"with|now|at|and)\b|$|[,;]|\.(?!\w))"
)


def tools(clause: Clause) -> Iterator[FactDraft]:
    """What the speaker uses, and a change of it: "we switched from Jira to Linear"."""
    if found := _SWITCHED.search(clause.text):
        moved = " moved from " in found.group() and clause.text.split()[0] in {"I", "We", "we"}
        if moved and not _SOFTWARE.search(found.group()):
            return  # people move from town to town
        yield from clause.draft("uses", found["old"], "entity", bearing="ends", reason=clause.quote)
        yield from clause.draft("uses", found["new"], "entity")
    elif found := _NO_LONGER_USE.search(clause.text):
        if "not use" not in found.group() or found["more"]:
            yield from clause.draft("uses", found["old"], "entity", bearing="ends", reason=clause.quote)
    elif (found := _WE_USE.search(clause.text)) and found["new"].split()[0].lower() not in NOT_NAMES:
        yield from clause.draft("uses", found["new"], "entity")


_SOFTWARE = re.compile(
    r"\d|SQL|DB|[a-z][A-Z]|\.js\b|\b(?:Jira|Linear|Slack|Teams|Git|AWS|Azure|Redis|Python|Java|Go|Rust|"
    r"Windows|Linux|Ubuntu|Notion|Vim|Emacs|React|Vue|Angular|Gmail|Outlook|Android|Chrome|Firefox|Docker|"
    r"Oracle|Heroku)\b"
)

RULES: tuple[Rule, ...] = (
    Rule.of(
        "may must shall should cannot can allowed permitted required forbidden prohibited obliged "
        "banned entitled expected barred "
        "authorized authorised never approval policy guideline guidelines rule rules regulation "
        "regulations conduct handbook "
        "mandatory compulsory against",
        rule_of_conduct,
    ),
    Rule.of("switched migrated moved changed use using run running rely", tools),
)
OF_THINGS: tuple[Rule, ...] = (
    Rule.of(
        "deprecated obsolete discontinued retired end-of-life end sunset sunsetted decommissioned phased "
        "longer replaced superseded succeeded", deprecation),
)  # fmt: skip
