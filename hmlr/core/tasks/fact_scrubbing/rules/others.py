"""What is said of a named person: where they live and work, what they can't eat, who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    CAP,
    END,
    JOBS,
    NAME,
    NOT_NAMES,
    ORGANISATIONS,
    PERSON,
    PLACE,
    RELATIONS_MANY,
    RELATIONS_ONE,
    word_set,
)

_WHO = rf"^(?:[Mm]y (?:[a-z-]+,? ){{1,2}})?(?P<who>{PERSON}),?"
_LIVES = re.compile(
    rf"{_WHO} (?:now |currently |still )?(?:lives|resides|is (?:now )?(?:living|based)) in "
    rf"(?P<v>{PLACE}){END}"
)
_MOVED = re.compile(
    rf"{_WHO} (?:has )?(?:just |recently )?(?:moved|relocated) (?:from {PLACE} )?to (?P<v>{PLACE})"
    rf"(?=$|[,.;]| )"
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
_TAIL = (
    r"(?=$|[.;(!]|,? (?:so|because|since|but|as|if|when|that|which|who|too|now|again|sadly|unfortunately|"
    r"and (?:he|she|they|it|I|we|cannot|has|have|is))\b)"
)
_ALLERGIC = re.compile(rf"{_WHO} is (?:\w+ )?allergic to (?:all )?(?P<v>[a-z][\w ,'-]{{1,50}}?){_TAIL}")
_OBJECT = (
    r"(?P<v>(?!(?:it|this|that|him|her|them|you|me|us|to|how|what|when|where|who|why|my|his|the idea|being|"
    r"having)\b)"
    rf"[A-Za-z][\w' -]{{1,50}}?)(?:,| (?:lol|haha|btw|though|and)\b|{_TAIL})"
)
_VERY = r"(?:(?:really|absolutely|also|still|just|always|secretly) )*"
_LIKES = re.compile(
    rf"{_WHO} {_VERY}(?:likes|loves|enjoys|adores|is (?:a (?:big |huge )?fan of|fond of)) "
    rf"{_OBJECT}"
)
_DISLIKES = re.compile(
    rf"{_WHO} {_VERY}(?:hates|dislikes|detests|loathes|cannot stand|does not (?:really )?like) {_OBJECT}"
)
_FEARS = re.compile(rf"{_WHO} is {_VERY}(?:scared|afraid|terrified|frightened|petrified) of {_OBJECT}")
_DIET = re.compile(
    rf"{_WHO} is (?:a |strictly |also |now ){{0,2}}(?P<v>vegetarian|vegan|pescatarian|gluten-free|"
    rf"lactose[- ]intolerant)(?=$|[,.; ])"
)
_FROM = re.compile(rf"{_WHO} (?:is|comes) (?:originally )?from (?P<v>{PLACE}){END}")
RELATIONS = RELATIONS_ONE | RELATIONS_MANY
_NO_PERSON = NOT_NAMES | word_set(
    """
    project policy section version chapter step figure table company team group
    """
)

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_BORN_ON = (
    rf"(?P<v>(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})|(?:{_MONTH}) (?:the "
    rf")?\d{{1,2}}(?:st|nd|rd|th)?)"
    rf"(?:,? \d{{4}})?)(?!\w)"
)
_BIRTHDAY = re.compile(
    rf"^(?:[Mm]y (?:[a-z-]+,? ){{1,2}})?(?P<who>{PERSON}|[a-z]{{2,20}})(?:'s birthday is (?:on )?| was "
    rf"born on ){_BORN_ON}",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(
    rf"{_WHO}(?: is (?:now )?(?:called |named )(?P<v>{CAP}(?: {CAP}){{1,3}})|(?: is (?P<w>{CAP}(?: "
    rf"{CAP}){{1,3}}) now))(?=$|[,.;!])"
)

_AGE = re.compile(
    rf"{_WHO} (?:is|just turned|turned) (?:now |only |already )?(?P<v>\d{{1,3}})(?: years? "
    rf"old)?(?=$|[,.;!]| (?:and|on|in|last|this|today|yesterday|now)\b)"
)
_CANNOT_EAT = re.compile(
    rf"{_WHO} (?:cannot|must not|should not|may not|does not|is not allowed to) (?:have|eat|drink|"
    rf"tolerate) (?:any )?"
    rf"(?P<v>[a-z][\w ,'-]{{1,50}}?){_TAIL}"
)
_GOES_TO = re.compile(
    rf"{_WHO} (?:goes to|attends|studies at|is at) (?:the )?(?P<v>(?:{CAP} ){{1,4}}(?:School|Primary|High|"
    rf"College|University|"
    rf"Academy|Kindergarten|Nursery))(?=$|[,.;!]| )"
)

_PATTERNS: tuple[tuple[str, re.Pattern[str], bool], ...] = (
    ("lives_in", _MOVED, True),
    ("lives_in", _LIVES, False),
    ("employer", _WORKS, False),
    ("job", _JOB, False),
    ("allergy", _ALLERGIC, False),
    ("diet", _DIET, False),
    ("comes_from", _FROM, False),
    ("likes", _LIKES, False),
    ("dislikes", _DISLIKES, False),
    ("fears", _FEARS, False),
    ("birthday", _BIRTHDAY, False),
    ("name", _FULL_NAME, True),
    ("age", _AGE, False),
    ("does_not_eat", _CANNOT_EAT, False),
    ("studies_at", _GOES_TO, False),
)
# "Bea hates leeks but loves plums": the second verb has the same subject.
_SECOND = re.compile(
    r",? (?:and|but) (?=(?:(?:also|really|now) )?(?:loves|likes|enjoys|adores|hates|dislikes|works|lives|"
    r"comes|cannot|"
    r"goes to|is (?:also )?(?:an?|the|from|\d))\b)"
)
_PRONOUN = re.compile(r"^(?:(?:and|but|so) )?(?:[Hh]e|[Ss]he)(?= (?:is|has|lives|works|comes|goes|likes|"
                      r"loves|hates|moved|"
                      r"became|cannot|does|enjoys|now|also)\b)")  # fmt: skip
_CAPITAL = re.compile(rf"\b{CAP}")
# Whom "she" means: the one person whom the words before name, as their subject or as one of the speaker's.
_NAMED_BEFORE = re.compile(
    rf"(?:^|[:,–—-] ?|\b(?:is|called|named|with|my [a-z-]+,?) "
    rf")(?P<who>{PERSON})(?=$|[ ,.!'])"
)


def person(clause: Clause) -> Iterator[FactDraft]:
    """Facts about a third person, under that person's name."""
    text = _PRONOUN.sub(lambda _: _named_before(clause), clause.text, count=1)
    first, *further = _SECOND.split(text)
    yield from _told_of(clause, first)
    if further and (found := re.match(_WHO, first)):
        for piece in further:
            yield from _told_of(clause, f"{found['who']} {piece}")


