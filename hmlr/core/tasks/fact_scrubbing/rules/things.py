"""What the speaker has: pets, vehicles, houses, instruments, and what was sold or lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    ANIMALS,
    NOT_NAMES,
    PERSON,
    RELATIONS_MANY,
    RELATIONS_ONE,
    UP,
    word_set,
)
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug, tidy

_CALLED = r"(?:,? (?:which (?:is|was) )?(?:named|called|whose name (?:is|was)|by the name of)|,)"
_PET_NAMED = re.compile(
    rf"\b(?P<animal>(?:[\w'-]+ ){{0,4}}?(?i:{ANIMALS})){_CALLED} (?P<name>{PERSON})(?=$|[,.;!)]| "
    rf"(?!and [A-Z])[a-z])"
)
_PETS_NAMED = re.compile(
    rf"\b(?P<animal>(?:[\w'-]+ ){{0,3}}?(?i:{ANIMALS})s)(?:,? (?:named|called)|:|,) (?P<a>{PERSON}) "
    rf"and (?P<b>{PERSON})"
)
_PET_IS = re.compile(
    rf"\b(?:[Mm]y|[Oo]ur) (?P<animal>(?:[\w'-]+ ){{0,4}}?(?i:{ANIMALS}))(?:'s name (?:is|was)| (?:is|"
    rf"was) (?:called|named)) (?P<name>{PERSON})"
)
_PET_BESIDE = re.compile(
    rf"\b(?:[Mm]y|[Oo]ur) (?P<animal>(?:[\w'-]+ ){{0,4}}?(?i:{ANIMALS})),? (?P<name>{PERSON})(?=$|[,.;']| "
    rf"(?!and\b|or\b)[a-z])"
)
_IS_MY_PET = re.compile(
    rf"^(?P<name>{PERSON}) (?:is|was) (?:my|our) (?P<animal>(?:[\w'-]+ ){{0,4}}?(?i:{ANIMALS}))(?=$|[,.;]| "
    rf")"
)
_MINE = re.compile(
    r"\b(?:[Ii]|[Ww]e|[Mm]y (?:family|parents|wife|husband|partner)(?: and I)?) (?:\w+ ){0,3}?(?:have|"
    r"had|own|owned|got|adopted|bought|rescued|keep|kept|raised|grew up with|lost|love|loved|miss|got "
    r"ourselves)\b|\b[Mm]y\b|\b[Oo]ur\b"
)
_CHILDHOOD = re.compile(
    r"\b(?:child(?:hood)?|kid|growing up|grew up|young(?:er)?|boy|girl|first pet|as a teenager|"
    r"little)\b",
    re.IGNORECASE,
)
_NO_PET = re.compile(
    r"\b(?:want|like to|wish|neighbou?r|friend|not|story|book|film|movie|show|brother|sister|hot dog|"
    r"someone|sold)\b",
    re.IGNORECASE,
)
_DETERMINERS = re.compile(
    r"^(?:.*\b(?:a|an|the|my|our|is|was|one|two|three|new|old|had|have|another|first|late|called|named|"
    r"childhood) )",
    re.IGNORECASE,
)

_DIED = re.compile(
    rf"^(?:[Ss]adly,? |[Uu]nfortunately,? )?(?:(?:[Mm]y|[Oo]ur) (?P<who>(?:[\w'-]+ ){{1,3}}?))?"
    rf"(?P<name>{PERSON}),? "
    r"(?:has |sadly |unfortunately |just ){0,2}(?:died|passed away|crossed the rainbow bridge|was put down|"
    r"was put to sleep|had to be put (?:down|to sleep))\b"
    rf"|^(?:I|[Ww]e) (?:had to )?put (?P<put>{PERSON}) (?:down|to sleep)\b"
)

_PEOPLE = RELATIONS_ONE | RELATIONS_MANY


def pet_died(clause: Clause) -> Iterator[FactDraft]:
    """The end of having a pet: "Rex died last week". Of a person this ends nothing."""
    found = _DIED.search(clause.text)
    if found and _PEOPLE.isdisjoint((found["who"] or "").split()):
        name = found["name"] or found["put"]
        yield from clause.draft("pet", name, "entity", bearing="ends", reason=clause.quote)


def pets(clause: Clause) -> Iterator[FactDraft]:
    """A pet and its name: "a golden retriever named Biscuit", "my childhood cat was called Misty"."""
    if _NO_PET.search(clause.text):
        return
    if both := _PETS_NAMED.search(clause.text):
        for name in (both["a"], both["b"]):
            yield from _pet(clause, re.sub(r"s$", "", both["animal"]), name)
        return
    for pattern in (_PET_IS, _IS_MY_PET, _PET_NAMED, _PET_BESIDE):
        if matches := list(pattern.finditer(clause.text)):
            for found in matches:
                yield from _pet(clause, found["animal"], found["name"])
            return


def _pet(clause: Clause, animal: str, name: str) -> Iterator[FactDraft]:
    if (
        not name[:1].isupper()
        or name.split(maxsplit=1)[0].lower() in NOT_NAMES
        or not _MINE.search(clause.text)
    ):
        return
    name = name.removesuffix("'s")
    kind = _DETERMINERS.sub("", animal).strip().lower()
    childhood = _CHILDHOOD.search(clause.text) or _CHILDHOOD.search(clause.earlier)
    value = name if kind == "pet" or not kind else f"{name} ({kind})"
    yield from clause.draft("childhood_pet" if childhood else "pet", value, "entity")


_OWNABLE = (
    r"(?:car|cars|house|flat|apartment|cabin|cottage|boat|sailboat|yacht|bike|bicycle|motorbike|"
    r"motorcycle|scooter|van|truck|"
    r"pickup|suv|jeep|convertible|sedan|hatchback|roadster|coupe|coupé|wagon|estate|tractor|camper|"
    r"caravan|rv|plane|piano|guitar|violin|cello|"
    r"drum kit|saxophone|telescope|camera|laptop|drone|watch|farm|shop|restaurant|horse|record player|"
    r"synthesizer|kayak|canoe|tesla)"
)
_BRAND = (
    r"(?i:toyota|honda|ford|bmw|audi|mercedes|volkswagen|vw|[sš]koda|opel|vauxhall|renault|peugeot|"
    r"citro[eë]n|fiat|"
    r"volvo|saab|mazda|nissan|subaru|suzuki|hyundai|kia|dacia|porsche|ferrari|lexus|chevrolet|dodge|yamaha|"
    r"kawasaki|"
    r"ducati|vespa|polestar|mitsubishi|lada|alfa romeo|land rover|jaguar|cupra|byd)"
)
_MODEL = (
    rf"{_BRAND}(?: (?!(?:from|for|in|at|on|last|this|that|which|with|when|and|but|back|as|to|too|instead|"
    rf"now)\b)[\w.'&+-]+){{0,3}}|(?:(?:(?:19|20)\d\d|'\d\d) )(?:[\w.'&+-]+ ?){{1,4}}|(?:[\w'-]+ "
    rf"){{0,3}}?[{UP}][\w.'&+-]*(?: "
    rf"(?:[{UP}\d][\w.'&+-]*)){{0,4}}|(?:[\w'&-]+ ){{0,4}}?{_OWNABLE}"
)
_A = r"(?:an?|my|one|another|the|two|three)"
_OWN = re.compile(
    rf"^(?:I|[Ww]e) {ADV}(?:have |had )?{ADV}(?P<verb>own|owned|bought|purchased|acquired|inherited|"
    rf"restored|got myself|got|drive|ride|have|am the owner of|picked up|leased?) "
    rf"(?P<what>(?:{_A} )?(?:beautiful |vintage |classic |red |used |brand-new |old |new |second-hand "
    rf")*(?:{_MODEL})(?:(?:,? and |, ){_A} (?:{_MODEL})){{0,8}})(?=$|[,.;!(]| (?:from|for|in|at|on|"
    rf"last|this|that|which|with|when|and|but|back|as|to|too|yesterday|today|recently|now|instead)\b)"
)
_MY_CAR_IS = re.compile(
    rf"^[Mm]y (?:(?P<nth>first|second|third|old|new|other|current|daily|weekend|company) "
    rf")?(?P<noun>{_OWNABLE}) (?P<is>is|was) (?:now )?(?P<what>an? (?:{_MODEL}))(?=$|[,.;!(]| )"
)
_SOLD = re.compile(
    r"^(?:I|[Ww]e) (?:have )?(?:just |recently |finally )?(?:sold|gave away|got rid of|traded in|"
    r"crashed|scrapped|totall?ed) (?:my|our|the) (?:old )?(?P<what>[\w.'&+-]+(?: [\w.'&+-]+){0,4}?)(?=$|"
    r"[,.;!(]| (?:in|to|for|last|this|yesterday|today|on|at|and|because|finally|recently|already|now|so|"
    r"after|"
    r"since|with|via|online)\b)"
)
_NOT_OWNED = word_set(
    """
    question idea problem point feeling friend dog cat look chance time plan meeting headache cold lot
    few sense call ticket tickets gift present coffee beer pizza
    """
)
_INNER = word_set("the a an my")
_VERB_FORM = re.compile(r"[a-z]{3,}(?:ed|en|ing) ")
_ARTICLE = re.compile(rf"^(?:{_A} )")


_VEHICLE = re.compile(
    rf"^(?:19|20)\d\d |\b(?:cars?|vans?|trucks?|suv|jeep|convertible|sedan|hatchback|roadster|pickup|tesla|"
    rf"{_BRAND})\b",
    re.IGNORECASE,
)


def is_vehicle(value: str) -> bool:
    """Whether what is owned is a car, by a word for it, a make, or a year of make at its head."""
    return _VEHICLE.search(value) is not None


def owned(clause: Clause) -> Iterator[FactDraft]:
    """A car, house, instrument or other lasting thing of the speaker, and the end of owning it."""
    if found := _SOLD.search(clause.text):
        yield from clause.draft("owns", found["what"], "entity", bearing="ends", reason=clause.quote)
        return
    if found := _MY_CAR_IS.search(clause.text):
        first = found["nth"] in {"first", "second", "third"}
        key = f"{found['nth']}_{slug(found['noun'])}" if first else "owns"
        if found["is"] == "is" or first:
            yield from clause.draft(key, _ARTICLE.sub("", found["what"]), "entity")
        return
    if " not " in clause.text or " never " in clause.text or not (found := _OWN.search(clause.text)):
        return
    for item in re.split(
        r",? and (?=(?:an?|my|one|another|the) )|, (?:and )?(?=(?:an?|my|one|another|the) )", found["what"]
    ):
        name = tidy(_ARTICLE.sub("", item))
        if _lasting(name, found["verb"], item):
            yield from clause.draft("owns", name, "entity", valid_from=past_date(clause))


def _lasting(name: str, verb: str, item: str) -> bool:
    words = name.lower().split()
    if not words or words[0] in NOT_NAMES or not _NOT_OWNED.isdisjoint(words):
        return False
    # "I have started learning the cello", "I have driven a Porsche 911"
    if not _ARTICLE.match(item) and (_VERB_FORM.match(name) or not _INNER.isdisjoint(words[1:])):
        return False
    if re.fullmatch(rf"(?:[\w'&-]+ )*{_OWNABLE}", name) or re.match(
        rf"(?:19|20)\d\d |(?:[\w-]+ ){{0,2}}{_BRAND}\b", name
    ):
        return True
    # "I have Monday off", "I got Covid": a bare capital after a weak verb says little.
    strong = verb in {
        "own",
        "owned",
        "bought",
        "purchased",
        "acquired",
        "inherited",
        "restored",
        "drive",
        "am the owner of",
    }
    return strong and _ARTICLE.match(item) is not None and any(w[:1].isupper() for w in name.split())


_FIRST = re.compile(
    rf"^[Mm]y (?P<what>(?:first|second|third|last|current|old|high|primary|elementary|middle|maiden|"
    rf"middle) (?:school|job|name|concert|language|phone|computer|teacher|boss|girlfriend|boyfriend|"
    rf"band))(?: (?:is|was)) (?:called |named |at |in |the |a |an )*(?P<name>{PERSON}|[a-z][\w-]*)(?=$|"
    rf"[,.;]| )"
)


def firsts(clause: Clause) -> Iterator[FactDraft]:
    """A named thing of the speaker's life: "my first school was Oakwood", "my maiden name is Holm"."""
    found = _FIRST.search(clause.text)
    if found and found["name"].split()[0].lower() not in NOT_NAMES and found["name"][:1].isupper():
        yield from clause.draft(slug(found["what"]), found["name"], "entity")


_ANIMAL_WORDS = " ".join(f"{word} {word}s {word}'s" for word in re.findall(r"[a-z]{2,}", ANIMALS))
RULES: tuple[Rule, ...] = (
    Rule.of(
        _ANIMAL_WORDS + " puppies",
        pets,
    ),
    Rule.of(
        "own owned bought purchased acquired inherited restored got drive ride have owner picked lease "
        "leased sold lost gave rid traded crashed scrapped totaled totalled car bike boat house guitar "
        "piano motorcycle van truck",
        owned,
    ),
    Rule.of("died passed crossed put", pet_died),
    Rule.of("first second third last current old high primary elementary middle maiden", firsts),
)
