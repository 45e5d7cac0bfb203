"""Any model of the sentence-transformers library."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable


class SentenceTransformerEmbedder:
    """Serves a model by name or path; downloads nothing unless `allow_download` says so."""

    def __init__(self, model_name_or_path: str, *, allow_download: bool = False) -> None:
        """Load the model; importing the library alone takes seconds.

        Raises:
            EmbedderUnavailable: the library is not installed.
            EmbedderError: the model is not on this machine, or can't be loaded.
        """
        with _translated(model_name_or_path):
            from sentence_transformers import SentenceTransformer

            folder = model_name_or_path if allow_download else _folder(model_name_or_path)
            self._model = SentenceTransformer(folder, local_files_only=not allow_download)
            dim = self._model.get_embedding_dimension()
        if dim is None:
            raise EmbedderError(f"The embedding model {model_name_or_path} does not tell its dimension")
        self._dim = int(dim)
        self._model_id = model_name_or_path
        self._lock = threading.Lock()  # its tokenizer refuses to be used by two threads at once

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def dim(self) -> int:
        return self._dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(n, dim) float32, unit rows`; what a blank text gives is up to the model.

        Raises:
            EmbedderError: the library failed.
        """
        if not texts:
            return np.zeros((0, self._dim), np.float32)
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        with self._lock, _translated(self._model_id):
            rows = self._model.encode(
                whole, convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(rows, np.float32)


def _folder(name: str) -> str:
    """Where a model lies on this machine. Given its name the library asks the network whatever it is told."""
    if Path(name).exists():
        return name
    from huggingface_hub import snapshot_download

    return str(
        snapshot_download(name if "/" in name else f"sentence-transformers/{name}", local_files_only=True)
    )


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn the library's errors into ours; it raises the plain classes."""
    try:
        yield
    except ImportError as error:
        raise EmbedderUnavailable(
            f"The embedding model {name} needs a package that can't be imported: {error}",
            hint="Run: pip install sentence-transformers",
        ) from error
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        first_line = (str(error).strip() or repr(error)).splitlines()[0]
        raise EmbedderError(
            f"The embedding model {name} failed: {first_line}",
            hint="Give the path of a model folder, or download the model first",
        ) from error
