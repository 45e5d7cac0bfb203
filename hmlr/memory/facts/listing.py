"""Facts of one kind as a list: pets, children, allergies, cities. Pure.

A kind is a word as people say it, in the plural or not. It means keys ("pets": pet, childhood_pet), or is a
word of a key or of a value ("dogs": "Rex (dog)").
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.things import is_vehicle
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.kinds import SECRET_WORDS
from hmlr.records import Fact

# Words for a kind -> its keys. "favourite_" stands for all keys that begin so, "_date" for all that end so.
_KINDS: tuple[tuple[str, str], ...] = (
    ("pet animal", "pet childhood_pet"),
    ("child kid", "child kid son daughter"),
    ("sibling", "brother sister"),
    ("parent", "mother mom mum father dad"),
    ("allergy", "allergy"),
    ("medication medicine med drug pill", "medication"),
    ("condition illness disease", "condition"),
    ("language", "speaks native_language"),
    ("like hobby interest", "likes"),
    ("dislike", "dislikes"),
    ("fear phobia", "fears"),
    ("preference", "prefers likes dislikes favourite_"),
    ("favourite favorite", "favourite_"),
    ("project", "project"),
    ("task todo", "task"),
    ("event", "event"),
    ("date appointment deadline", "_date deadline_"),
    ("instruction", "instruction call_me do_not_call_me"),
    ("city town place country trip", "visited"),
    ("book novel", "has_read"),
    ("possession thing", "owns first_car"),
)
_SECRET = frozenset(query_terms(" ".join(sorted(SECRET_WORDS)), limit=len(SECRET_WORDS)))
_NO_ITEM = "number_of_"  # says how many there are and is none of them


def of_kind(facts: Iterable[Fact], kind: str) -> list[Fact]:
    """The facts of a kind, in their order; secrets are found by their key alone."""
    asked = frozenset(query_terms(kind))
    if not asked:
        return []
    return [fact for fact in facts if _is_of(fact, asked)]


def _is_of(fact: Fact, asked: frozenset[str]) -> bool:
    if fact.key.startswith(_NO_ITEM):
        return False
    if fact.category == "secret" and asked.isdisjoint(_SECRET):
        return False  # "projects" are no passwords of projects
    key_words = frozenset(query_terms(fact.key.replace("_", " ")))
    if asked <= key_words or any(_is_key(pattern, fact.key) for pattern in _keys(asked)):
        return True
    if fact.category == "entity" and fact.key == "owns" and asked <= _stems("car vehicle"):
        return is_vehicle(fact.value)
    return fact.category in {"entity", "preference"} and asked <= frozenset(query_terms(fact.value))


@lru_cache(maxsize=256)
def _keys(asked: frozenset[str]) -> tuple[str, ...]:
    return tuple(key for words, keys in _KINDS if asked <= _stems(words) for key in keys.split())


@lru_cache(maxsize=64)
def _stems(words: str) -> frozenset[str]:
    return frozenset(query_terms(words))


def _is_key(pattern: str, key: str) -> bool:
    if pattern.endswith("_"):
        return key.startswith(pattern)
    return key.endswith(pattern) if pattern.startswith("_") else key == pattern
