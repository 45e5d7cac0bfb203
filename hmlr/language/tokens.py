"""Search terms of a text: what the full-text index stores and what a query asks for.

The same function makes both sides, so a term needs no meaning outside this file, only to be equal for
texts that a user would call the same word: case, accents, English endings and the hyphens of codes are
folded away ("LΦ-88" and "lφ88" share the term "lφ88"). A term fits into an SQLite FTS5 table with the
``ascii`` tokenizer and the token characters ``_-.:``: its ASCII characters are ``a-z 0-9 - .`` only.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from unicodedata import normalize

import regex  # type: ignore[import-untyped]
import Stemmer

from hmlr.language.word_lists import words

# Function words, by hand. Left out on purpose although they are frequent: "will", "may" and "us" are also
# a name, a month and a country, and a memory that can't find Will is worse than a slightly longer index.
STOP_WORDS: frozenset[str] = frozenset(
    words("""
    a an the this that these those such
    i me my mine myself we our ours ourselves you your yours yourself yourselves
    he him his himself she her hers herself it its itself they them their theirs themselves
    who whom whose which what when where why how whatever whichever whoever
    am is are was were be been being do does did doing done have has had having
    can could shall should would might must ought
    and or but nor so if then else than as because while although though unless whether
    of at by for with about against between into through to from in out on off onto upon over under
    up down after before during within without toward towards until since via per
    again further once here there now also just only very too really quite rather
    not no yes any some all both each every either neither few more most other another own same much many
    isnt arent wasnt werent dont doesnt didnt hasnt havent hadnt cant couldnt shouldnt wouldnt wont
    mustnt mightnt aint lets thats whats theres im ive youre youve theyre
    oh ok okay hey hi hello please
    """)
)

_MAX_TERM = 64  # characters; longer runs are keys or noise, and the head of them identifies them
_MAX_CHUNK = 160  # characters of a compound that is looked at as a whole and cached
_MAX_RUNS = 4  # "xyz789" is split where letters meet digits, a hash of twenty runs is not

# A chunk is a run of letters and digits, possibly joined by single separators: fox's, l-88, 10:30, a_b.
_JOINT = r"(?:['\-_.]|(?<=[0-9])[:/,](?=[0-9]))"
_ASCII_CHUNK = re.compile(rf"[a-z0-9]+(?:{_JOINT}[a-z0-9]+)*")
# Scripts without spaces between words; they become character bigrams.
_UNSPACED = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc\u3005]"
)
_WORD = r"(?:(?!" + _UNSPACED + r")[\p{L}\p{M}\p{N}])+"
_UNICODE_CHUNK = regex.compile(rf"{_UNSPACED}++|{_WORD}(?:{_JOINT}{_WORD})*+")
_UNSPACED_RUN = regex.compile(rf"{_UNSPACED}+")
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_SEPARATOR = re.compile(r"(['\-_.:/,])")
_RUN = re.compile(r"\d+|\D+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
# Latin, Greek and Cyrillic accents; the marks of other scripts carry vowels and stay.
_ACCENTS = re.compile("[\u0300-\u036f]")
# Apostrophes and dashes are written in many ways; soft hyphens and joiners are not written at all.
_SAME = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u2032", "'")
    | dict.fromkeys("\u2010\u2011\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f")
)
_CLITICS = frozenset({"s", "m", "d", "re", "ve", "ll"})

_local = threading.local()


def terms(text: str) -> list[str]:
    """Return the search terms of ``text`` in order, with repeats, without stop words.

    Codes and compounds yield the whole joined form and their parts ("K-12": ``k12 k 12``). A text of
    nothing but stop words keeps them ("the who"), one of nothing but emoji yields the emoji.
    """
    folded = _fold(text)
    found = _expand_all(folded, keep_stop_words=False)
    if found:
        return found
    return _expand_all(folded, keep_stop_words=True) or _EMOJI.findall(folded)


def query_terms(text: str, limit: int = 32) -> list[str]:
    """Return the distinct terms of a query in order; over ``limit`` the longest are kept.

    Long words are the rare ones as a rule, so they are the last to give up.
    """
    distinct = list(dict.fromkeys(terms(text)))
    if len(distinct) <= limit:
        return distinct
    kept = set(sorted(distinct, key=len, reverse=True)[: max(limit, 0)])
    return [term for term in distinct if term in kept]


def content_words(text: str) -> frozenset[str]:
    """Return the distinct terms of ``text`` that carry content: empty when it is all stop words."""
    return frozenset(_expand_all(_fold(text), keep_stop_words=False))


def _fold(text: str) -> str:
    """Return ``text`` with case, compatibility forms, accents and spelling of apostrophes evened out."""
    if text.isascii():
        return text.lower()
    # Decomposing and folding feed each other (a folded letter may decompose), so both run twice.
    opened = normalize("NFKD", normalize("NFKD", text).casefold()).casefold()
    return normalize("NFKC", _ACCENTS.sub("", opened.translate(_SAME)))


def _expand_all(folded: str, *, keep_stop_words: bool) -> list[str]:
    out: list[str] = []
    extend = out.extend
    chunks = _ASCII_CHUNK.findall(folded) if folded.isascii() else _UNICODE_CHUNK.findall(folded)
    for chunk in chunks:
        if len(chunk) <= _MAX_CHUNK:
            extend(_expand(chunk, keep_stop_words))
        else:  # a pasted key or a book without spaces is not worth a place in the cache
            extend(_expand.__wrapped__(chunk, keep_stop_words))
    return out


@lru_cache(maxsize=8192)
def _expand(chunk: str, keep_stop_words: bool) -> tuple[str, ...]:
    """Return the terms of one chunk."""
    if not chunk.isascii() and _UNSPACED_RUN.fullmatch(chunk):
        return tuple(chunk[i : i + 2] for i in range(len(chunk) - 1)) or (chunk,)
    if _THOUSANDS.fullmatch(chunk):
        return (chunk.replace(",", "")[:_MAX_TERM],)
    pieces = _SEPARATOR.split(chunk)  # word, separator, word, ...
    while len(pieces) > 2 and pieces[-2] == "'" and pieces[-1] in _CLITICS:
        del pieces[-2:]
    joined, plain = _joined(pieces), pieces[::2]
    if len(plain) == 1 and not keep_stop_words and plain[0] in STOP_WORDS:
        return ()
    if joined in STOP_WORDS and "'" in pieces:  # don't, isn't
        return (joined,) if keep_stop_words else ()
    whole = [_stem(joined)] if joined else []
    parts = [_stem(p) for word in plain for p in _parts(word) if keep_stop_words or p not in STOP_WORDS]
    return tuple(whole if whole == parts else whole + parts)


def _joined(pieces: list[str]) -> str:
    """Return the canonical whole of a compound, or "" when it has none worth a term.

    Separators vanish, except between digits, where they tell 3.5 from 35: there they become "." or "-".
    """
    separators = pieces[1::2]
    if "," in separators or len("".join(pieces)) > _MAX_CHUNK:
        return ""
    has_digit = any(c.isdigit() for piece in pieces for c in piece)
    # "mother-in-law" is better found by its words; "fact_scrubber", "e-mail" and "U.S.A" are names.
    if not has_digit and len(separators) > 1 and not {"_", "."} & set(separators):
        return ""
    out = pieces[0]
    for separator, word in zip(separators, pieces[2::2], strict=True):
        if out[-1].isdigit() and word[0].isdigit():
            out += "." if separator in ".:" else "-"
        out += word
    return out


def _parts(word: str) -> list[str]:
    """Return the runs of letters and digits of ``word``, or the word itself when it is a hash."""
    if word.isalpha() or word.isdigit():
        return [word]
    runs = _RUN.findall(word)
    return runs if len(runs) <= _MAX_RUNS else [word]


def _stem(word: str) -> str:
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return word[:_MAX_TERM]
    # A stemmer object keeps scratch memory and must not be shared between threads.
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)  # 0: _expand is the cache
    return str(stemmer.stemWord(word[:_MAX_TERM]))
