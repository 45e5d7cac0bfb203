"""Who the speaker is: name, home, origin, age, birthday, languages, contact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    END,
    JOBS,
    LANGUAGES,
    LOW_PLACE,
    NATIONALITIES,
    NOT_NAMES,
    NOT_PLACES,
    PERSON,
    PLACE,
    RELIGIOUS,
    UP,
    items,
    named,
    word_set,
)
from hmlr.core.tasks.fact_scrubbing.rules.wording import normal
from hmlr.language.tokens import STOP_WORDS

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

# "I'm Bob." at the beginning of a message. What else is said so with a capital has to be kept out.
_GIVEN = rf"[{UP}][^\W\d_]+(?:[-'][{UP}][^\W\d_]+)?"
_SELF = re.compile(
    rf"^I am ({_GIVEN}(?: {_GIVEN})?)(?=$|, (?:but|and|or|though)\b| (?:but|and) (?:I|my|everybody|"
    rf"everyone|people)\b)"
)
_GREETING = re.compile(
    r"(?:(?:hi|hello|hey|good (?:morning|evening|afternoon))( there)?[!.,]*)?", re.IGNORECASE
)
_JOB_WORDS = frozenset(re.findall(r"[a-z]{2,}", JOBS))
_NO_SELF = word_set(
    """
    vegan vegetarian pescatarian diabetic celiac coeliac autistic dyslexic epileptic asthmatic pregnant deaf
    blind okay done back home late early busy lost free alone single sick ill sad mad angry hungry thirsty
    sleepy lucky crazy happy sorry ready glad sure fine good great new here down off over online offline gay
    straight lesbian trans queer asian european african latino latina black white human jewish christian team
    lead senior junior staff type gen aries taurus gemini cancer virgo libra scorpio sagittarius capricorn
    aquarius pisces batman superman spiderman groot legion spartacus satan death iron santa siri alexa chatgpt
    claude right wrong old young tall short left awake asleep stuck broke rich poor curious nervous afraid
    scared worried atheist agnostic retired self head chief vice co-founder mom mum dad father mother wife
    husband boss king queen windows mac linux android north south east west level page step mister doctor
    """
)
_NO_SELF_END = re.compile(r"\w{2,}(?:ing|ed|ful|ous|less|able|ible|ish|ese|ist)")
_NAMES_LIKE_IT = word_set(
    """
    ahmed mohammed muhammed hamed khaled saeed waleed fred alfred wilfred ted ned jared sterling irving
    therese louise reed creed
    """
)


def _may_name(word: str) -> bool:
    low = word.lower()
    if low in _NAMES_LIKE_IT:
        return True
    if low in _NO_SELF | NOT_NAMES | STOP_WORDS | _JOB_WORDS or low in NOT_PLACES:
        return False
    return not (_ADJECTIVE.fullmatch(word) or _NO_SELF_END.fullmatch(low))


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
        return
    first = not clause.earlier and _GREETING.fullmatch(clause.before)
    if first and (found := _SELF.search(clause.text)) and all(map(_may_name, found[1].split())):
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

# "We're in Otley now": a household has moved. One who is somewhere now may be travelling.
_HERE_NOW = re.compile(
    rf"^(?:(?P<we>[Ww]e)|I) (?:am|are) (?:now )?in (?P<place>{PLACE})(?P<now> now| these days)?$"
)
_TRAVEL = re.compile(
    r"\b(?:trip|holiday|vacation|visit\w*|travel\w*|fl(?:y|ew|ight)|conference|hotel|airport|land(?:ed|ing)|"
    r"arriv\w+|tour\w*|train|plane|weekend|honeymoon|cruise|drove|driving|meeting|call)\b",
    re.IGNORECASE,
)
_SETTLING = re.compile(r"\b(?:mov(?:e|ed|ing)|liv(?:e|ed|ing)|house|flat|apartment|settled)\b", re.IGNORECASE)


def here_now(clause: Clause) -> Iterator[FactDraft]:
    """Where a household has moved to: "We're in Otley now"."""
    if (found := _HERE_NOW.search(clause.text)) and _settled(clause, found):
        yield from clause.draft("lives_in", found["place"], "identity", bearing="updates")


def _settled(clause: Clause, found: re.Match[str]) -> bool:
    around = f"{clause.before} {clause.quote}"
    if "now" not in found.group() and not found["now"]:
        return False
    if (
        _TRAVEL.search(around)
        or not re.match(r"[A-Z][a-z]{2}", found["place"])
        or not _is_place(found["place"])
    ):
        return False
    if found["place"].split()[0].lower() in _NO_TOWN:
        return False
    return found["we"] is not None or bool(_SETTLING.search(around))


_NO_TOWN = word_set(
    """
    phase beta alpha stage week chapter version production sprint round season congress parliament lockdown
    quarter level part section act scene recession summer winter spring autumn fall lent advent ramadan
    """
)


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
_HAVE_PHONE = re.compile(
    r"^(?:I (?:have |have got |got |now have )+(?:a )?(?:new|different) (?:mobile |cell |phone |telephone "
    r")*number|"
    r"[Mm]y new (?:mobile |cell |phone |telephone )*number)(?:[:,]? (?:it is |which is |and it is |is )?| "
    r"is:? )"
    r"(?P<phone>\+?[\d() -]{6,20}\d)(?!\w)"
)
_HAVE_EMAIL = re.compile(
    r"^I (?:have |have got |got |now have )+(?:a )?(?:new|different) (?:(?P<kind>work|personal|private) "
    r")?e-?mail"
    r"(?: address)?(?:[:,]? (?:it is |which is )?)(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
)
_ADDRESS = re.compile(
    r"(?:^|[,;:] |\band )(?:(?:[Mm]y|[Oo]ur) (?:new |home |postal |current )*|[Tt]he new (?:home "
    r")?)address(?: is|:)(?: now)? "
    r"((?=.{0,80}\d)[^@]{6,120})$"
)
_PRONOUNS = re.compile(r"^[Mm]y pronouns are (\w+/\w+(?:/\w+)?)")


def contact(clause: Clause) -> Iterator[FactDraft]:
    """E-mail address, telephone number, postal address, pronouns."""
    if found := _EMAIL.search(clause.text):
        yield from clause.draft(f"{found[1].lower()}_email" if found[1] else "email", found[2], "identity")
    if found := _PHONE.search(clause.text):
        yield from clause.draft("phone", found[1], "identity")
    if found := _HAVE_PHONE.search(clause.text):
        yield from clause.draft("phone", found["phone"], "identity", bearing="updates")
    if found := _HAVE_EMAIL.search(clause.text):
        key = f"{found['kind']}_email" if found["kind"] else "email"
        yield from clause.draft(key, found["mail"], "identity", bearing="updates")
    if found := _ADDRESS.search(clause.text):
        bearing: Bearing = "updates" if re.search(r"\bnew |\bnow ", found.group()) else "asserts"
        yield from clause.draft("address", found[1], "identity", bearing=bearing)
    if found := _PRONOUNS.search(clause.text):
        yield from clause.draft("pronouns", found[1], "identity")


RULES: tuple[Rule, ...] = (
    Rule.of("name named called am this", name),
    Rule.of(
        "live lived living reside residing based moved relocated emigrated immigrated home hometown", home
    ),
    Rule.of("now days", here_now),
    Rule.of("from born raised grew nationality citizenship passport am", origin),
    Rule.of("am age turned birthday born", age),
    Rule.of("speak know fluent native language tongue", languages),
    Rule.of("email e-mail number address pronouns", contact),
)
