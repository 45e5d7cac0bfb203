"""The port of embedding models, and the value that names one before it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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
        may scale a batch as a whole), so rows are compared by cosine, never for equality.

        Raises:
            EmbedderError: the model failed; nothing was computed.
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
