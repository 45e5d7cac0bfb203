"""The store's contract. Every adapter passes `tests/store`.

- The user is the first argument of every call that touches memories, and nothing of another user is
  ever read, changed or named. An unknown id and a foreign one are the same NotFound.
- A write that returns is durable: it survives kill and power loss. A write that raises stored nothing,
  or, when the outcome is unknown, can be repeated with the same idempotency key without harm.
- A cancelled call has happened wholly or not at all, and leaves no transaction open.
- Errors are those of `hmlr.errors`: StorageBusy, StorageFull, StorageCorrupt, StorageReadOnly,
  SchemaTooNew, ClosedError; InvalidInput, NotFound and Conflict where said. Nothing of the driver escapes.
- Safe for concurrent calls of one event loop; several stores in several processes may share a database.
"""

from __future__ import annotations

from typing import Protocol

from hmlr.store.port.care import AccessStore, CareStore, ExportRecord, MoveStore
from hmlr.store.port.memories import KnowledgeStore, SearchStore, TurnStore
from hmlr.store.port.work import GardenStore, JobStore, SpendingStore, WorkStore

__all__ = [
    "AccessStore",
    "CareStore",
    "ExportRecord",
    "GardenStore",
    "JobStore",
    "KnowledgeStore",
    "MoveStore",
    "SearchStore",
    "SpendingStore",
    "Store",
    "TurnStore",
    "WorkStore",
]


class Store(
    TurnStore,
    SearchStore,
    KnowledgeStore,
    GardenStore,
    JobStore,
    WorkStore,
    SpendingStore,
    CareStore,
    AccessStore,
    MoveStore,
    Protocol,
):
    """A store that is open; see the module docstring."""

    async def aclose(self) -> None:
        """Finish running writes and close; safe to call twice."""
