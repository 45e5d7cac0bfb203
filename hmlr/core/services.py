"""What the engines of one process share: the store, the embedder, the lattice and the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hmlr.core.day_book import StoredDayBook
from hmlr.core.tasks.base import TaskRunner
from hmlr.errands.port import Errands
from hmlr.errands.table import TableErrands
from hmlr.llm.names import OFFLINE, chosen_model
from hmlr.llm.port import Model
from hmlr.llm.settings import LLMSettings
from hmlr.memory.embeddings import EmbedderSpec, embedder_spec, spec_of
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.foreground import Foreground
from hmlr.memory.intake import new_chunks
from hmlr.memory.leasing import Leasing
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.records import DayLimit, UserId
from hmlr.settings import Settings
from hmlr.store.port import Store

if TYPE_CHECKING:
    from hmlr.llm.model import GatewayModel
    from hmlr.store.postgres.settings import Reach

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
    opened_model: GatewayModel | None  # None: rules, or a model that was handed in
    clock: Clock
    leasing: Leasing
    foreground: Foreground = field(default_factory=Foreground)
    day_book: StoredDayBook | None = None  # of the opened model
    shared: bool = False  # somebody else closes them

    def for_user(self, user: UserId, day_limit: DayLimit | None = None) -> Services:
        """The same resources for another user, whose calls are counted as theirs, within the limit if any."""
        opened = self.opened_model.for_user(user, day_limit) if self.opened_model is not None else None
        runner = TaskRunner(opened) if opened is not None else self.runner
        leasing = Leasing(self.store, self.clock)
        return replace(self, runner=runner, opened_model=opened, leasing=leasing, shared=True)

    async def aclose(self) -> None:
        """Give leases back, close the model's connections and the embedder, then the store with its queued
        writes.
        """
        await self.leasing.aclose()
        if self.shared:
            return
        if self.opened_model is not None:
            await self.opened_model.aclose()
        if self.day_book is not None:
            await self.day_book.aclose()
        await self.embedding.aclose()
        await self.lattice.aclose()
        await self.store.aclose()


async def open_services(
    settings: Settings,
    *,
    model: Model | str | None = None,
    llm: LLMSettings | None = None,
    embedder: EmbedderSpec | None = None,
    clock: Clock = utc_now,
) -> Services:
    """Open the database and what works on it; nothing heavy is loaded before its first use.

    Raises ConfigurationError for a model or embedder that does not exist, StorageError for the database.
    """
    opened: GatewayModel | None = None
    if model is None or isinstance(model, str):
        opened = await asyncio.to_thread(_open_model, model or settings.model, llm, settings.user)
    spec = embedder or embedder_spec(settings.embedder, settings.cache)
    store = await open_store(settings)
    day_book: StoredDayBook | None = None
    if opened is not None:
        day_book = opened.gateway.sender.day_book = StoredDayBook(store, clock)

    def service(spec: EmbedderSpec | None) -> EmbeddingService:
        return EmbeddingService(
            spec, timeout_s=settings.embed_timeout_s, batch_timeout_s=settings.embed_batch_timeout_s
        )

    embedding = service(spec)
    return Services(
        settings=settings,
        store=store,
        embedding=embedding,
        lattice=Lattice(
            store,
            embedding,
            lambda model_id: service(spec_of(model_id, settings.cache)),
            max_index_bytes=settings.search_memory_mb * 1_000_000,
        ),
        runner=TaskRunner(opened if model is None or isinstance(model, str) else model),
        opened_model=opened,
        clock=clock,
        leasing=Leasing(store, clock),
        day_book=day_book,
    )


async def open_store(settings: Settings, *, build: bool = True) -> Store:
    """The database that the settings name; each kind is imported where it is used.

    Without `build` a server's database that holds no memory is refused and left as it is.
    """
    if settings.database_url is not None:
        from hmlr.store.postgres.store import open_postgres

        return await open_postgres(_reach(settings, settings.database_url), slicer=new_chunks, build=build)
    from hmlr.store.sqlite.store import open_sqlite

    return await open_sqlite(
        settings.database,
        slicer=new_chunks,
        durability=settings.durability,
        busy_timeout_s=settings.busy_timeout_s,
    )


def _reach(settings: Settings, url: str) -> Reach:
    from hmlr.store.postgres.settings import Reach

    return Reach(
        url=url,
        pool_size=settings.pool_size,
        pool_timeout_s=settings.pool_timeout_s,
        lock_timeout_s=settings.lock_timeout_s,
        call_timeout_s=settings.call_timeout_s,
        durability=settings.durability,
    )


async def open_errands(services: Services) -> Errands:
    """The workers' queues of the database; the caller closes them. MissingPackage, StorageUnreachable."""
    settings = services.settings
    if settings.database_url is None:
        return TableErrands(services.store, services.clock)
    from hmlr.errands.on_procrastinate import open_procrastinate

    reach = _reach(settings, settings.database_url)
    return await open_procrastinate(reach, services.store, services.clock, lease_s=settings.worker_lease_s)


def _open_model(model: str, llm: LLMSettings | None, user: str) -> GatewayModel | None:
    """The model that is named, or whose provider has a key; None is the offline provider."""
    if model == OFFLINE:  # whatever is wrong with the models' settings, rules need none
        return None
    llm = llm or LLMSettings.load()
    chosen = chosen_model(model, llm)
    if chosen == OFFLINE:
        return None
    # Imported here: HTTP takes long to import, and rules never need it.
    from hmlr.llm.model import GatewayModel
    from hmlr.llm.opening import open_gateway

    return GatewayModel(open_gateway(chosen, llm), user)
