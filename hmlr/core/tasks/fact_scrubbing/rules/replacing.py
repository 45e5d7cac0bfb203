"""Words that say outright that one thing takes the place of another: "instead of", "switched from".

Of named things and of third parties; what the speaker does himself is with the rules of its theme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, doubtful
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    NAME,
    NOT_NAMES,
    PERSON,
    PLACE,
    UP,
    word_set,
)
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug, tidy

_NAMED = rf"[{UP}][\w.&+-]*(?: (?!(?:in|for|to|from|instead)\b)[{UP}\d][\w.&+-]*){{0,2}}"
_THING = rf"^(?:[Tt]he |[Oo]ur )?(?P<a>(?:[Pp]roject |[Tt]eam )?{_NAMED})(?: (?:project|team|service|app))?"
_NOW = r"(?:(?:has|have|had|is|are|will|now|just|recently|finally|completely|fully|going|to) )*"
_OLD, _NEW = rf"(?:the )?(?P<old>{_NAMED})", rf"(?:the )?(?P<new>{_NAMED})"
_END = r"(?=$|[,.;)(]| )"
_SWAPPED = (
    re.compile(
        rf"{_THING} {_NOW}(?:switched|switching|migrated|migrating|moved|changed) (?:over )?from {_OLD} "
        rf"to {_NEW}{_END}"
    ),
    re.compile(
        rf"{_THING} {_NOW}(?:uses?|using|runs? on|running on|relies on|rely on|adopts?|adopted) {_NEW} "
        rf"(?:instead of|rather than|in place of) {_OLD}{_END}"
    ),
    re.compile(
        rf"{_THING} {_NOW}(?:replaced|replacing|swapped|swaps|dropped|drops) {_OLD} (?:with|by|for) "
        rf"{_NEW}{_END}"
    ),
)
_UNUSED = re.compile(
    rf"{_THING} {_NOW}(?:(?:no longer|stopped|not) (?:uses?|using|runs? on|running on|rel(?:y|ies|ying) on|"
    rf"depends? on|depending on)|does not (?:use|run on|rely on|depend on)|dropped|abandoned|got rid of) "
    rf"{_OLD}(?P<more> any ?(?:more|longer))?{_END}"
)


def thing(clause: Clause) -> Iterator[FactDraft]:
    """What a named thing uses in place of another, or no longer: "Atlas switched from Jira to Linear"."""
    if doubtful(clause):
        return
    if " not " not in clause.text and " never " not in clause.text:
        for pattern in _SWAPPED:
            if found := pattern.search(clause.text):
                if _is_thing(found["a"]) and not _relocates(found):
                    subject = tidy(found["a"])
                    yield from _ended(clause, subject, "uses", found["old"])
                    yield from clause.draft("uses", found["new"], "entity", subject=subject)
                return
    found = _UNUSED.search(clause.text)
    if found and _is_thing(found["a"]) and ("does not" not in found.group() or found["more"]):
        yield from _ended(clause, tidy(found["a"]), "uses", found["old"])


_MARKED = re.compile(r"^(?:[Tt]he |[Oo]ur |[Pp]roject |[Tt]eam )| (?:project|team|service|app) ")


def _relocates(found: re.Match[str]) -> bool:
    """Whether it reads like "Klara moved from Oslo to Bergen": a bare name may be a person's."""
    return bool(re.search(r"\b(?:moved|relocated) (?:over )?from ", found.group())) and not _MARKED.search(
        found.group()
    )


def _is_thing(name: str) -> bool:
    return name.split(maxsplit=1)[0].lower() not in NOT_NAMES


def _ended(clause: Clause, subject: str, key: str, value: str) -> Iterator[FactDraft]:
    yield from clause.draft(key, value, "entity", subject=subject, bearing="ends", reason=clause.quote)


