"""What the service lets through of a model with token vectors, and what it makes of one without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import EmbedderSpec, EmbeddingService
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import Asked, Embedder, Said, TokenEmbedder
from hmlr.memory.embeddings.service import SLICE
from hmlr.store.encoded import Encoded, to_levels
from tests.store.making import encoded, unit_rows
from tests.unit.searched import asked

pytestmark = pytest.mark.anyio
DIM = 12


class Telling:
    """Answers whatever it was given; without that, a token and a piece for each text."""

    model_id, dim = "telling", DIM

    def __init__(self, *, stored: Any = None, question: Any = None) -> None:
        self.stored, self.question = stored, question

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), DIM), np.float32)

    def encode(self, said: Sequence[Said]) -> Encoded:
        if self.stored is not None:
            return self.stored  # type: ignore[no-any-return]
        numbers = [int(each.text) for each in said]
        rows = np.eye(DIM, dtype=np.float32)[[number % DIM for number in numbers]]
        return encoded(rows, tokens=list(rows), pieces=[[number] for number in numbers])

    def ask(self, question: str) -> Asked:
        return self.question or asked(unit_rows(3, DIM))  # type: ignore[no-any-return]


def serving(embedder: Embedder) -> EmbeddingService:
    spec = EmbedderSpec(model_id=embedder.model_id, dim=embedder.dim, load=lambda: embedder)
    return EmbeddingService(spec)


def texts(count: int) -> list[Said]:
    return [Said(text=str(number)) for number in range(count)]


async def test_texts_of_several_slices_come_in_their_order() -> None:
    count = 2 * SLICE + 3
    found = await serving(Telling()).encode(texts(count))
    assert found.pieces.tolist() == list(range(count))
    assert found.parts() == Telling().encode(texts(count)).parts()


async def test_no_texts_give_nothing() -> None:
    assert len(await serving(Telling()).encode([])) == 0


async def test_a_question_is_handed_on() -> None:
    question = asked(unit_rows(2, DIM))
    assert await serving(Telling(question=question)).ask("?") is question


WHOLE = encoded(unit_rows(2, DIM), tokens=[unit_rows(2, DIM)] * 2, pieces=[(1, 2)] * 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pooled": WHOLE.pooled[:1]},
        {"pooled": WHOLE.pooled[:, :8]},
        {"tokens": WHOLE.tokens[:3]},
        {"tokens": WHOLE.tokens[:, :1]},
        {"token_counts": WHOLE.token_counts[:1]},
        {"pieces": WHOLE.pieces[:3]},
        {"piece_counts": np.array([1, 2, 1], np.int32)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_arrays_of_other_texts_are_an_error(wrong: dict[str, Any]) -> None:
    service = serving(Telling(stored=replace(WHOLE, **wrong)))
    with pytest.raises(EmbedderError, match="2 texts"):
        await service.encode(texts(2))


QUESTION = asked(unit_rows(2, DIM))


@pytest.mark.parametrize(
    "wrong",
    [
        {"row": QUESTION.row[:8]},
        {"row": np.full(DIM, np.nan, np.float32)},
        {"vectors": QUESTION.vectors[:1]},
        {"vectors": QUESTION.vectors[:, :8]},
        {"vectors": np.full((2, DIM), np.inf, np.float32)},
        {"pieces": QUESTION.pieces[:1]},
        {"words": ("one",)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_question_of_other_lengths_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(EmbedderError, match="question"):
        await serving(Telling(question=replace(QUESTION, **wrong))).ask("?")


async def test_of_a_model_without_tokens_the_pooled_vectors_are_stored() -> None:
    plain = HashEmbedder(DIM)
    assert not isinstance(plain, TokenEmbedder)
    said = [Said(text="hello"), Said(text="hello", speaker="Ann")]
    found = await serving(plain).encode(said)
    assert np.array_equal(found.pooled, to_levels(plain.embed(["hello", "Ann: hello"])))
    assert (found.token_counts.tolist(), found.piece_counts.tolist()) == ([0, 0], [0, 0])
    assert found.tokens.shape == (0, 2)


async def test_a_model_without_tokens_is_asked_by_a_row() -> None:
    found = await serving(HashEmbedder(DIM)).ask("hello")
    assert np.array_equal(found.row, HashEmbedder(DIM).embed(["hello"])[0])
    assert (found.vectors.shape, len(found.pieces), found.words) == ((0, DIM), 0, ())


async def test_without_a_model_it_says_so() -> None:
    service = EmbeddingService(None)
    with pytest.raises(EmbedderUnavailable):
        await service.encode(texts(1))
    with pytest.raises(EmbedderUnavailable):
        await service.ask("?")