def _told_of(clause: Clause, text: str) -> Iterator[FactDraft]:
    for key, pattern, update in _PATTERNS:
        if not (found := pattern.search(text)):
            continue
        who = found["who"].removesuffix("'s")
        if clause.shouted_low and who.islower() and who.isalpha() and who not in _NO_PERSON | RELATIONS:
            who = who.capitalize()  # names come in lower case in such a message
        if not _is_person(who):
            continue
        value = found["v"] or found.groupdict().get("w", "")
        yield from clause.draft(key, value, "entity", subject=who, bearing="updates" if update else "asserts")


def _is_person(name: str) -> bool:
    return (
        name[:1].isupper() and name.split(maxsplit=1)[0].lower() not in _NO_PERSON and name not in {"I", "We"}
    )


def _named_before(clause: Clause) -> str:
    """The one name that "he" or "she" can mean, else "it", of which nothing is said here."""
    text = clause.earlier or clause.before
    names = {found["who"].removesuffix("'s") for found in _NAMED_BEFORE.finditer(text)}
    people = [name for name in sorted(names) if _is_person(name)]
    others = [
        word
        for word in _CAPITAL.findall(text)
        if people and word not in people[0].split() and _is_person(word)
    ]
    return people[0] if len(people) == 1 and not others else "it"


RULES: tuple[Rule, ...] = (
    Rule.of(
        "lives resides living based moved relocated works working is became allergic comes from likes "
        "loves enjoys "
        "adores hates dislikes detests loathes cannot not turned goes attends studies like birthday born "
        "now called named",
        person,
    ),
)
