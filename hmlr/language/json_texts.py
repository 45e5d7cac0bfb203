"""Texts in a JSON value: found, and blanked, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from hmlr.language.blanking import blank, folded_text


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys and numbers included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)


def blank_json(value: Any, words: Collection[str]) -> Any:
    """The value with the words blanked in every text, keys included; a number that is a word becomes text."""
    if isinstance(value, str):
        return blank(value, words)
    if isinstance(value, dict):
        return {blank(key, words): blank_json(each, words) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [blank_json(each, words) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    number = str(value)
    return blank(number, words) if number in map(folded_text, words) else value
