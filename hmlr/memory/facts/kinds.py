"""Kinds of facts, and the words of a question that ask for each of them."""

from __future__ import annotations

from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set

# What is told of a person. It answers a question about that person and no other.
_PERSONAL = word_set(
    """
    name lives_in address comes_from born_in hometown nationality age birthday birth_year job employer
    studies studies_at speaks native_language marital_status religion email phone likes dislikes prefers
    diet dietary_rule does_not_eat does_not_drink eats drinks allergy condition owns pet childhood_pet fears
    medication avoids call_me blood_type eye_colour hair_colour
    """
)
_PERSONAL_HEADS = ("favourite_", "first_")
_PERSONAL_TAILS = ("_size",)
# What one thing is called, means or is good for; of no use to who asks about another thing.
OF_ONE_THING = word_set("also_called stands_for means name_status status replaced_by uses")
# Two words of a question that only together ask for a kind of fact; they count as one word "how_old".
PHRASES = frozenset({"how_old", "report_to", "who_am"})

_EATING = "diet dietary_rule does_not_eat does_not_drink allergy observes religion"
# Keys -> the words of a question that ask for them. A key ending in "_" stands for all that begin so; "a+b"
# asks only together.
_FAMILIES: tuple[tuple[str, str], ...] = (
    (
        "lives_in address",
        "live lives lived living home reside city town country location based address move moved",
    ),
    (
        "name call_me",
        "name+my name+i called+i who_am",
    ),
    (
        "call_me do_not_call_me",
        "call+me address+me called+i called+me",
    ),
    (
        "job employer",
        "work works worked working job jobs employer profession occupation company career does+do",
    ),
    (
        "boss manager supervisor",
        "boss manager supervisor report_to",
    ),
    (
        "studies studies_at",
        "study studying university college school degree major",
    ),
    (
        "comes_from born_in hometown nationality",
        "from+where born origin originally nationality citizen citizenship hometown passport grew",
    ),
    (
        "age birthday birth_year",
        "how_old+i how_old+am age+my birthday born birth",
    ),
    (
        "speaks native_language",
        "language languages speak fluent tongue",
    ),
    (
        "marital_status wife husband spouse partner",
        "married single wife husband spouse partner marital",
    ),
    (
        "wedding_",
        "married marry",
    ),
    (
        "number_of_children son daughter child kid",
        "children kids child son daughter",
    ),
    (
        "pet childhood_pet",
        "pet pets dog cat animal puppy kitten hamster rabbit parrot horse retriever",
    ),
    (
        "owns first_car",
        "car cars own owned vehicle vehicles drive garage bought possess bike boat motorcycle "
        "house instrument guitar",
    ),
    (
        _EATING,
        "eat eating food foods cook cooking recipe dinner lunch breakfast meal meals restaurant "
        "diet dietary vegetarian vegan steak steakhouse meat fish dish menu snack order drink "
        "drinks allergy allergies allergic ingredient bake barbecue bbq hungry craving crave "
        "cuisine taste pizza burger sushi seafood buffet dessert cake",
    ),
    (
        "eats",
        "eat eating meat vegetarian vegan diet dietary",
    ),
    (
        "drinks",
        "drink drinks drinking beverage beverages",
    ),
    (
        "condition allergy avoids",
        "health medical condition illness disease doctor exercise sport sports training",
    ),
    (
        "medication",
        "medication medications medicine medicines meds drug drugs pill pills tablets prescription "
        "prescribed "
        "health medical doctor alcohol",
    ),
    (
        "religion observes",
        "religion religious faith church",
    ),
    (
        "likes dislikes prefers",
        "like likes love enjoy hobby hobbies prefer preference preferences interests interested fun gift",
    ),
    (
        "favourite_",
        "favourite favorite fave",
    ),
    (
        "project",
        "project projects building build working",
    ),
    (
        "volume_",
        "volume throughput traffic load capacity many much",
    ),
    (
        "limit _limit",
        "limit limits maximum cap quota most allowed capacity many much",
    ),
    (
        "policy rule",
        "policy policies rule rules allowed compliant compliance comply permitted permit "
        "forbidden may must regulation",
    ),
    (
        "status replaced_by",
        "deprecated compliant compliance supported use using replace replacement obsolete",
    ),
    (
        "also_called stands_for",
        "alias aliases called names codename stand stands mean acronym",
    ),
    (
        "means stands_for",
        "mean means meaning define definition",
    ),
    (
        "instruction never prefers",
        "instruction instructions format style always never",
    ),
    (
        "email phone address",
        "email e-mail phone contact reach",
    ),
    (
        "event",
        "schedule happened plans event events",
    ),
    (
        "_date",
        "appointment meeting schedule plans date",
    ),
    (
        "task deadline_",
        "todo task tasks remind reminder due deadline",
    ),
)
SECRET_WORDS = word_set(
    """
    credential credentials password passwords key keys token tokens secret secrets pin passcode
    passphrase login code access authenticate authentication log sign
    """
)
KINDS_OF_SECRET: dict[str, tuple[str, ...]] = {
    "code": ("code", "pin", "passcode"),
    "pin": ("pin",),
    "password": ("password", "passphrase", "passcode"),
    "passphrase": ("passphrase",),
    "passcode": ("passcode", "pin", "code"),
    "token": ("token",),
    "key": ("key",),
}
# "when" and "old" ask for these kinds of fact only together with a word of what it is about.
WEAK = {"when": "event _date birthday birth_year deadline_", "old": "age"}


def is_personal(key: str) -> bool:
    """Whether what stands under a key is told of a person, and answers a question about that person only."""
    return key in _PERSONAL or key.startswith(_PERSONAL_HEADS) or key.endswith(_PERSONAL_TAILS)


@lru_cache(maxsize=16_384)
def families_of(key: str) -> tuple[int, ...]:
    """The families that a key belongs to, by their number."""
    return tuple(
        number
        for number, (patterns, _) in enumerate(_FAMILIES)
        if any(_is_key(pattern, key) for pattern in patterns.split())
    )


def families_asked(words: frozenset[str]) -> frozenset[int]:
    """The families that the words of a question ask for, by their number."""
    return frozenset(
        number
        for number, (_, triggers) in enumerate(_FAMILIES)
        if any(words.issuperset(trigger.split("+")) for trigger in triggers.split())
    )


@lru_cache(maxsize=4096)
def asking_words(key: str) -> frozenset[str]:
    """The words of a question that ask for a key by its kind."""
    triggers = (_FAMILIES[number][1] for number in families_of(key))
    return frozenset(word for each in triggers for word in each.replace("+", " ").replace("_", " ").split())


def weakly_asked(words: frozenset[str], key: str) -> bool:
    """Whether the words ask for this key, if another word asks for what it is about."""
    kinds = " ".join(WEAK[word] for word in words & WEAK.keys())
    return any(_is_key(pattern, key) for pattern in kinds.split())


def _is_key(pattern: str, key: str) -> bool:
    if pattern.endswith("_"):
        return key.startswith(pattern)
    return key.endswith(pattern) if pattern.startswith("_") else key == pattern
