"""What is said of a named person: where they live and work, what they can't eat, who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    END,
    JOBS,
    NAME,
    NOT_NAMES,
    ORGANISATIONS,
    PERSON,
    PLACE,
    word_set,
)

_WHO = rf"^(?:[Mm]y (?:[a-z-]+ ){{1,2}})?(?P<who>{PERSON})"
_LIVES = re.compile(
    rf"{_WHO} (?:now |currently |still )?(?:lives|resides|is (?:now )?(?:living|based)) in "
    rf"(?P<v>{PLACE}){END}"
)
_MOVED = re.compile(
    rf"{_WHO} (?:has )?(?:just |recently )?(?:moved|relocated) to (?P<v>{PLACE})(?=$|[,.;]| )"
)
_WORKS = re.compile(
    rf"{_WHO} (?:now |currently |still )?(?:works|is (?:now )?working) (?:at|for) (?P<v>(?:the "
    rf")?{NAME}|an? (?:[\w-]+ ){{0,3}}?{ORGANISATIONS})(?=$|[,.;]| )"
)
_JOB = re.compile(
    rf"{_WHO} (?:is|works as|became|is working as) (?:now )?(?:an?|the|our|their) (?P<v>(?:(?!(?:best|good|"
    rf"great|amazing|bad|worst|better|huge|big) )[\w-]+ ){{0,3}}?{JOBS})(?=$|[,.;]| (?:at|in|for|from|and|"
    rf"who|with|of)\b)",
    re.IGNORECASE,
)
_ALLERGIC = re.compile(rf"{_WHO} is (?:\w+ )?allergic to (?P<v>[a-z][\w ,-]{{2,50}})")
_DIET = re.compile(
    rf"{_WHO} is (?:a |strictly |also |now ){{0,2}}(?P<v>vegetarian|vegan|pescatarian|gluten-free|"
    rf"lactose[- ]intolerant)(?=$|[,.; ])"
)
_FROM = re.compile(rf"{_WHO} (?:is|comes) (?:originally )?from (?P<v>{PLACE}){END}")
_NO_PERSON = NOT_NAMES | word_set(
    """
    project policy section version chapter step figure table company team group
    """
)

_PATTERNS: tuple[tuple[str, re.Pattern[str], bool], ...] = (
    ("lives_in", _MOVED, True),
    ("lives_in", _LIVES, False),
    ("employer", _WORKS, False),
    ("job", _JOB, False),
    ("allergy", _ALLERGIC, False),
    ("diet", _DIET, False),
    ("comes_from", _FROM, False),
)


def person(clause: Clause) -> Iterator[FactDraft]:
    """A fact about a third person, under that person's name."""
    for key, pattern, update in _PATTERNS:
        if not (found := pattern.search(clause.text)):
            continue
        who = found["who"]
        if who.split()[0].lower() in _NO_PERSON or not who[:1].isupper() or who in {"I", "We"}:
            continue
        yield from clause.draft(
            key, found["v"], "entity", subject=who, bearing="updates" if update else "asserts"
        )


RULES: tuple[Rule, ...] = (
    Rule.of("lives resides living based moved relocated works working is became allergic comes from", person),
)
