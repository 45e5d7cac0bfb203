"""Blanking: words taken out of a text whatever their case or composition, the text keeping its length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

BLANK = "█"
# What continues a word: a letter, a digit, or a mark on the letter before.
_WORD = r"[\w\u0300-\u036f]"


def blank(text: str, words: Iterable[str]) -> str:
    """The text with each of the words blanked, character for character, so that offsets stay right.

    "oslo" and "OSLO" are "Oslo", and é is one character or two; "Oslo" is not in "Oslofjord".
    """
    folded = folded_text(text)
    places = None if len(folded) == len(text) else _places(text)
    blanked = list(text)
    for word in words:
        if (wanted := folded_text(word)) and wanted in folded:
            for match in _pattern(wanted).finditer(folded):
                start, end = match.span()
                first, last = (start, end - 1) if places is None else (places[start], places[end - 1])
                blanked[first : last + 1] = BLANK * (last + 1 - first)
    return "".join(blanked)


def folded_text(text: str) -> str:
    """A text as it is compared: without case, with letters and their marks apart."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())


def _places(text: str) -> list[int]:
    """For each character of the folded text the one of the text that it comes from."""
    return [place for place, character in enumerate(text) for _ in _folded(character)]


@lru_cache(maxsize=1024)
def _pattern(wanted: str) -> re.Pattern[str]:
    pattern = re.escape(wanted)
    if wanted[:1].isalnum():
        pattern = rf"(?<!{_WORD}){pattern}"
    if re.match(_WORD, wanted[-1:]):
        pattern = rf"{pattern}(?!{_WORD})"
    return re.compile(pattern)
