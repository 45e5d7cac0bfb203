"""Sentence vectors: the port, its adapters, and the asynchronous service the engine uses."""

from __future__ import annotations

from pathlib import Path

from hmlr.errors import ConfigurationError
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import Embedder, EmbedderSpec
from hmlr.memory.embeddings.service import EmbeddingService

__all__ = ["Embedder", "EmbedderSpec", "EmbeddingService", "embedder_spec", "spec_of"]

MINILM_ID = "all-minilm-l6-v2-int8"  # of the exported model, and of the vectors made with it
MINILM_DIM = 384


def embedder_spec(name: str, cache_dir: Path, *, threads: int = 0) -> EmbedderSpec | None:
    """Return the embedder that a setting names, not loaded; None for `none` (lexical search only).

    `minilm` is the default model, exported into `cache_dir` when it is first loaded; `st:<name or path>`
    is any sentence-transformers model that is already on this machine. `threads` is for `minilm`: 0 takes
    every core.

    Raises:
        ConfigurationError: the name is none of these.
    """
    if name == "none":
        return None
    if name == "minilm":
        return EmbedderSpec(
            model_id=MINILM_ID, dim=MINILM_DIM, load=lambda: _load_minilm(cache_dir, threads=threads)
        )
    kind, _, model = name.partition(":")
    if kind == "st" and model.strip():
        return EmbedderSpec(model_id=model.strip(), dim=None, load=lambda: _load_st(model.strip()))
    raise ConfigurationError(
        f"There is no embedder {name!r}", hint="Use minilm, none or st:<name or path of a model>"
    )


def spec_of(model_id: str, cache_dir: Path) -> EmbedderSpec:
    """Return the embedder of the id under which vectors are stored, not loaded."""
    kind, _, dim = model_id.partition("-")
    if kind == "hash" and dim.isdecimal():
        return EmbedderSpec(model_id=model_id, dim=int(dim), load=lambda: HashEmbedder(int(dim)))
    spec = embedder_spec("minilm" if model_id == MINILM_ID else f"st:{model_id}", cache_dir)
    assert spec is not None  # noqa: S101 - both names are those of models
    return spec


# The adapters are imported where they are loaded: they bring packages that take seconds to import.


def _load_minilm(cache_dir: Path, *, threads: int) -> Embedder:
    from hmlr.memory.embeddings.minilm import MiniLMEmbedder

    return MiniLMEmbedder(cache_dir, threads=threads)


def _load_st(model: str) -> Embedder:
    from hmlr.memory.embeddings.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(model)
