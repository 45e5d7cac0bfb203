"""The real default model: exported once by two processes at once, then served without torch."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.minilm import MAX_CHARS, MiniLMEmbedder, MiniLMEncoder, source_folder
from hmlr.memory.embeddings.probes import PROBES
from hmlr.memory.embeddings.sentence_transformer import SentenceTransformerEmbedder
from tests.exported import load_in_processes

pytestmark = [pytest.mark.model, pytest.mark.timeout(180)]


def test_two_processes_at_once_export_once(first_loads: tuple[Path, list[dict[str, object]]]) -> None:
    cache_dir, loads = first_loads
    assert sum(int(str(load["exports"])) for load in loads) == 1
    names = sorted(file.name for file in (cache_dir / "all-minilm-l6-v2-int8").iterdir())
    assert [name for name in names if name != "export.lock"] == ["manifest.json", "model.onnx"]
    assert json.loads((cache_dir / "all-minilm-l6-v2-int8/manifest.json").read_text())["cosine"] >= 0.99


def test_a_later_process_loads_quickly_and_without_torch(
    first_loads: tuple[Path, list[dict[str, object]]],
) -> None:
    (load,) = load_in_processes(first_loads[0], 1)
    assert (load["heavy"], load["exports"]) == ([], 0)
    assert float(str(load["seconds"])) < 1.5  # 0.2 s when the machine is idle


def test_rows_are_unit_and_in_the_order_of_the_texts(model: MiniLMEmbedder) -> None:
    texts = [text * (1 + n % 7) for n, text in enumerate(PROBES)] * 2
    rows = model.embed(texts)
    assert (rows.shape, rows.dtype) == ((len(texts), 384), np.float32)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.concatenate([model.embed([text]) for text in texts[:20]])
    assert np.array_equal(alone, rows[:20])  # a vector does not depend on the texts beside it


def test_no_texts_give_no_rows(model: MiniLMEmbedder) -> None:
    assert model.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00", "half \ud800 a character", "é" * 40, "🦊" * 3000, "word " * MAX_CHARS]
)
def test_odd_texts_give_unit_rows(model: MiniLMEmbedder, text: str) -> None:
    assert np.linalg.norm(model.embed([text, "ok"]), axis=1) == pytest.approx(1, abs=1e-5)


def test_text_is_cut_at_256_pieces(model: MiniLMEmbedder) -> None:
    long = "the harbour was quiet and the boats lay still " * 40
    (cut,), (longer,) = model.embed([long]), model.embed([long + "and then everything exploded"])
    assert np.array_equal(cut, longer)


def test_meaning_counts(model: MiniLMEmbedder) -> None:
    query, near, far = model.embed(
        ["What does she do for a living?", "Mona works as a nurse.", "The ferry was late again."]
    )
    assert query @ near > query @ far + 0.2


def test_threads_may_share_one_model(model: MiniLMEmbedder) -> None:
    expected = model.embed(PROBES)
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.append(np.array_equal(model.embed(PROBES), expected)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


def test_a_file_that_is_no_model_is_our_error() -> None:
    with pytest.raises(EmbedderError, match="onnxruntime"):
        MiniLMEncoder(b"no model")


@pytest.mark.filterwarnings("ignore")
def test_sentence_transformers_agrees_and_asks_no_network(
    model: MiniLMEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a network connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    reference = SentenceTransformerEmbedder(str(source_folder()))
    assert (reference.model_id, reference.dim) == (str(source_folder()), 384)
    assert reference.embed([]).shape == (0, 384)
    rows = reference.embed(PROBES)
    assert rows.dtype == np.float32
    assert np.sum(rows * model.embed(PROBES), axis=1).mean() >= 0.99
    with pytest.raises(EmbedderError, match="no-such/model"):
        SentenceTransformerEmbedder("no-such/model")
