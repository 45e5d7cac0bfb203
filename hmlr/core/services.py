"""What the engines of one process share: the store, the embedder, the lattice and the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from hmlr.core.tasks.base import TaskRunner
from hmlr.errors import ConfigurationError
from hmlr.llm.port import Model
from hmlr.memory.embeddings import EmbedderSpec, embedder_spec
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.intake import new_chunks
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.settings import Settings
from hmlr.store.port import Store
from hmlr.store.sqlite import open_sqlite

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Services:
    """Open resources; `aclose` closes them in the order that loses nothing."""

    settings: Settings
    store: Store
    embedding: EmbeddingService
    lattice: Lattice
    runner: TaskRunner
    clock: Clock

    async def aclose(self) -> None:
        """Close the embedder, then the store with its queued writes."""
        await self.embedding.aclose()
        await self.store.aclose()


async def open_services(
    settings: Settings,
    *,
    model: Model | str | None = None,
    embedder: EmbedderSpec | None = None,
    clock: Clock = utc_now,
) -> Services:
    """Open the database and what works on it; nothing heavy is loaded before its first use.

    Raises ConfigurationError for a model or embedder that does not exist, StorageError for the database.
    """
    chosen = _model(model if model is not None else settings.model)
    spec = embedder or embedder_spec(settings.embedder, settings.cache)
    store = await open_sqlite(
        settings.database,
        slicer=new_chunks,
        durability=settings.durability,
        busy_timeout_s=settings.busy_timeout_s,
    )
    embedding = EmbeddingService(spec)
    return Services(
        settings=settings,
        store=store,
        embedding=embedding,
        lattice=Lattice(store, embedding),
        runner=TaskRunner(chosen),
        clock=clock,
    )


def _model(chosen: Model | str) -> Model | None:
    """The model to ask; None is the built-in offline provider."""
    if not isinstance(chosen, str):
        return chosen
    if chosen in ("", "offline"):
        return None
    raise ConfigurationError(
        f"the model {chosen!r} can't be used: this version answers by its built-in rules",
        hint="Set the model to offline",
    )
