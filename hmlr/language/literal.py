"""Whether a text says only what its sources say, judged by its words.

A text is literal when every content word of it stands in a source. Ordinary words may be inflected: equal
stems are the same word. Numbers, codes and names are exact: a word with a digit counts as a whole ("K-12"
gives no right to "12"), and a word that the sources write with a capital only may not be inflected. "Not"
and its kin count as one content word, because a text that adds one says the opposite.

It is a check of words, not of meaning: it can't see that words of two sources were mixed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from unicodedata import normalize

import regex  # type: ignore[import-untyped]

from hmlr.language.tokens import STOP_WORDS, content_words, terms
from hmlr.language.word_lists import words

# Words that join statements and add nothing to them.
LINKING_WORDS: frozenset[str] = frozenset(
    words("""
    then later earlier afterwards thereafter meanwhile finally still already however therefore namely
    respectively according called named known said says user
    """)
)
_NEGATIONS = frozenset(words("no not never none nor neither without cannot"))

_RUN = r"[\p{L}\p{M}\p{N}]+"
_WORD = regex.compile(rf"{_RUN}(?:(?:['_.\-]|(?<=\p{{N}})[:/,](?=\p{{N}})){_RUN})*+")
_PIECES = re.compile(r"['_.\-]")
_POSSESSIVE = re.compile(r"'s$", re.IGNORECASE)
_SAME = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u2032", "'")
    | dict.fromkeys("\u2010\u2011\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words that some sources give a right to."""

    exact: frozenset[str]  # every word as written, case aside; codes and numbers in their canonical form
    stems: frozenset[str]  # of the words that are no names
    negated: bool  # whether a source says "not", "never", "without" …

    @classmethod
    def of(cls, sources: Iterable[str]) -> Vocabulary:
        """Collect the words of the sources."""
        exact: set[str] = set()
        stems: set[str] = set()
        negated = False
        for word in {word for source in sources for word in written_words(source)}:
            exact.update(_forms(word))
            negated = negated or _negates(word)
            if not (_has_digit(word) or any(c.isupper() for c in word)):
                stems.update(terms(word))
        return cls(exact=frozenset(exact), stems=frozenset(stems), negated=negated)

    def has(self, word: str) -> bool:
        """Whether a word, as `written_words` yields it, may be used."""
        if _negates(word):
            return self.negated
        forms = _forms(word)
        if forms[0] in self.exact:
            return True
        return not _has_digit(word) and all(self._has_piece(piece) for piece in forms[1:])

    def _has_piece(self, piece: str) -> bool:
        stems = terms(piece)
        return piece in self.exact or piece in STOP_WORDS or (bool(stems) and self.stems.issuperset(stems))


def new_words(text: str, sources: Iterable[str], *, also: frozenset[str] = LINKING_WORDS) -> tuple[str, ...]:
    """The content words of `text` that stand in no source, as written, once each; empty for a literal text.

    Function words are free, and so are the words of `also`.
    """
    known = Vocabulary.of((*sources, " ".join(also)))
    return tuple(
        dict.fromkeys(
            word
            for word in written_words(text)
            if (content_words(word) or _negates(word)) and not known.has(word)
        )
    )


def one_line(text: str) -> str:
    """The text without line breaks, so that a line of a list is one item of it."""
    return " ".join(text.split())


def written_words(text: str) -> list[str]:
    """The words of a text as written, codes and hyphenated words whole; quotes and dashes evened out."""
    found: list[str] = _WORD.findall(normalize("NFKC", text).translate(_SAME))
    return found


def says_not(text: str) -> bool:
    """Whether the text holds a "not", "never", "without" or the like."""
    return any(_negates(word) for word in written_words(text))


def day_words(at: datetime) -> str:
    """A day in the forms that a text may write it in: "2025-03-01", "1 March 2025"."""
    return f"{at:%Y-%m-%d} {at.day} {at:%B %Y}"


def _forms(word: str) -> tuple[str, ...]:
    """A word's canonical form, then the pieces that it may stand for instead; a code has no pieces."""
    if _has_digit(word):
        return (" ".join(terms(word)) or word.casefold(),)
    folded = _POSSESSIVE.sub("", word.casefold())
    pieces = [piece for piece in _PIECES.split(folded) if piece]
    return ("".join(pieces), *pieces)


def _has_digit(word: str) -> bool:
    return any(c.isnumeric() for c in word)


def _negates(word: str) -> bool:
    folded = word.casefold()
    return folded in _NEGATIONS or folded.endswith("n't") or (folded.endswith("nt") and folded in STOP_WORDS)
