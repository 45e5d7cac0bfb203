"""Whether a full stop ends a sentence: the word before it, and what comes after.

Two mistakes are possible, and they don't weigh the same: a missed end makes one sentence of two, a false
one tears "Mrs. Fox" apart. In doubt there is no end.
"""

from __future__ import annotations

import re

from hmlr.language.word_lists import words

# Stand before a name and never end a sentence.
_TITLES = frozenset(
    words(
        "mr mrs ms mx dr prof st mt ft rev hon gov sen rep gen col capt cpt lt sgt cmdr pres supt messrs mme"
        " mlle fr vs cf eg ie viz approx ca al resp incl excl hr frau"
    )
)
# Stand before a number: "No. 5", "Fig. 2", "Jan. 3". Without one they are ordinary words.
_BEFORE_NUMBER = frozenset(
    words(
        "no nos nr fig figs vol ch sec eq p pp pg art para ver v tel ext bd"
        " jan feb mar apr jun jul aug sep sept oct nov dec"
    )
)
# May end a sentence; they do when a capital follows.
_ENDING = frozenset(words("etc inc ltd co corp llc bros jr sr esq dept est ave blvd rd assn bldg"))
_TIMES = frozenset({"a.m", "p.m"})
# A capital after an initial may be a surname; these words are none.
_STARTERS = frozenset(
    words(
        "the a an i we he she it they you this that these those there then my our his her its their your"
        " in on at for but and so if when while after before however what who why how where yes no"
    )
)

_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_NEXT_WORD = re.compile(r"[\w'’]{1,16}")
# What stands right before a kind of street that is cut short, and what comes after: "at ul. Morska 21".
_ADDRESS = re.compile(
    r"\b(?:add?ress(?:es)?(?: is)?|is|at|in|to|on|from|near|street)[:,]?\s+$", re.IGNORECASE
)
_NO_STREET = frozenset(
    words(
        "home work bed town noon once sea it me us him her them you that this all now time last fact "
        "love class out off"
    )
)
_STREET = re.compile(r"[^\W\d_][\w'’-]+(?: [^\W\d_][\w'’-]+){0,2},? (?:no\.? ?)?\d")
_OPENERS = "\"'“‘«([{*_~`<„¿¡-–—"
_LOOK_BACK = 32  # longer words are no abbreviations


def stop_ends_sentence(text: str, at: int, after: int, line_start: int) -> bool:
    """Tell whether the single "." at ``text[at]``, followed by text at ``after``, ends a sentence.

    ``line_start`` is where the line or sentence of the full stop begins: "1." is an item number there.
    """
    head = max(line_start, at - _LOOK_BACK)
    before = text[head:at].split()
    if not before or text[at - 1].isspace():
        return True
    word = before[-1].lstrip(_OPENERS)
    if len(before) == 1 and head == line_start and word.isdigit() and len(word) <= 3:
        return False
    follows = text[after : after + 48].lstrip(_OPENERS)
    return _word_may_end(word, follows) and not _before_street(word, text[head : at - len(word)], follows)


def _word_may_end(word: str, follows: str) -> bool:
    """Tell whether ``word`` and its full stop may end a sentence when ``follows`` comes next."""
    lowered = word.lower()
    capital = follows[:1].isupper()
    if lowered in _TITLES:
        return False
    if lowered in _BEFORE_NUMBER and follows[:1].isdigit():
        return False
    if lowered in _ENDING or lowered in _TIMES:
        return capital
    if _INITIALS.fullmatch(word):  # "e.g." stays, "U.S." only ends before a word that starts sentences
        return capital and word.isupper() and _starts(follows)
    if len(word) == 1 and word.isupper() and word != "I":
        return not capital or _starts(follows)
    return True


def _before_street(word: str, before: str, follows: str) -> bool:
    """Whether a short word stands for a kind of street, of any language: a name and a number come next."""
    short = 2 <= len(word) <= 4 and word.isalpha() and (word.islower() or len(word) == 2)
    if not short or word in _NO_STREET or not follows[:1].isupper() or _starts(follows):
        return False
    return _STREET.match(follows) is not None and _ADDRESS.search(before) is not None


def _starts(follows: str) -> bool:
    found = _NEXT_WORD.match(follows)
    return found is not None and re.split("['’]", found.group())[0].lower() in _STARTERS
