"""Who the speaker is: name, home, origin, age, birthday, languages, contact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    END,
    LANGUAGES,
    LOW_PLACE,
    NATIONALITIES,
    NOT_NAMES,
    NOT_PLACES,
    PERSON,
    PLACE,
    RELIGIOUS,
    items,
    named,
)
from hmlr.core.tasks.fact_scrubbing.rules.wording import normal

_NAME = re.compile(rf"^[Mm]y (?:(?:full|real|first|given|own) )?name is (?:actually |now )?({PERSON}){END}")
_CALLED = re.compile(rf"^I am (?:called|named) ({PERSON}){END}")
_GREETED = re.compile(
    rf"^(?:[Hh]i|[Hh]ello|[Hh]ey|[Gg]ood (?:morning|evening|afternoon))\b[\w ]{{0,20}}[,!.]*\s*"
    rf"(?:I am|[Tt]his is) ({PERSON})(?=$|[,.!;(]| and | from | here| speaking)"
)
_THIS_IS = re.compile(rf"^[Tt]his is ({PERSON})(?: speaking| here)$")
_RENAMED = re.compile(rf"^I (?:have )?(?:legally )?changed my name (?:from {PERSON} )?to ({PERSON}){END}")
_ADJECTIVE = re.compile(
    rf"{NATIONALITIES}|\w+(?:ing|ed)|Back|Sorry|Happy|Sure|Glad|New|Here|Fine|Good|Great|Not|Ready|"
    rf"{RELIGIOUS}"
)


def name(clause: Clause) -> Iterator[FactDraft]:
    """The speaker's name: "my name is Ada", "Hi, I am Ada"."""
    if found := _RENAMED.search(clause.text):
        yield from clause.draft("name", found[1], "identity", bearing="updates")
        return
    found = _NAME.search(clause.text) or _CALLED.search(clause.text) or _THIS_IS.search(clause.text)
    if not found and clause.quote[:4].lower().startswith(("hi", "hel", "hey", "goo")):
        found = _GREETED.search(normal(clause.quote))
    if found and named(found[1]) and not _ADJECTIVE.fullmatch(found[1]):
        yield from clause.draft("name", found[1], "identity")


_LIVE = re.compile(
    rf"\b(?:I|[Ww]e) {ADV}(?:am |are |have been |have )?{ADV}(?:live|lived|living|reside|residing|"
    rf"based) (?:here )?(?:just |right )?"
    rf"(?:in|at|near|outside|on) (?:downtown |central |the city of |beautiful |sunny )?({PLACE}){END}"
)
_LIVE_LOW = re.compile(rf"\bI {ADV}(?:am )?(?:live|living|reside|based) in ({LOW_PLACE}){END}")
_MOVE = re.compile(
    rf"\b(?:I|[Ww]e) {ADV}(?:have )?{ADV}(?:moved|relocated|emigrated|immigrated)(?: back| over)?(?: house)?"
    rf"(?: from {PLACE})? (?:to|into) ({PLACE})(?:$|[,.;:!?)(]| )"
)
_MOVE_LOW = re.compile(rf"\bI {ADV}(?:have )?{ADV}(?:moved|relocated)(?: back)? to ({LOW_PLACE}){END}")
_LEFT = re.compile(
    rf"\b(?:I|[Ww]e) (?:(?:no longer (?:live|reside)|am no longer (?:living|based)) in ({PLACE})"
    rf"|(?:do not|am not) (?:live|living|reside|based) in ({PLACE}) any ?(?:more|longer)"
    rf"|(?:have )?moved (?:away|out) (?:from|of) ({PLACE}){END})"
)
_HOME = re.compile(rf"^[Mm]y (?:home ?town|(home|current) (?:city|town|country)) is (?:now )?({PLACE}){END}")


def home(clause: Clause) -> Iterator[FactDraft]:
    """Where the speaker lives: "I live in Oslo", "we moved to Bergen", "I no longer live in Oslo"."""
    if found := _LEFT.search(clause.text):
        place = found[1] or found[2] or found[3]
        yield from clause.draft("lives_in", place, "identity", bearing="ends", reason=clause.quote)
        return
    if " not " in clause.text or " never " in clause.text:
        return
    if found := _HOME.search(clause.text):
        yield from clause.draft("lives_in" if found[1] else "hometown", found[2], "identity")
        return
    moved = _MOVE.search(clause.text) or (clause.shouted_low and _MOVE_LOW.search(clause.text)) or None
    lives = _LIVE.search(clause.text) or (clause.shouted_low and _LIVE_LOW.search(clause.text)) or None
    if not (found := moved or lives) or not _is_place(found[1]):
        return
    if not moved and re.search(r"\blived\b", found.group()) and "have" not in found.group():
        return
    since = past_date(clause) if moved else None
    if since is not None and (clause.now - since) > timedelta(days=100):
        return  # an old move says nothing of today
    yield from clause.draft(
        "lives_in", found[1], "identity", bearing="updates" if moved else "asserts", valid_from=since
    )


def _is_place(value: str) -> bool:
    words = value.lower().replace(",", " ").removeprefix("the ").split()
    return bool(words) and words[0] not in NOT_PLACES | NOT_NAMES


