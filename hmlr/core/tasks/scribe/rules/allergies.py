"""Allergies and intolerances, the speaker's own and those of close family."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import FAMILY, items, word_set

_SEVERITY = (
    r"(?:(?:also|severely|deathly|highly|very|mildly|slightly|extremely|terribly|seriously|quite|really|"
    r"allergic and|sadly|unfortunately) )*"
)
# What one may be besides, before or after: "I am strictly vegetarian and allergic to nuts".
_ALSO = (
    r"(?:(?:an?|strictly|mostly|completely|also|lactose|gluten) )*(?:vegetarian|vegan|pescatarian|"
    r"flexitarian|diabetic|asthmatic|co?eliac|pregnant|kosher|halal|gluten-free|lactose-intolerant|intolerant)"
)
_BESIDES = rf"(?:{_ALSO},? )+(?:and|but) "
_IS_ALSO = re.compile(rf"^{_ALSO}$")
_WHAT = r"(?P<what>[a-z][\w'/ -]{1,40}(?:(?:,? and |,? or |, )[a-z][\w'/ -]{1,40}){0,6})"
_ALLERGIC = re.compile(rf"\bI am (?:{_BESIDES})?{_SEVERITY}(?:allergic|intolerant) to (?:all )?{_WHAT}")
_ALLERGIC_SHORT = re.compile(rf"^(?:[Vv]ery |[Aa]lso )?[Aa]llergic to (?:all )?{_WHAT}")
_HAS_ALLERGY = re.compile(
    r"\bI (?:also )?(?:have|suffer from|developed|have developed) (?:an? )?(?:(?:severe|serious|mild|"
    r"bad|strong|life-threatening|deadly|nasty) )?"
    r"(?:(?P<what>(?!(?:no|any|some|lot|few|many)\b)[a-z][\w-]*(?: [a-z][\w-]*)?) (?:allergy|allergies|"
    r"intolerance)|(?:allergy|allergies|intolerance) to (?P<to>[a-z][\w ,-]{1,60}))\b"
)
_MY_ALLERGY = re.compile(r"\b[Mm]y (?:severe |bad )?(?P<what>[a-z][\w-]+) (?:allergy|intolerance)\b")
_INTOLERANT = re.compile(r"\bI am (?:also )?(?P<what>lactose|gluten|fructose|histamine)[- ]intolerant\b")
_NO_ALLERGY = re.compile(
    r"\bI (?:am (?:actually |really )?(?:no longer|not) (?:actually |really )?allergic to "
    r"(?P<a>[a-z][\w ]{1,40}?)(?P<more> any ?(?:more|longer))?(?P<never> after all)?"
    r"(?=$|[,.;(]| (?:since|because|thank|as it turns|it turns|turns out)\b)|"
    r"am (?:actually |really )?(?:no longer|not) (?P<d>lactose|gluten|fructose|histamine)[- ]intolerant"
    r"(?P<more2> any ?(?:more|longer))?(?P<never2> after all)?|"
    r"(?:have )?outgrew my (?P<b>[a-z][\w ]{1,30}) allergy|(?:have )?outgrown my "
    r"(?P<c>[a-z][\w ]{1,30}) allergy)"
)
_RELATIVE_ALLERGIC = re.compile(
    rf"\b[Mm]y (?:(?:older|younger|little|big|eldest|youngest) )?(?P<who>[a-z-]+)(?P<name> [A-Z]\w+)? is "
    rf"{_SEVERITY}allergic to {_WHAT}"
)
_TAIL = re.compile(r" (?:since|so|because|but|which|as|if|when|that|from|at|in|now|too|again)\b.*$")
_NEXT_CLAUSE = re.compile(r",? (?:and|but) (?:[\w-]+ ){1,3}?(?:makes?|gives?) me\b.*$")
_UNSAID = word_set(
    """
    it that this them him her you work everything nothing something food bullshit stupid
    """
)


def allergies(clause: Clause) -> Iterator[FactDraft]:
    """Allergies and intolerances, the speaker's own and those of close family."""
    if ended := _NO_ALLERGY.search(clause.text):
        what = next(filter(None, ended.group("a", "b", "c", "d")))
        wrong = (
            ended["never"]
            or ended["never2"]
            or re.search(r"\b[Tt]urns out\b|\btest was wrong\b", clause.text)
        )
        if " not " not in ended.group() or ended["more"] or ended["more2"]:
            yield from clause.draft("allergy", what, "constraint", bearing="ends", reason=clause.quote)
        elif wrong:
            yield from clause.draft("allergy", what, "constraint", bearing="retracts", reason=clause.quote)
        return
    if (found := _RELATIVE_ALLERGIC.search(clause.text)) and found["who"] in FAMILY:
        if not found["name"]:  # with a name it is a fact about that person
            yield from _allergy_list(clause, f"{found['who']}_allergy".replace("-", "_"), found["what"])
        return
    if (
        found := _ALLERGIC.search(clause.text)
        or _INTOLERANT.search(clause.text)
        or _MY_ALLERGY.search(clause.text)
        or (_ALLERGIC_SHORT.search(clause.text) if not clause.earlier else None)
    ):
        yield from _allergy_list(clause, "allergy", found["what"])
        if (besides := _INTOLERANT.search(clause.text)) and besides["what"] not in found["what"]:
            yield from clause.draft("allergy", besides["what"], "constraint")
    elif found := _HAS_ALLERGY.search(clause.text):
        yield from _allergy_list(clause, "allergy", found["what"] or found["to"])


def _allergy_list(clause: Clause, key: str, text: str) -> Iterator[FactDraft]:
    for item in items(_TAIL.sub("", _NEXT_CLAUSE.sub("", text))):
        if _IS_ALSO.match(item):
            return  # "allergic to nuts and strictly vegetarian"
        if item.split()[0] not in _UNSAID and len(item.split()) <= 4:
            yield from clause.draft(key, item, "constraint")


RULES: tuple[Rule, ...] = (
    Rule.of(
        "allergic allergy allergies intolerant intolerance lactose-intolerant gluten-intolerant", allergies
    ),
)
