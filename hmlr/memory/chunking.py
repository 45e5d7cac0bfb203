"""Cut a message into verbatim slices: paragraphs, which are stored and indexed, and their sentences."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Literal

from hmlr.language.sentences import paragraph_spans, sentence_spans

JOIN_CHARS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """One verbatim slice of a message: ``text[start:end]``."""

    kind: Literal["paragraph", "sentence"]
    start: int
    """First character, counted in code points."""
    end: int
    """One past the last character."""
    parent: int | None
    """Position of the sentence's paragraph in the list that :func:`chunk` returned; None for paragraphs."""


def chunk(text: str, *, max_chars: int = 1000) -> list[Slice]:
    """Return the paragraphs of ``text``, each followed by its sentences when it has more than one.

    Short ones in a row, such as a heading and the lines of a list, count as one: alone they say little.
    The paragraphs put together give ``text`` byte for byte, and the sentences of a paragraph give that
    paragraph. No slice is longer than ``max_chars``. Empty text has no slices. Raises ValueError when
    ``max_chars`` is below 1.
    """
    paragraphs = _joined(paragraph_spans(text, max_chars), min(JOIN_CHARS, max_chars))
    # Sentence ends come from the whole text: a paragraph cut out of long code must not be read as prose.
    ends = [end for _, end in sentence_spans(text)]
    slices: list[Slice] = []
    for start, end in paragraphs:
        parent = len(slices)
        slices.append(Slice(kind="paragraph", start=start, end=end, parent=None))
        inner = ends[bisect_right(ends, start) : bisect_left(ends, end)]
        if not inner:
            continue
        bounds = zip([start, *inner], [*inner, end], strict=True)
        slices.extend(Slice(kind="sentence", start=a, end=b, parent=parent) for a, b in bounds)
    return slices


def _joined(spans: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """The spans with neighbours put together as long as they are not longer than ``most``."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and end - joined[-1][0] <= most:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
