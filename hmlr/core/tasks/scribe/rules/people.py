"""The people around the speaker: family, friends, boss, marital status, children."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, doubtful
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    END,
    NOT_NAMES,
    PERSON,
    RELATIONS_MANY,
    RELATIONS_ONE,
    word_set,
)

_WHO = (
    r"(?:(?:older|younger|little|big|eldest|oldest|youngest|late|best|new|twin|only|dear|current|ex) "
    r")?(?P<who>[a-zé]+(?:-[a-z]+){0,2})"
)
_NAMED = re.compile(
    rf"\b(?:[Mm]y|[Oo]ur) {_WHO}(?:(?:'s)? name is|,? (?:who )?is (?:called|named)|(?: is|:)) "
    rf"(?P<name>{PERSON}){END}"
)
_BESIDE = re.compile(rf"\b(?:[Mm]y|[Oo]ur) {_WHO},? (?P<name>{PERSON})(?=$|[,.;']| (?!and\b|or\b)[a-z])")
_IS_MY = re.compile(
    rf"^(?P<name>{PERSON}) is (?:now )?(?:my|our) {_WHO}(?=$|[,.;]| (?:and|who|from|at|now|these days)\b)"
)
_HAVE_NAMED = re.compile(
    rf"\bI have (?:an?|one) {_WHO},? (?:named|called|whose name is) (?P<name>{PERSON}){END}"
)
_RELATIVES_DAY = re.compile(
    rf"\b[Mm]y {_WHO}'s birthday is (?:on )?(?P<day>(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? "
    rf"[A-Z][a-z]{{2,8}}|"
    rf"[A-Z][a-z]{{2,8}} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?)(?:,? \d{{4}})?)(?!\w)"
)
_TITLES = word_set("Mr Mrs Ms Dr Prof God Lord")


def relation(clause: Clause) -> Iterator[FactDraft]:
    """The name of someone close: "my wife's name is Anna", "my sister Eva lives here", "Tom is my boss"."""
    if (found := _RELATIVES_DAY.search(clause.text)) and found["who"] in RELATIONS_ONE | RELATIONS_MANY:
        yield from clause.draft(f"{found['who'].replace('-', '_')}_birthday", found["day"], "identity")
        return
    for pattern in (_NAMED, _HAVE_NAMED, _IS_MY, _BESIDE):
        found = pattern.search(clause.text)
        if found is None:
            continue
        who, name = found["who"], found["name"]
        if who not in RELATIONS_ONE and who not in RELATIONS_MANY:
            continue
        if name.split()[0].lower() in NOT_NAMES or name in _TITLES or _NATIONAL_WORD.fullmatch(name):
            continue
        name = name.removesuffix("'s")
        prefix = "ex_" if re.search(r"\bex[- ]", found.group()) else ""
        yield from clause.draft(prefix + who.replace("-", "_").replace("é", "e"), name, "identity")
        return


# "my wife is Norwegian", "my boss is German": an adjective with a capital is no name.
_NATIONAL_WORD = re.compile(
    r"\w+(?:ish|ese|ian|ean|can)|German|French|Dutch|Swiss|Greek|Thai|Czech|Iraqi|Catholic|Muslim|Jewish"
)

_MARITAL = re.compile(
    rf"^(?:I|[Ww]e) (?:(?:am|are) {ADV}(?P<is>married|divorced|widowed|single|engaged|separated)(?=$|[,.;]|"
    rf" (?:to|and|"
    rf"with|but|now|since|for)\b)"
    r"|(?:have )?(?:just |recently )?(?:got|gotten) (?P<got>married|divorced|engaged))(?: to "
    r"(?P<to>(?:my \w+,? )?[A-Z]\w+))?"
)
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_CHILDREN = re.compile(
    rf"^(?:I|[Ww]e) {ADV}have (?P<n>{'|'.join(_NUMBERS)}|\d{{1,2}}|no) (?:\w+ ){{0,2}}(?P<who>kids|"
    rf"children|sons|daughters|siblings|brothers|sisters|grandchildren)\b"
)


def household(clause: Clause) -> Iterator[FactDraft]:
    """Marital status and how many children or siblings."""
    if found := _MARITAL.search(clause.text):
        bearing: Bearing = "updates" if found["got"] else "asserts"
        yield from clause.draft("marital_status", found["is"] or found["got"], "identity", bearing=bearing)
    if found := _CHILDREN.search(clause.text):
        who = {"kids": "children"}.get(found["who"], found["who"])
        yield from clause.draft(f"number_of_{who}", found["n"], "identity")


_ROLE = "|".join(sorted(RELATIONS_ONE, key=lambda word: (-len(word), word)))
_SUCCEEDED = re.compile(
    rf"^(?P<new>{PERSON}) (?:has )?(?:just |recently )?(?:replaced|succeeded|took over from|has taken "
    rf"over from|"
    rf"took the place of) (?P<old>{PERSON}) as (?:my|our) (?:new )?(?P<role>{_ROLE})\b"
)
_ROLE_ENDED = re.compile(
    rf"^(?P<old>{PERSON}) is (?:no longer (?:my|our) (?P<a>{_ROLE})|not (?:my|our) (?P<b>{_ROLE}) "
    rf"any ?(?:more|longer))\b"
)


def role(clause: Clause) -> Iterator[FactDraft]:
    """Who someone of the speaker's is now, or no longer: "Mei replaced Omar as my boss"."""
    if doubtful(clause):
        return
    if found := _SUCCEEDED.search(clause.text):
        key = found["role"].replace("-", "_").replace("é", "e")
        yield from clause.draft(key, found["new"], "identity", bearing="updates")
    elif found := _ROLE_ENDED.search(clause.text):
        key = (found["a"] or found["b"]).replace("-", "_").replace("é", "e")
        yield from clause.draft(key, found["old"], "identity", bearing="ends", reason=clause.quote)


# "… as my boss" begins a clause of its own, so that this is asked of whole sentences.
OF_SENTENCES: tuple[Rule, ...] = (Rule.of("replaced succeeded over place longer more anymore", role),)
RULES: tuple[Rule, ...] = (
    Rule(RELATIONS_ONE | RELATIONS_MANY | {f"{w}'s" for w in RELATIONS_ONE | RELATIONS_MANY}, relation),
    Rule.of(
        "married divorced widowed single engaged separated kids children sons daughters siblings "
        "brothers sisters "
        "grandchildren", household
    ),
)  # fmt: skip
