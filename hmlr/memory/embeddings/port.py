"""The ports of embedding models, what they take and give, and the value that names one not loaded yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hmlr.store.encoded import Encoded


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A paragraph to be encoded, with who said it: a text means more beside its speaker."""

    text: str
    speaker: str | None = None  # a name; a role names nobody, and would cost a twentieth of the time

    @property
    def whole(self) -> str:
        """What is encoded."""
        return self.text if self.speaker is None else f"{self.speaker}: {self.text}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """A question as a model sees it. Without token vectors the arrays of pieces have length 0."""

    row: NDArray[np.float32]
    """`(dim,) float32, unit`: the question as a whole, to be compared with pooled vectors."""
    vectors: NDArray[np.float32]
    """`(q, dim) float32, unit rows`: its word pieces without punctuation, less the model's mean."""
    pieces: NDArray[np.uint16]
    """`(q,)`: which pieces they are."""
    words: tuple[str, ...]
    """`(q,)`: the word of each, in lower case."""


class Embedder(Protocol):
    """Turns texts into unit vectors.

    `embed` blocks and is thread-safe; it is called from executor threads only, often by several at once.
    An adapter translates every error of its library into `EmbedderError`.
    """

    @property
    def model_id(self) -> str:
        """Stored beside each vector; two models with different vectors never share an id."""
        ...

    @property
    def dim(self) -> int:
        """Length of one row."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(n, dim) float32, unit rows`, in the order of the texts.

        No texts give `(0, dim)`. A blank text gives a unit row or a zero row, never NaN. A text over the
        model's length is cut. A text's row may depend a little on the texts beside it (a quantised model
        may scale a batch as a whole), though a ranking is then not the same after an import.

        Raises:
            EmbedderError: the model failed; nothing was computed.
        """
        ...


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also gives a vector for every word piece; the same promises as `Embedder` makes."""

    def encode(self, said: Sequence[Said]) -> Encoded:
        """Return the vectors to be stored, in the order of the texts; every text has a token at least.

        Raises:
            EmbedderError: the model failed; nothing was computed.
        """
        ...

    def ask(self, question: str) -> Asked:
        """Return what a question is searched with.

        Raises:
            EmbedderError: the model failed.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderSpec:
    """An embedder that is not loaded yet: what the store must know at once, and how to load it."""

    model_id: str
    """Equals `model_id` of the loaded embedder."""
    dim: int | None
    """Equals `dim` of the loaded embedder; None: known only once it is loaded."""
    load: Callable[[], Embedder]
    """Blocking, may take seconds; raises `EmbedderError`. Called from an executor thread, one at a time."""