_WHO = rf"^(?:[Mm]y (?:[a-z-]+,? ){{1,2}})?(?P<who>{PERSON}),?"
_MORE = r"(?P<more> any ?(?:more|longer))?"
_PERSON_ENDED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (
        key,
        re.compile(
            rf"{_WHO} (?:(?:no longer|has stopped|stopped) {now}|(?P<weak>does not|is not) {plain}) "
            rf"(?P<v>{value}){_MORE}{_END}"
        ),
    )
    for key, now, plain, value in (
        ("lives_in", r"(?:lives|living) in", r"(?:live|living|based) in", PLACE),
        ("employer", r"(?:works|working) (?:at|for)", r"(?:work|working) (?:at|for)", rf"(?:the )?{NAME}"),
        (
            "likes",
            r"(?:likes?|loves?|enjoys?|liking)",
            r"(?:like|love|enjoy)",
            r"[A-Za-z][\w'-]*(?: \w+){0,2}?",
        ),
    )
)
_LEFT = re.compile(
    rf"{_WHO} (?:has )?(?:just |recently )?(?:quit|left|resigned from|retired from|was (?:fired|laid off) "
    rf"(?:by|"
    rf"from)|quit (?:his|her|their) job at) (?P<v>(?:the )?{NAME})(?=$|[,.;!]| (?:last|this|in|yesterday|"
    rf"because|after|and)\b)"
)
_IS_NO_LONGER = re.compile(
    rf"{_WHO} is (?:no longer (?P<a>vegetarian|vegan|pescatarian|allergic to (?P<to>[a-z][\w ,'-]{{1,40}}))|"
    rf"not (?P<b>vegetarian|vegan|pescatarian|allergic to (?P<to2>[a-z][\w ,'-]{{1,40}}?)) "
    rf"any ?(?:more|longer))$"
)


def person(clause: Clause) -> Iterator[FactDraft]:
    """What is no longer so of a third person: "Mei no longer works at Acme", "Bo has left Initech"."""
    if doubtful(clause):
        return
    for key, pattern in _PERSON_ENDED:
        found = pattern.search(clause.text)
        if found and _is_person(found["who"]) and (found["more"] or not found["weak"]):
            yield from _ended(clause, found["who"], key, found["v"])
            return
    if (found := _LEFT.search(clause.text)) and _is_person(found["who"]):
        yield from _ended(clause, found["who"], "employer", found["v"])
    elif (found := _IS_NO_LONGER.search(clause.text)) and _is_person(found["who"]):
        what = found["to"] or found["to2"]
        value = what or found["a"] or found["b"]
        yield from _ended(clause, found["who"], "allergy" if what else "diet", value)


_NO_PERSON = NOT_NAMES | word_set("project policy section version team group")


def _is_person(name: str) -> bool:
    return name.split(maxsplit=1)[0].lower() not in _NO_PERSON


# "The meeting room is B12", "the stand-up is at 9:30": a code, a number or a time of day, and nothing else.
_SETTING = re.compile(
    r"^(?:[Tt]he|[Oo]ur) (?P<what>[a-z][a-z-]*(?: [a-z][a-z-]*){0,2}) (?:is|starts|begins|takes place)(?: "
    r"now)?"
    r"(?: (?:at|in|on|from))? (?P<v>(?:room )?[A-Z]{1,3}-?\d{1,4}[a-z]?|\d{1,2}[:.]\d\d(?: ?[ap]m)?|"
    r"\d{1,2} ?[ap]m)(?P<now> now)?$"
)
_NO_SETTING = word_set(
    """
    one new other time price rate score answer result value total sum number amount code password pin key
    token limit temperature odds ratio version width height battery
    """
)


def setting(clause: Clause) -> Iterator[FactDraft]:
    """The place or hour of something that recurs: "the meeting room is B12"."""
    found = _SETTING.search(clause.text)
    if found is None or not _NO_SETTING.isdisjoint(found["what"].split()):
        return
    bearing: Bearing = "updates" if " now" in found.group() else "asserts"
    yield from clause.draft(slug(found["what"]), found["v"], "entity", bearing=bearing)


RULES: tuple[Rule, ...] = (
    Rule.of(
        "switched switching migrated migrating moved changed instead rather place replaced replacing swapped "
        "swaps dropped drops longer stopped abandoned rid more",
        thing,
    ),
    Rule.of("longer stopped more anymore quit left resigned retired fired laid", person),
)
OF_US: tuple[Rule, ...] = (Rule.of("is starts begins takes", setting),)
