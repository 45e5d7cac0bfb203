"""A topic's label by rule: a few words of the user's, as they stand, that say what the topic is."""

from __future__ import annotations

import re
from collections.abc import Callable

from hmlr.language.sentences import sentence_spans

MAX_WORDS = 6
MAX_CHARS = 60
_LOOKED_AT = 4000  # characters of a message: what it is about stands at its beginning

# Control characters and changes of direction would act on the screen on which a list of labels is shown.
_PIECE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+|[,;:!?()\[\]{}\"“”«»|]+(?=\s|$)|[({\[\"“«]+|\s[-–—]+\s"
)
_TOKEN = re.compile(r"\S+")
_EDGES = "\"'`“”‘’*_~.,;:!?()[]{}<>#"
# What follows "password is" and the like is nobody's to read in a list; so is what looks like a key.
_TOLD = re.compile(
    r"\b(?:passwords?|passphrase|passcode|pin|codes?|keys?|tokens?|secrets?|credentials?|login|"
    r"iban)\b[^.!?\n]{0,48}?"
    r"(?:\bis\b|\bto\b|\bwith\b|[:=])\s*(?P<value>\S+)",
    re.IGNORECASE,
)
_KEY_LIKE = re.compile(
    r"^(?=.*\d)(?=.*[^\W\d_])[\w+/=.#@!$%&*-]{8,}$|^[0-9a-fA-F-]{12,}$|"
    r"^[^\W\d_]+(?:[-_][\w]+)+[-_]\d+$"
)


def secrets_in(text: str) -> frozenset[str]:
    """Words of a text that are or look like secrets, as they stand in it."""
    told = {found["value"].strip(_EDGES) for found in _TOLD.finditer(text)}
    values = {value for value in told if any(c.isdigit() for c in value) or "-" in value or "_" in value}
    return frozenset(values | {word for word in map(_bare, _TOKEN.findall(text)) if _KEY_LIKE.match(word)})


def label_of(text: str, telling: Callable[[str], bool]) -> str:
    """The most telling words of a text, literal and in one piece; "" when no word of it tells anything."""
    text = text[:_LOOKED_AT]
    hidden = secrets_in(text)
    best: list[str] = []
    most = 0
    spans = [span for span in sentence_spans(text) if not text[slice(*span)].startswith(("```", "~~~"))]
    for start, end in spans or [(0, len(text))]:
        for piece in _PIECE.split(text[start:end]):
            words = _phrase(piece, telling, hidden)
            count = sum(1 for word in words if telling(_bare(word)) and not word[0].isdigit())
            if count > most:
                best, most = words, count
    label = " ".join(best)[:MAX_CHARS].strip(_EDGES + " ")
    return label[:1].upper() + label[1:]


def _phrase(piece: str, telling: Callable[[str], bool], hidden: frozenset[str]) -> list[str]:
    """The piece from its first telling word on, up to a secret, without what trails behind the last one."""
    taken: list[str] = []
    for word in _TOKEN.findall(piece):
        if _bare(word) in hidden:
            break
        if taken or telling(_bare(word)):
            taken.append(word)
        if len(taken) == MAX_WORDS:
            break
    while taken and not telling(_bare(taken[-1])):
        taken.pop()
    return taken


def _bare(word: str) -> str:
    return word.strip(_EDGES)
