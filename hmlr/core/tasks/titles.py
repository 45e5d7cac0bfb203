"""Titles of groups of facts, from the facts' own words: what it is about, then what is said of it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hmlr.core.tasks.identity import bare_version, folded, joins_names, series_of
from hmlr.core.tasks.offered import OfferedFact, said_in
from hmlr.core.tasks.themes import NameFinder, named_in, telling_words
from hmlr.language.literal import LINKING_WORDS, new_words, one_line
from hmlr.language.tokens import content_words
from hmlr.language.word_lists import words
from hmlr.records import Fact

MAX_TITLE = 80  # characters: one line of a listing
_NAMES, _FIELDS, _WORDS = 3, 3, 4
# A title may name its field in these words though no fact does: they state nothing about anyone.
FIELD_WORDS = LINKING_WORDS | frozenset(
    words("""
    facts names aliases policies rules limits versions history settings credentials preferences plans
    people places work home health food family travel tools dates belongings projects
    """)
)
# What a key is about, in one of these words; keys that are nouns stand for themselves, others tell no field.
_FIELD_OF = {
    "lives_in": "home", "hometown": "home", "address": "home", "employer": "work", "job": "work",
    "likes": "preferences", "dislikes": "preferences", "allergy": "health", "diet": "food", "eats": "food",
    "drinks": "food", "does_not_eat": "food", "owns": "belongings", "limit": "limits", "policy": "policies",
    "rule": "rules", "uses": "tools", "event": "dates", "task": "plans",
}  # fmt: skip
_NO_NOUN = re.compile(
    r"^(?:is|are|has|was|were|does|do|says?|can|may|must)(?:_|$)|_(?:by|at|in|to|for|from|of|with)$"
)
_TAIL = re.compile(r"_(?:date|limit|number|size|cap|quota)$")
_DETAIL = re.compile(r",? (?:\d{4}-\d\d-\d\d).*$|\(.*\)$")


def title_of(facts: Sequence[OfferedFact]) -> str:
    """A specific title: "Wilhelmina: home, work, allergy", "Encryption policy", "Dentist appointment".

    The value of a secret is kept out: titles stand in listings.
    """
    names = _names(facts)
    head = ", ".join(names[:_NAMES]) if names else _matter(facts)
    if not head:
        head, fields = _capital(", ".join(_telling(facts, frozenset()))), []
    else:
        fields = _fields(facts, head)
    return _cut(f"{_capital(head)}: {', '.join(fields)}" if fields else _capital(head)) or "Facts"


def _names(facts: Sequence[OfferedFact]) -> list[str]:
    """What the facts are about most, each thing under its longest name, a series without its numbers."""
    written: dict[str, str] = {}
    for name in dict.fromkeys(name for offered in facts for name in offered.names):
        key = folded(name)
        if len(name) > len(written.get(key, "")):
            written[key] = name
    finder = NameFinder(written.values())
    mentions = Counter(name for offered in facts for name in sorted(named_in(offered, finder)))
    count: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for name, times in mentions.items():
        if bare_version(name):
            continue
        series = series_of(name)
        key = series or name
        count[key] += times
        shown[key] = _series_name(written[name]) if series else written[name]
    return [shown[key] for key, _ in count.most_common()]


def _series_name(name: str) -> str:
    return re.sub(r"\s*(?:\bv|\bversion |\brev(?:ision)? )\d+(?:\.\d+)*$", "", name, flags=re.IGNORECASE)


def _matter(facts: Sequence[OfferedFact]) -> str:
    """What facts without a name are about: the noun of their key, else a short value."""
    keys = Counter(_TAIL.sub("", each.fact.key) for each in facts)
    for key, _ in keys.most_common():
        if "_" in key and key not in _FIELD_OF and not _NO_NOUN.search(key):
            return key.replace("_", " ")
    values = (_DETAIL.sub("", one_line(each.fact.value)) for each in facts if each.fact.category != "secret")
    short = next((value for value in values if 0 < len(value.split()) <= _WORDS and content_words(value)), "")
    noun = next(
        (key for key, _ in keys.most_common() if key not in _FIELD_OF and not _NO_NOUN.search(key)), ""
    )
    if noun and short:
        return f"{noun}: {short}" if len(facts) == 1 else noun
    return short or noun.replace("_", " ")


def _fields(facts: Sequence[OfferedFact], head: str) -> list[str]:
    """What is said, by keys: the most frequent first."""
    taken = content_words(head)
    count = Counter(field for each in facts if (field := _field(each.fact)))
    fields: list[str] = []
    for field, _ in count.most_common():
        if not content_words(field) & taken:
            fields.append(field)
            taken |= content_words(field)
    return fields[:_FIELDS]


def _field(fact: Fact) -> str:
    if joins_names(fact):
        return ""  # the names stand there
    if fact.key in _FIELD_OF:
        return _FIELD_OF[fact.key]
    key = _TAIL.sub("", fact.key)
    return "" if _NO_NOUN.search(key) or len(key) > 30 else key.replace("_", " ")


def _telling(facts: Sequence[OfferedFact], taken: frozenset[str]) -> Iterator[str]:
    about = (
        word
        for word in telling_words(_told(facts))
        if not content_words(word) & taken
        and word.casefold() not in LINKING_WORDS
        and any(c.isalpha() for c in word)
    )
    for word, _ in zip(about, range(_WORDS), strict=False):
        yield word


def _told(facts: Iterable[OfferedFact]) -> Iterator[str]:
    for offered in facts:
        fact = offered.fact
        key = fact.key.replace("_", " ")
        yield key if fact.category == "secret" else f"{key} {fact.value}"


def literal_title(said: str, facts: Sequence[OfferedFact]) -> str:
    """The title that a model gave when it is short and made of the facts' words, else the rule's."""
    title = one_line(said)
    if (
        not content_words(title)
        or len(title) > MAX_TITLE
        or new_words(title, said_in(facts), also=FIELD_WORDS)
    ):
        return title_of(facts)
    secrets = {offered.fact.value.casefold() for offered in facts if offered.fact.category == "secret"}
    return title_of(facts) if any(value in title.casefold() for value in secrets) else title


def _capital(text: str) -> str:
    """With a capital to begin with, unless it is a name that is written small for a reason ("iPhone")."""
    first = text.split(" ", maxsplit=1)[0].rstrip(":,") if text else ""
    return text[:1].upper() + text[1:] if first.islower() and first.isalpha() else text


def _cut(title: str) -> str:
    title = one_line(title)
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rsplit(' ', 1)[0].rstrip(' ,:')}…"