_FROM = re.compile(rf"^I (?:am {ADV}from|come {ADV}from|hail from|was raised in|grew up in) ({PLACE}){END}")
_BORN = re.compile(rf"^I was born (?:and raised )?in ({PLACE}){END}")
_NATIONAL = re.compile(
    rf"^(?:I am {ADV}(?:an? )?({NATIONALITIES})(?=$|[,.;!(]| citizen| national| by birth| and | but | so )"
    rf"|I (?:have|hold|got) (?:an? )?({NATIONALITIES}) (?:citizenship|nationality|passport)"
    rf"|[Mm]y nationality is ({NATIONALITIES}))"
)


def origin(clause: Clause) -> Iterator[FactDraft]:
    """Where the speaker comes from, and the nationality."""
    if (found := _FROM.search(clause.text)) and _is_place(found[1]):
        yield from clause.draft("comes_from", found[1], "identity")
    elif (found := _BORN.search(clause.text)) and _is_place(found[1]):
        yield from clause.draft("born_in", found[1], "identity")
    if found := _NATIONAL.search(clause.text):
        yield from clause.draft("nationality", found[1] or found[2] or found[3], "identity")


_AGE = re.compile(
    r"^(?:I am (?:now |currently |already |only |almost )?(?P<is>\d{1,3})(?: years? old| years? of age|"
    r"(?=$|,| and ))"
    r"|I (?:have )?(?:just )?turned (?P<turned>\d{1,3})(?=$|[,. ])|[Mm]y age is (?P<age>\d{1,3})\b)"
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY = (
    rf"(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?|"
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}}[./]\d{{1,2}}(?:[./]\d{{2,4}})?)(?:,? \d{{4}})?"
)
_BIRTHDAY = re.compile(rf"^(?:[Mm]y birthday is (?:on )?|I was born on )({_DAY})(?!\w)")
_BIRTH_YEAR = re.compile(r"^I was born in ((?:19|20)\d\d)\b")


def age(clause: Clause) -> Iterator[FactDraft]:
    """Age, birthday and year of birth."""
    if (found := _AGE.search(clause.text)) and "almost" not in found.group():
        years = found["is"] or found["turned"] or found["age"]
        if 5 <= int(years) <= 119:
            yield from clause.draft(
                "age", years, "identity", bearing="updates" if found["turned"] else "asserts"
            )
    if found := _BIRTHDAY.search(clause.text):
        yield from clause.draft("birthday", found[1], "identity")
    if found := _BIRTH_YEAR.search(clause.text):
        yield from clause.draft("birth_year", found[1], "identity")


_SPEAKS = re.compile(
    rf"^I {ADV}(?:can )?{ADV}(?:speak|know) (?:(?:fluent|some|a (?:little|bit of)|good|basic) )?"
    rf"({LANGUAGES}(?:(?:,? and |, )(?:(?:fluent|some|a (?:little|bit of)|good|basic) "
    rf")?{LANGUAGES}){{0,6}}){END}"
)
_FLUENT = re.compile(
    rf"^I am {ADV}(?:fluent in|a native speaker of) ({LANGUAGES}(?:(?:,? and |, ){LANGUAGES}){{0,6}})"
)
_NATIVE = re.compile(rf"^[Mm]y (?:native|first|mother) (?:language|tongue) is ({LANGUAGES}){END}")


def languages(clause: Clause) -> Iterator[FactDraft]:
    """Languages that the speaker speaks."""
    if found := _SPEAKS.search(clause.text) or _FLUENT.search(clause.text):
        for language in items(found[1]):
            yield from clause.draft("speaks", language.split()[-1], "identity")
    if found := _NATIVE.search(clause.text):
        yield from clause.draft("native_language", found[1], "identity")


_EMAIL = re.compile(
    r"^[Mm]y (?:new )?(?:(work|personal|private) )?e-?mail(?: address)? is (?:now "
    r")?([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
)
_PHONE = re.compile(
    r"^[Mm]y (?:new )?(?:(?:mobile|cell|phone|telephone|work)[ -]?){1,2}number is (?:now )?(\+?[\d() -]{6,2"
    r"0}\d)"
)
_ADDRESS = re.compile(r"^[Mm]y (?:new |home |postal )?address is (?:now )?((?=.{0,80}\d)[^@]{6,120})$")
_PRONOUNS = re.compile(r"^[Mm]y pronouns are (\w+/\w+(?:/\w+)?)")


def contact(clause: Clause) -> Iterator[FactDraft]:
    """E-mail address, telephone number, postal address, pronouns."""
    if found := _EMAIL.search(clause.text):
        yield from clause.draft(f"{found[1].lower()}_email" if found[1] else "email", found[2], "identity")
    if found := _PHONE.search(clause.text):
        yield from clause.draft("phone", found[1], "identity")
    if found := _ADDRESS.search(clause.text):
        yield from clause.draft("address", found[1], "identity")
    if found := _PRONOUNS.search(clause.text):
        yield from clause.draft("pronouns", found[1], "identity")


RULES: tuple[Rule, ...] = (
    Rule.of("name named called am this", name),
    Rule.of(
        "live lived living reside residing based moved relocated emigrated immigrated home hometown", home
    ),
    Rule.of("from born raised grew nationality citizenship passport am", origin),
    Rule.of("am age turned birthday born", age),
    Rule.of("speak know fluent native language tongue", languages),
    Rule.of("email e-mail number address pronouns", contact),
)
