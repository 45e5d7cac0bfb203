"""The echo guard: a reply that repeats recalled memories is kept, but neither searched nor learned from."""

from __future__ import annotations

from hmlr.language.sentences import sentence_spans
from hmlr.records import Context

# A reply of which this share of characters stands literally in what was recalled says nothing new.
ECHO_SHARE = 0.5
MIN_CHARS = 12  # shorter pieces ("Yes.") stand everywhere


def fold(text: str) -> str:
    """A text for comparison: case and white space don't count."""
    return " ".join(text.casefold().split())


def is_echo(reply: str, context: Context) -> bool:
    """Whether a reply mostly repeats what the context held."""
    recalled = fold(" ".join([*(hit.text for hit in context.hits), *(fact.quote for fact in context.facts)]))
    total = repeated = 0
    for start, end in sentence_spans(reply):
        sentence = fold(reply[start:end]).strip("\"'“”‘’ ")
        total += len(sentence)
        if len(sentence) >= MIN_CHARS and sentence in recalled:
            repeated += len(sentence)
    return total > 0 and repeated / total >= ECHO_SHARE
