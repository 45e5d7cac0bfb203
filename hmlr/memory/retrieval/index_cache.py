"""The indexes of the users seen last, kept up to date; a large one is read beside its first answers."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from typing import Any

from hmlr.errors import HMLRError
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.partial import partial_index
from hmlr.records import ChunkId, UserId
from hmlr.store.port import SearchStore
from hmlr.store.search_records import IndexNews
from hmlr.threads import unless_brief

logger = logging.getLogger(__name__)

BRIEF_ROWS = 16  # of a turn or two
# Beyond so many paragraphs the database is asked to find vectors by itself, where it can: reading all of them
# takes longer than the first answer may.
LARGE = 100_000
LATEST = 500  # paragraphs of a part that answers until all are read


class IndexCache:
    """Indexes of the users seen last, brought up to date from the store before every use."""

    def __init__(self, store: SearchStore, *, max_bytes: int) -> None:
        """So much memory may be taken; the index that was used last stays, whatever it takes."""
        self._store = store
        self._max_bytes = max_bytes
        self._indexes: OrderedDict[UserId, UserIndex] = OrderedDict()
        self._sizes: dict[UserId, int] = {}  # bytes
        self._held_bytes = 0
        self._locks: dict[UserId, asyncio.Lock] = {}
        self._reading: dict[UserId, asyncio.Task[None]] = {}
        self._indexing: dict[UserId, asyncio.Task[None]] = {}

    async def fresh(self, user: UserId, model_id: str | None, since: float | None = None) -> UserIndex:
        """The user's index as of now, with what other processes wrote and the vectors of that model.

        What was read after the moment `since`, of the event loop's clock, is fresh enough.
        Of a large memory that is not read yet a part, its latest paragraphs, while it is read.
        """
        async with self._locks.setdefault(user, asyncio.Lock()):
            index = self._indexes.get(user)
            begun = asyncio.get_running_loop().time()
            known = index is not None and index.model_id == model_id
            if index is not None and known and since is not None and index.read_at >= since:
                return index
            if index is None or not known or not await self._follow(user, index):
                if model_id is not None and await self._store.finds_vectors(user, model_id):
                    self._start(self._reading, user, self._read(user, model_id))
                    return await self.part(user, model_id)
                index = await self._whole(user, model_id)
            index.read_at = begun
            self._keep(user, index)
            return index

    async def part(self, user: UserId, model_id: str, chunk_ids: Sequence[ChunkId] = ()) -> UserIndex:
        """The latest paragraphs and these, with what stands around them."""
        latest, extent = await asyncio.gather(
            self._store.latest_chunks(user, LATEST), self._store.extent(user)
        )
        read = await self._store.part(user, model_id, [*latest, *chunk_ids])
        return await asyncio.to_thread(partial_index, model_id, read, extent, latest)

    async def aclose(self) -> None:
        """End what goes on in the background; the next process begins it again."""
        tasks = [*self._reading.values(), *self._indexing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, user: UserId, model_id: str) -> None:
        """Read a large memory whole, beside those who ask meanwhile."""
        index = await self._whole(user, model_id)
        async with self._locks.setdefault(user, asyncio.Lock()):
            self._keep(user, index)

    async def _whole(self, user: UserId, model_id: str | None) -> UserIndex:
        """An index of all there is; begun again when rows go while it is read."""
        while True:
            index = UserIndex(model_id=model_id)
            if await self._follow(user, index):
                return index

    async def _follow(self, user: UserId, index: UserIndex) -> bool:
        """Bring an index up to date; False when rows have gone, and all has to be read again."""
        more = True
        while more:
            news = await self._store.index_news(user, index.model_id, index.state)
            if news.columns is None:
                return False
            try:
                await self._extend(index, news)
            except BaseException:  # or what it has taken already would be taken again
                self._drop(user)
                raise
            more = news.more
        return True

    def _keep(self, user: UserId, index: UserIndex) -> None:
        self._indexes[user] = index
        self._indexes.move_to_end(user)
        held = index.held_bytes
        self._held_bytes += held - self._sizes.get(user, 0)
        self._sizes[user] = held
        while self._held_bytes > self._max_bytes and len(self._indexes) > 1:
            gone = next(iter(self._indexes))
            self._drop(gone)
            self._locks.pop(gone, None)
        count = index.vectors.count
        if index.model_id is not None and count > max(LARGE, index.offered * 11 // 10):
            self._start(self._indexing, user, self._offer(user, index, index.model_id))

    def _drop(self, user: UserId) -> None:
        if self._indexes.pop(user, None) is not None:
            self._held_bytes -= self._sizes.pop(user)

    async def _offer(self, user: UserId, index: UserIndex, model_id: str) -> None:
        count = index.vectors.count
        taken = await self._store.index_vectors(user, model_id)
        index.offered = count
        if taken:
            logger.info("the database finds vectors of a large memory by itself", extra={"vectors": taken})

    def _start(
        self, running: dict[UserId, asyncio.Task[None]], user: UserId, work: Coroutine[Any, Any, None]
    ) -> None:
        """Run in the background, one at a time for a user; what fails is begun anew by the next question."""
        if user in running:
            work.close()
            return

        async def run() -> None:
            try:
                await work
            except HMLRError as error:
                logger.warning("a large memory could not be read: %s", type(error).__name__)
            finally:
                running.pop(user, None)

        running[user] = asyncio.create_task(run(), name="hmlr-large-memory")

    async def _extend(self, index: UserIndex, news: IndexNews) -> None:
        """Take what is new; the store's own high-water marks say how far it goes, not counts of rows."""
        columns, batch = news.columns, news.vectors
        if columns is not None:
            count = len(columns.chunk_ids)
            await unless_brief(count <= BRIEF_ROWS and index.has_room(count), index.append, columns)
        if batch is not None and len(batch.vector_nos):
            rows, found = index.rows_of(batch.chunk_ids)
            brief = len(rows) <= BRIEF_ROWS and index.vectors.has_room(index.n, batch.encoded)
            await unless_brief(brief, index.vectors.put, index.n, rows, found, batch.encoded)
        index.state = news.state
