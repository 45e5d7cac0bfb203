"""Cut a text into sentences and paragraphs that put together give it back byte for byte.

Both functions return half-open spans that touch each other, start at 0 and end at ``len(text)``. White
space belongs to what stands before it, at the head of the text to what follows. Every scan is linear: each
pattern consumes what it looked at, so no stretch of text is visited twice.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from hmlr.language.abbreviations import stop_ends_sentence
from hmlr.language.tokens import query_terms

Span = tuple[int, int]

_CLOSERS = "\"'”’»)\\]}*_~`"
# What may end a sentence: marks with their closing quotes, CJK marks, or a line break; each with the white
# space after it. It always matches once begun: a look-ahead that fails would scan "!!!!…" again and again.
_END = re.compile(
    rf"(?P<stop>[.!?…‽]+[{_CLOSERS}]*)(?P<space>\s*)"
    r"|(?P<cjk>[。！？｡]+[」』）】》”’\"']*)\s*"
    r"|(?P<line>[\r\n\u2028\u2029]\s*)"
)
# Back-ticks after the mark make it inline code that happens to begin a line.
_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}+(?=[^`\n]*$)|~{3,}+)(?P<info>[^\n]*)", re.MULTILINE)
# A new list item, heading, quote, table row or speaker ("Ada: ...").
_ITEM = re.compile(r"[-*•+–—][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|[>|]|\w[\w .'-]{0,30}:[ \t]")
_BREAK = re.compile(r"[\r\n\u2028\u2029]\s*")
_SPACE = re.compile(r"\s*")
_HEADING = re.compile(r"#{1,6}[ \t]")
_SHORT_LINE = 50  # characters; prose that is wrapped at a margin has longer lines
_CLUSTER = 32  # code points looked at around a hard cut; longer grapheme clusters are not writing


def sentence_spans(text: str) -> list[Span]:
    """Return contiguous spans that cover ``text``, one per sentence, heading, list item or code block.

    A line break ends a sentence before a blank line, a list item or a heading, and after a short line when
    the next begins with a capital. Fenced code is one span. Lower case after a full stop is no reason to go
    on, because many people write so; after an ellipsis it is.
    """
    return _spans(text, _sentence_cuts(text))


def best_sentence(text: str, terms: frozenset[str]) -> str:
    """Return the sentence that shares most search terms with a question; the first of equals."""
    spans = sentence_spans(text)
    if not spans:
        return text
    best = max(spans, key=lambda span: len(terms & set(query_terms(text[span[0] : span[1]]))))
    return text[best[0] : best[1]].strip()


def paragraph_spans(text: str, max_chars: int = 1000) -> list[Span]:
    """Return contiguous spans of at most ``max_chars`` that cover ``text``, cut at blank lines.

    What is longer is cut at sentence ends, else at line breaks, else at white space, else between grapheme
    clusters. A blank line in fenced code is no cut. Raises ValueError when ``max_chars`` is below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars must be at least 1, not {max_chars}")
    whole = _spans(text, _paragraph_cuts(text))
    if all(end - start <= max_chars for start, end in whole):
        return whole
    ends = [end for _, end in sentence_spans(text)]
    return [piece for span in whole for piece in _fit(text, span, ends, max_chars)]


def _spans(text: str, cuts: Iterable[int]) -> list[Span]:
    """Return the spans between the ascending ``cuts``, whichever of them lie inside the text."""
    inner = (cut for cut in cuts if 0 < cut < len(text))
    return list(pairwise(dict.fromkeys([0, *inner, len(text)]))) if text else []


def _sentence_cuts(text: str) -> Iterator[int]:
    position = _skip_space(text, 0)
    for start, end in _fences(text):
        yield from _prose_cuts(text, position, start)
        if start > position:
            yield start
        yield end
        position = end
    yield from _prose_cuts(text, position, len(text))


