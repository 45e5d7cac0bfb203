"""What the default model stores of a paragraph and asks of a question: words that say something."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hmlr.memory.embeddings.minilm import MiniLMEmbedder
from hmlr.memory.embeddings.port import Said, TokenEmbedder
from hmlr.memory.embeddings.probes import PROBES
from hmlr.memory.embeddings.service import checked_encoded

pytestmark = [pytest.mark.model, pytest.mark.timeout(180)]


def said(text: str, speaker: str | None = None) -> Said:
    return Said(text=text, speaker=speaker)


def kept(model: MiniLMEmbedder, text: str, speaker: str | None = None) -> int:
    """How many tokens are kept of a text."""
    return int(model.encode([said(text, speaker)]).token_counts[0])


def test_it_is_an_embedder_of_tokens(model: MiniLMEmbedder) -> None:
    assert isinstance(model, TokenEmbedder)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Berlin", 1),
        ("I live in Berlin.", 2),
        ("berlin, Berlin!", 2),
        ("Who are you?", 3),  # nothing but function words: they are all there is
        ("... !!!", 7),  # nothing but punctuation, and the mark of the end
        ("", 1),
        ("🦊", 1),  # unknown, and a word like any other
    ],
)
def test_words_are_kept_that_say_something_and_one_token_always(
    model: MiniLMEmbedder, text: str, tokens: int
) -> None:
    assert kept(model, text) == tokens


def test_the_speaker_is_not_kept_as_a_token_however_long_the_name(model: MiniLMEmbedder) -> None:
    speakers = (None, "Ann", "Dr. Maximilian-Ottokar von Hohenstein")
    assert [kept(model, "I live in Berlin.", speaker) for speaker in speakers] == [2, 2, 2]
    assert kept(model, "I live in Berlin.", "name " * 300) >= 1


def test_the_speaker_is_counted_among_the_pieces(model: MiniLMEmbedder) -> None:
    berlin, ann = model.ask("Berlin Ann").pieces
    pieces = model.encode([said("Berlin, Berlin", "Ann")]).pieces
    assert sorted(pieces) == sorted([berlin, ann])


def test_the_order_of_the_texts_is_kept_and_changes_little(model: MiniLMEmbedder) -> None:
    texts = [said(text) for text in PROBES[:40]]
    order = random.Random(1).sample(range(40), 40)
    straight, mixed = model.encode(texts), model.encode([texts[place] for place in order])
    assert checked_encoded(mixed, count=40, dim=384) is mixed
    assert mixed.token_counts.tolist() == straight.token_counts[order].tolist()
    first, second = straight.pooled[order].astype(float), mixed.pooled.astype(float)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    assert (np.sum(first * second, axis=1) / lengths).min() > 0.9


def test_no_texts_give_nothing(model: MiniLMEmbedder) -> None:
    nothing = model.encode([])
    assert checked_encoded(nothing, count=0, dim=384) is nothing


@pytest.mark.parametrize(
    "text", ["", " \n", "?", "🦊🦊", "half \ud800 a character", "é" * 40, "word " * 9000]
)
def test_odd_questions_are_asked(model: MiniLMEmbedder, text: str) -> None:
    asked = model.ask(text)
    assert np.linalg.norm(asked.row) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(asked.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert 1 <= len(asked.vectors) == len(asked.pieces) == len(asked.words)


def test_a_question_knows_the_word_of_each_piece(model: MiniLMEmbedder) -> None:
    asked = model.ask("Was Annelotte there?")
    assert set(asked.words) == {"was", "annelotte", "there"}
    assert len(asked.words) > 3  # the name is of several pieces


def test_a_word_is_near_to_itself_in_its_sense(model: MiniLMEmbedder) -> None:
    money, river = model.encode(
        [said("I opened an account at the bank."), said("We sat on the bank of the river.")]
    ).pooled.astype(float)
    asked = model.ask("Where is my savings account?").row
    assert asked @ money / np.linalg.norm(money) > asked @ river / np.linalg.norm(river) + 0.1
