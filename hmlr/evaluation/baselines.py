"""What HMLR is measured against: BM25 and plain MiniLM over the same paragraphs of the same messages.

And BM25 over pieces of one length, which owes nothing to how HMLR cuts messages.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmlr.evaluation.measures import distinct
from hmlr.evaluation.records import BUDGETS, DEPTH, Found, Said
from hmlr.language.tokens import query_terms, terms
from hmlr.memory.chunking import chunk
from hmlr.memory.embeddings import MINILM_DIM
from hmlr.memory.embeddings.minilm import MiniLMEncoder, pooled
from hmlr.memory.embeddings.minilm_export import exported_model

K1 = 1.2
B = 0.75
CHARS_PER_TOKEN = 4
PER_MESSAGE = 3  # paragraphs of one message in a budget at most, as `recall` has it
PIECE_CHARS = 400

Scorer = Callable[[str], NDArray[np.float64]]  # a question to a score per paragraph


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A piece of a message that is ranked by itself."""

    message: str  # its id
    text: str
    spoken: str  # "speaker: text"


def paragraphs(messages: Sequence[Said]) -> list[Paragraph]:
    """The paragraphs that HMLR cuts the messages into, in order."""
    found = []
    for said in messages:
        for piece in chunk(said.text):
            text = said.text[piece.start : piece.end]
            if piece.kind == "paragraph" and text.strip():
                spoken = f"{said.speaker or said.role}: {text}"
                found.append(Paragraph(message=said.id, text=text, spoken=spoken))
    return found


def pieces(messages: Sequence[Said]) -> list[Paragraph]:
    """The messages in pieces of 400 characters at most, cut between words; a longer word is a piece."""
    return [
        Paragraph(message=said.id, text=text, spoken=f"{said.speaker or said.role}: {text}")
        for said in messages
        for text in textwrap.wrap(said.text, PIECE_CHARS, break_long_words=False, break_on_hyphens=False)
    ]


def find(
    scores: NDArray[np.float64], pieces: Sequence[Paragraph], per_message: int | None = PER_MESSAGE
) -> Found:
    """What a score per paragraph finds: a message stands where its best paragraph does.

    In a budget it has `per_message` paragraphs at most, with None as many as fit.
    Equals stand in the order they were said, and so does, at the end, what shares no word with the question.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = [pieces[place] for place in order.tolist()]
    messages = distinct(piece.message for piece in ranked)
    inside = {budget: filled(ranked, budget, per_message) for budget in BUDGETS}
    return Found(messages=messages[:DEPTH], inside=inside)


def filled(ranked: Sequence[Paragraph], budget: int, per_message: int | None) -> frozenset[str]:
    """The messages with a paragraph in a budget of tokens that is filled in order, like `recall` does it.

    A paragraph that does not fit is passed over, and so is one too many of a message.
    """
    taken: Counter[str] = Counter()
    inside: set[str] = set()
    for piece in ranked:
        if taken[piece.message] == per_message:
            continue
        taken[piece.message] += 1
        cost = math.ceil(len(piece.text) / CHARS_PER_TOKEN)
        if cost <= budget:
            budget -= cost
            inside.add(piece.message)
    return frozenset(inside)


def bm25(pieces: Sequence[Paragraph]) -> Scorer:
    """BM25 (Robertson & Zaragoza 2009) over HMLR's own terms of "speaker: text"."""
    counts = [Counter(terms(piece.spoken)) for piece in pieces]
    lengths = np.array([sum(count.values()) for count in counts], np.float64)
    norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    postings: Mapping[str, list[tuple[int, int]]] = defaultdict(list)
    for place, count in enumerate(counts):
        for term, times in count.items():
            postings[term].append((place, times))

    def score(question: str) -> NDArray[np.float64]:
        scores = np.zeros(len(pieces), np.float64)
        for term in query_terms(question):
            if term in postings:
                places, times = np.array(postings[term]).T
                idf = math.log(1 + (len(pieces) - len(places) + 0.5) / (len(places) + 0.5))
                scores[places] += idf * times * (K1 + 1) / (times + norm[places])
        return scores

    return score


def minilm(pieces: Sequence[Paragraph], cache: Path) -> Scorer:
    """The cosine of one plain MiniLM vector per paragraph of "speaker: text".

    Raises EmbedderUnavailable when its packages are not installed.
    """
    encoder = MiniLMEncoder(exported_model(cache))
    vectors = _encoded(encoder, [piece.spoken for piece in pieces])

    def score(question: str) -> NDArray[np.float64]:
        return np.asarray(vectors @ _encoded(encoder, [question])[0], np.float64)

    return score


def _encoded(encoder: MiniLMEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    _, states = encoder.states(texts)
    return np.array([pooled(each) for each in states], np.float32).reshape(-1, MINILM_DIM)
