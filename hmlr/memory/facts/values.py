"""When two values are one, however they are written: case, space, numbers and units. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.records import Fact

_SPACE = re.compile(r"\s+")
_SCALE = {
    "thousand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "m": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_SCALES = r"thousand|million|billion|trillion|k|mn|bn|m"
# Digits in groups of three, by one kind of separator; a single dot is that of a decimal ("4.850").
_GROUPED = r"[1-9]\d{0,2}(?:(?:,\d{3}){1,8}|(?: \d{3}){1,8}|(?:'\d{3}){1,8}|(?:\.\d{3}){2,8})(?!\d)"
_NUMBER = re.compile(
    rf"(?<![\w.,])(?:(?P<grouped>{_GROUPED})|(?P<plain>\d{{1,15}}))"
    rf"(?P<decimals>\.\d{{1,9}}|,\d{{1,2}}(?=\s*(?:{_SCALES})\b))?(?:\s*(?P<scale>{_SCALES})\b)?"
)
_PER = re.compile(r"\s*(?:/|\bper\b|\ba\b)\s*(?=day|second|sec|s\b|hour|h\b|minute|min|week|month|year)")
_CURRENCIES = {
    "€": "eur", "euro": "eur", "euros": "eur", "$": "usd", "dollar": "usd", "dollars": "usd", "£": "gbp",
}  # fmt: skip
_SIGN_FIRST = re.compile(r"([€$£]) ?(\d[\d.,']*(?: \d{3})*(?: ?(?:" + _SCALES + r")\b)?)")
_CURRENCY = re.compile(r"(?<=\d) ?(€|\$|£|euros?\b|dollars?\b)")
_GLUED = re.compile(r"(?<=\d)(?=(?:[kmgtpe]i?b(?:it)?|kwh|mwh|gwh|kg|km|eur|usd|gbp)\b)")
_BITS = re.compile(r"(?<=\d)( ?[MGTPE]i?)b\b")  # "Gb" is no "GB"


def fold(text: str) -> str:
    """Text with case and space evened out."""
    return _SPACE.sub(" ", text.casefold()).strip()


@lru_cache(maxsize=8192)
def fold_value(value: str) -> str:
    """A value such that equal ones are equal: case, space, articles, how numbers and units are written.

    A number without a unit is not one with a unit.
    """
    folded = fold(_BITS.sub(r"\1bit", value)).strip(" .,;:!\"'`")
    folded = re.sub(r"^(?:the|an?|my|our) ", "", folded)
    if any(c.isdigit() for c in folded):
        folded = _SIGN_FIRST.sub(r"\2 \1", folded)
        folded = _NUMBER.sub(_number, folded)
        folded = _CURRENCY.sub(lambda found: f" {_CURRENCIES[found[1]]}", folded)
        folded = _PER.sub("/", _GLUED.sub(" ", folded))
    return folded


def _number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found["grouped"] or found["plain"])
    decimals = (found["decimals"] or "").replace(",", ".")
    # A number that is not written with a scale or separators stays as it is: "007" and "1.10" are names.
    if not found["scale"] and not found["grouped"]:
        return digits + decimals
    scaled = Decimal(digits + decimals) * _SCALE.get(found["scale"] or "", 1)
    return f"{scaled.normalize():f}"


def spelt_out(value: str, other: str) -> bool:
    """Whether a value is written to the last digit and the other is not, so that it may have been rounded."""
    return _is_scaled(other) and not _is_scaled(value)


def _is_scaled(value: str) -> bool:
    return any(found["scale"] for found in _NUMBER.finditer(fold(value)))


_MEDICINE_WORD = re.compile(r"[a-z][a-z-]{2,}")
_NO_MEDICINE = word_set(
    """
    mcg units unit drops drop puffs puff tablets tablet pills pill capsules capsule milligrams milligram
    once twice three times every each daily weekly before after with the day week month morning evening
    night noon lunch breakfast dinner bed bedtime meal meals other hours per until
    """
)


def same_medicine(known: str, said: str) -> bool:
    """Whether `said` tells the dose of the medicine of `known`: "40 mg of lisinopril", "lisinopril daily"."""
    one, other = (frozenset(_MEDICINE_WORD.findall(fold(value))) - _NO_MEDICINE for value in (known, said))
    return bool(one) and one == other and any(character.isdigit() for character in said)


def same_value(one: Fact, other: Fact) -> bool:
    """Whether two facts say the same value. Of a secret every character counts: "5k" is no "5000"."""
    if "secret" in (one.category, other.category):
        return one.value.strip() == other.value.strip()
    return fold_value(one.value) == fold_value(other.value)
