"""The engine's door to embeddings: asynchronous, loaded once, checked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable, OutOfResources
from hmlr.memory.embeddings.port import Asked, Embedder, EmbedderSpec, Said, TokenEmbedder
from hmlr.memory.embeddings.workers import OverdueError, Workers
from hmlr.store.encoded import Encoded, to_levels, token_bytes

T = TypeVar("T")

RETRY_LOAD_S = 60.0  # a load that failed costs seconds; the cause rarely mends itself sooner
SLICE = 128  # texts per call of a thread, about 0.3 s: a query never waits for a whole import
UNIT_TOLERANCE = 1e-3
# What an embedder of somebody else's may let through, though the port forbids it: no turn may fail by it.
FOREIGN = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class EmbeddingService:
    """Embeds texts in threads of its own, never on the event loop.

    Without a spec there is no model: `available` is False and `embed` raises `EmbedderUnavailable`.
    Several event loops may use one service.
    """

    def __init__(
        self,
        spec: EmbedderSpec | None,
        *,
        timeout_s: float = 30.0,
        batch_timeout_s: float = 120.0,
        max_workers: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._clock = clock
        self._timeout_s = timeout_s
        self._batch_timeout_s = batch_timeout_s
        self._workers = Workers(max_workers, "hmlr-embed")
        self._loading = threading.Lock()
        self._embedder: Embedder | None = None
        self._failure: EmbedderError | None = None
        self._failed_at = 0.0

    @property
    def available(self) -> bool:
        """Whether a model is configured; it may still fail to load (see `failure`)."""
        return self._spec is not None

    @property
    def model_id(self) -> str | None:
        """The model's id, known before it is loaded; None when there is no model."""
        return self._spec.model_id if self._spec else None

    @property
    def dim(self) -> int | None:
        """Length of one row; None when there is no model, or when only the loaded model can tell."""
        embedder = self._embedder
        if embedder is not None:
            return embedder.dim
        return self._spec.dim if self._spec else None

    @property
    def failure(self) -> str | None:
        """Why the last load failed, for `health` and `doctor`; None when it did not."""
        failure = self._failure
        return str(failure) if failure else None

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(n, dim) float32, unit rows` (a blank text may give a zero row), in the order of the texts.

        For what somebody waits for: every slice of 128 texts has `timeout_s` seconds. The first call loads
        the model, which counts; calls that come meanwhile wait for that same load. When a caller is
        cancelled, or its deadline is over, the slice in work is finished and dropped.

        Raises:
            EmbedderUnavailable: no model is configured, or its packages are not installed.
            EmbedderError: the model can't be loaded (tried again after 60 s), failed, answered nonsense, or
                not in time. While two calls are overdue none is tried.
            ClosedError: the service is closed, or was closed while this call waited.
        """
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text")
        spec = self._required()
        # At least one slice: an empty call tells by its shape what the loaded model's dim is.
        starts = range(0, max(len(texts), 1), SLICE)
        parts = [
            await self._in_thread(spec, partial(_embed, list(texts[at : at + SLICE])), self._timeout_s)
            for at in starts
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    async def encode(self, said: Sequence[Said]) -> Encoded:
        """Return what is stored of the texts, in their order; for background work.

        Every slice of 128 texts has `batch_timeout_s` seconds. Raises what `embed` raises.
        """
        spec = self._required()
        starts = range(0, len(said), SLICE)
        parts = [
            await self._in_thread(spec, partial(_encode, said[at : at + SLICE]), self._batch_timeout_s)
            for at in starts
        ]
        return parts[0] if len(parts) == 1 else Encoded.joined(parts, parts[0].dim if parts else 0)

    async def ask(self, question: str) -> Asked:
        """Return what a question is searched with; it has `timeout_s` seconds. Raises what `embed` raises."""
        return await self._in_thread(self._required(), partial(_ask, question), self._timeout_s)

    async def aclose(self) -> None:
        """Stop taking work and return at once; a second close does nothing.

        Calls that wait for a thread raise `ClosedError`. A slice or a load in work goes on in its thread,
        and the interpreter waits a minute for it when it exits: an export thrown away would be made again.
        """
        self._workers.close()

    def _required(self) -> EmbedderSpec:
        if self._spec is None:
            raise EmbedderUnavailable(
                "No embedding model is configured", hint="Set the embedder to minilm for search by meaning"
            )
        return self._spec

    async def _in_thread(self, spec: EmbedderSpec, work: Callable[[Embedder], T], timeout_s: float) -> T:
        try:
            return await self._workers.run(lambda: self._guarded(spec, work), timeout_s)
        except OverdueError as error:
            raise EmbedderError(f"The embedding model {spec.model_id} {error}") from error
        except OutOfResources as error:
            raise EmbedderError(f"The embedding model {spec.model_id} can't be asked: {error}") from error

    def _guarded(self, spec: EmbedderSpec, work: Callable[[Embedder], T]) -> T:
        embedder = self._loaded(spec)
        try:
            return work(embedder)
        except FOREIGN as error:
            raise EmbedderError(f"The embedding model {spec.model_id} failed: {error!r}") from error

    def _loaded(self, spec: EmbedderSpec) -> Embedder:
        """Return the embedder, loading it when nobody has; the lock makes callers share one load."""
        with self._loading:
            if self._embedder is not None:
                return self._embedder
            if self._failure is not None and self._clock() - self._failed_at < RETRY_LOAD_S:
                raise _again(self._failure) from self._failure
            try:
                self._embedder = load_checked(spec)
            except EmbedderError as error:
                self._failure, self._failed_at = error, self._clock()
                raise
            self._failure = None
            return self._embedder


def _embed(texts: list[str], embedder: Embedder) -> NDArray[np.float32]:
    return checked_rows(embedder.embed(texts), count=len(texts), dim=embedder.dim)


def _encode(said: Sequence[Said], embedder: Embedder) -> Encoded:
    """What is stored of texts; of a model without token vectors the pooled ones."""
    if isinstance(embedder, TokenEmbedder):
        return checked_encoded(embedder.encode(said), count=len(said), dim=embedder.dim)
    rows = _embed([each.whole for each in said], embedder)
    none = np.zeros(len(said), np.int32)
    return Encoded(
        pooled=to_levels(rows),
        tokens=np.zeros((0, token_bytes(embedder.dim)), np.uint8),
        token_counts=none,
        pieces=np.zeros(0, np.uint16),
        piece_counts=none,
    )


def _ask(question: str, embedder: Embedder) -> Asked:
    if isinstance(embedder, TokenEmbedder):
        return checked_asked(embedder.ask(question), dim=embedder.dim)
    (row,) = _embed([question], embedder)
    return Asked(
        row=row, vectors=np.zeros((0, len(row)), np.float32), pieces=np.zeros(0, np.uint16), words=()
    )


def load_checked(spec: EmbedderSpec) -> Embedder:
    """Load what the spec promises; an embedder under another id would mix vectors of two models.

    Raises:
        EmbedderError: the load failed, or gave another model than the spec names.
    """
    try:
        embedder = spec.load()
    except FOREIGN as error:
        raise EmbedderError(f"The embedding model {spec.model_id} can't be loaded: {error}") from error
    dim = spec.dim or embedder.dim
    if (embedder.model_id, embedder.dim) != (spec.model_id, dim):
        raise EmbedderError(
            f"The embedder {spec.model_id} (dim {dim}) loaded as {embedder.model_id} (dim {embedder.dim})"
        )
    return embedder


def checked_rows(rows: NDArray[np.float32], *, count: int, dim: int) -> NDArray[np.float32]:
    """Return `rows` with unit length (zero rows stay zero).

    Raises:
        EmbedderError: not `(count, dim) float32`, or a value is not finite.
    """
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.shape != (count, dim):
        found = f"{getattr(rows, 'shape', type(rows).__name__)} {getattr(rows, 'dtype', '')}".strip()
        raise EmbedderError(f"The embedder answered {found} instead of ({count}, {dim}) float32")
    if not np.isfinite(rows).all():
        raise EmbedderError("The embedder answered with values that are not finite")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    if (np.abs(lengths - 1.0) <= UNIT_TOLERANCE).all():
        return rows
    return np.asarray(rows / np.where(lengths == 0.0, 1.0, lengths), dtype=np.float32)


def checked_encoded(encoded: Encoded, *, count: int, dim: int) -> Encoded:
    """Return it unchanged. EmbedderError when its arrays do not belong to so many texts."""
    whole = (
        encoded.pooled.shape == (count, dim)
        and len(encoded.token_counts) == len(encoded.piece_counts) == count
        and encoded.tokens.shape == (int(encoded.token_counts.sum()), token_bytes(dim))
        and len(encoded.pieces) == int(encoded.piece_counts.sum())
    )
    if not whole:
        raise EmbedderError(f"The embedder answered with arrays that are not those of {count} texts")
    return encoded


def checked_asked(asked: Asked, *, dim: int) -> Asked:
    """Return it unchanged. EmbedderError when its arrays do not fit each other, or are not all numbers."""
    count = len(asked.pieces)
    whole = (
        asked.row.shape == (dim,)
        and asked.vectors.shape == (count, dim)
        and len(asked.words) == count
        and np.isfinite(asked.row).all()
        and np.isfinite(asked.vectors).all()
    )
    if not whole:
        raise EmbedderError("The embedder answered with arrays that are not those of one question")
    return asked


def _again(failure: EmbedderError) -> EmbedderError:
    """Return a fresh error of the same kind: one instance raised in many threads would pile up tracebacks."""
    kind = EmbedderUnavailable if isinstance(failure, EmbedderUnavailable) else EmbedderError
    return kind(str(failure))