def _prose_cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the sentence ends of ``text[start:end]``, which holds no fenced code."""
    begun = line = start  # where the current sentence and the current line begin
    for found in _END.finditer(text, start, end):
        after = found.end()
        if found.lastgroup == "line":
            ends = _line_ends(text, line, found)
        elif found.lastgroup == "cjk":
            ends = text[after - 1].isspace() or not _joins(text, after, begun)
        else:
            ends = _stop_ends(text, found, max(begun, line))
        if ends and after > begun:
            yield after
            begun = after
        if ends or found.lastgroup == "line" or "\n" in found.group():
            line = after


def _stop_ends(text: str, found: re.Match[str], line_start: int) -> bool:
    after, stop, space = found.end(), found["stop"], found["space"]
    if not space or after == len(text):
        return after == len(text)
    if _is_blank_line(space):
        return True
    follows = text[after]
    if stop == ".":
        return stop_ends_sentence(text, found.start(), after, line_start)
    # "well... maybe" and '"Really?" he asked' go on; "Really? yes" does not.
    goes_on = stop[0] == "…" or stop.startswith("..") or stop[-1] not in ".!?…‽"
    return not (goes_on and follows.islower())


def _line_ends(text: str, line_start: int, found: re.Match[str]) -> bool:
    """Tell whether the line break ``found`` ends the line's sentence."""
    after = found.end()
    if after == len(text) or _is_blank_line(found.group()) or _ITEM.match(text, after):
        return True
    if _HEADING.match(text, line_start):
        return True
    return found.start() - line_start < _SHORT_LINE and text[after].isupper()


def _paragraph_cuts(text: str) -> Iterator[int]:
    position = _skip_space(text, 0)
    for start, end in [*_fences(text), (len(text), len(text))]:
        for found in _BREAK.finditer(text, position, start):
            if _is_blank_line(found.group()):
                yield found.end()
        # White space after a fence belongs to it, so a blank line there is not seen above.
        if _is_blank_line(text[len(text[start:end].rstrip()) + start : end]):
            yield end
        position = end


def _is_blank_line(space: str) -> bool:
    return space.count("\n") > 1 or space.count("\r") > max(1, space.count("\n")) or "\u2029" in space


def _fences(text: str) -> Iterator[Span]:
    """Yield the spans of fenced code, from the opening mark to the white space after the closing one."""
    if "```" not in text and "~~~" not in text:
        return
    opened: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        if opened is None:
            opened = found
        elif found["mark"].startswith(opened["mark"]) and not found["info"].strip():
            yield opened.start("mark"), _skip_space(text, found.end())
            opened = None
    if opened is not None:
        yield opened.start("mark"), len(text)


def _fit(text: str, span: Span, ends: list[int], max_chars: int) -> Iterator[Span]:
    """Yield ``span`` in pieces of at most ``max_chars``."""
    start, stop = span
    while stop - start > max_chars:
        limit = start + max_chars
        index = bisect_right(ends, limit) - 1
        cut = ends[index] if index >= 0 and ends[index] > start else _cut_inside(text, start, limit)
        yield start, cut
        start = cut
    yield start, stop


def _cut_inside(text: str, start: int, limit: int) -> int:
    """Return where to cut ``text[start:limit]``: after a line break, a white space, or a whole cluster."""
    cut = text.rfind("\n", start, limit) + 1
    if cut > start:
        return cut
    for position in range(limit, start, -1):
        if text[position - 1].isspace():
            return position
    for position in range(limit, max(start, limit - _CLUSTER), -1):
        if not _joins(text, position, start):
            return position
    return limit


def _joins(text: str, position: int, floor: int) -> bool:
    """Tell whether the character at ``position`` belongs to a cluster with the one before it.

    Marks, variation selectors, joiners and skin tones do, and so does the second half of a flag; halves are
    counted from ``floor``, where a cluster begins.
    """
    if position >= len(text) or text[position] < "\u0300":
        return text[position - 1 : position + 1] == "\r\n"
    char, before = text[position], text[position - 1]
    if before == "\u200d" or char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if _is_flag_half(char):
        first = position
        while first > floor and _is_flag_half(text[first - 1]):
            first -= 1
        return (position - first) % 2 == 1
    return unicodedata.category(char).startswith("M")


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
