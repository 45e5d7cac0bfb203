"""Which model's vectors answer a user's questions while those of another model are being made."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.records import UserId
from hmlr.store.port import SearchStore

# Opens a model by the id under which its vectors are stored; it is loaded when first asked for anything.
Opener = Callable[[str], EmbeddingService]
MAX_USERS = 1024  # one that is gone is found out again by one read


@dataclass(frozen=True, kw_only=True)
class Served:
    """The model by whose vectors a user's questions are answered."""

    by: EmbeddingService
    former_failed: str = ""  # why it is not the former model, though its set is the larger one


class Serving:
    """The configured model's vectors answer once there is one wherever the former model has one.

    Until then the former model's do, whole, and questions are asked by that model. When it can't be loaded,
    the configured one answers with the vectors there are; words find the rest.
    """

    def __init__(self, store: SearchStore, embedding: EmbeddingService, opener: Opener) -> None:
        self._store = store
        self._embedding = embedding
        self._opener = opener
        self._formers: dict[str, EmbeddingService] = {}
        self._served: OrderedDict[UserId, Served] = OrderedDict()
        self._finding = asyncio.Lock()

    async def of(self, user: UserId) -> Served:
        """What answers the user now. Raises StorageError and StorageBusy."""
        served = self._served.get(user)
        if served is not None:
            return served
        async with self._finding:
            if user not in self._served:
                self._keep(user, await self._find(user))
            return self._served[user]

    async def complete(self, user: UserId) -> bool:
        """Whether the configured model has a vector wherever another has one."""
        model_id, served = self._embedding.model_id, await self.of(user)
        if model_id is None or not self._changing(served):
            return True
        return await self._store.former_model(user, model_id) is None

    async def advance(self, user: UserId, before: Callable[[], Awaitable[None]]) -> None:
        """Go over to the configured model if its set has become complete; `before` is done first."""
        if self._changing(await self.of(user)) and await self.complete(user):
            await before()
            self._keep(user, Served(by=self._embedding))

    async def aclose(self) -> None:
        """Close the former models; the configured one belongs to who opened it."""
        for former in self._formers.values():
            await former.aclose()

    def _changing(self, served: Served) -> bool:
        return served.by is not self._embedding or bool(served.former_failed)

    def _keep(self, user: UserId, served: Served) -> None:
        self._served[user] = served
        self._served.move_to_end(user)
        while len(self._served) > MAX_USERS:
            self._served.popitem(last=False)

    async def _find(self, user: UserId) -> Served:
        model_id = self._embedding.model_id
        former_id = None if model_id is None else await self._store.former_model(user, model_id)
        if former_id is None:
            return Served(by=self._embedding)
        former = self._formers.get(former_id)
        if former is None:
            former = self._formers[former_id] = self._opener(former_id)
        try:
            await former.embed([])  # loads it
        except EmbedderError as error:
            return Served(by=self._embedding, former_failed=f"{former_id}: {error}")
        return Served(by=former)
