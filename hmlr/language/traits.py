"""What a text shows of itself at a glance, for search."""

from __future__ import annotations

import re

from hmlr.language.sentences import sentence_spans

_ASKS = frozenset("?？")
_FIRST_PERSON = re.compile(
    r"\b(?:I|I['’](?:m|ve|d|ll)|Im|Ive|my|mine|me|myself|we|we['’](?:re|ve|d|ll)|our|ours|us)\b",
    re.IGNORECASE,
)


def only_asks(text: str) -> bool:
    """Whether every sentence of a text is a question."""
    if not _ASKS.intersection(text):  # most texts: spares cutting them into sentences
        return False
    sentences = [text[start:end].strip() for start, end in sentence_spans(text)]
    sentences = [sentence for sentence in sentences if sentence]
    return bool(sentences) and all(
        sentence.rstrip("\"'”’)*_ ").endswith(tuple(_ASKS)) for sentence in sentences
    )


def speaks_of_self(text: str) -> bool:
    """Whether a text says I, my, we …: questions about people are answered by what they say of themselves."""
    return _FIRST_PERSON.search(text) is not None
