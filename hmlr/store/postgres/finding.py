"""The part of the PostgreSQL store that finds vectors by itself (points.py)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from hmlr.records import ChunkId, UserId
from hmlr.store.postgres import points
from hmlr.store.postgres.gate import PostgresGate
from hmlr.store.sql.index import known_model
from hmlr.store.sql.news import read_vectors

# Vectors taken while the user's writers wait; into an index that is built each takes a millisecond or two.
_FIRST_PAGE, _PAGE = 2000, 100


class PostgresFinding:
    """What SearchStore says of vectors that the database finds."""

    _gate: PostgresGate

    async def finds_vectors(self, user: UserId, model_id: str) -> bool:
        """See SearchStore."""

        def ready(connection: Connection) -> bool:
            number = known_model(connection, model_id)
            return number is not None and points.is_ready(connection, number)

        return await self._gate.read(user, ready)

    async def nearest(
        self, user: UserId, model_id: str, row: NDArray[np.float32], most: int
    ) -> list[ChunkId]:
        """See SearchStore; by an index of the user's own."""

        def nearest(connection: Connection) -> list[ChunkId]:
            number = known_model(connection, model_id)
            if number is None or not points.is_ready(connection, number):
                return []
            return points.nearest(connection, number, row, most)

        return await self._gate.read(user, nearest)

    async def index_vectors(self, user: UserId, model_id: str) -> int:
        """See SearchStore; page by page, under the user's lock: what is forgotten meanwhile is not taken."""
        count = 0
        while taken := await self._gate.patient.write(user, lambda c: _take_page(c, user, model_id)):
            count += taken
        await self._gate.patient.run(lambda _: self._gate.builds.run(user, model_id))
        return count


def _take_page(connection: Connection, user: UserId, model_id: str) -> int:
    """Take some of the vectors that are not there yet; how many."""
    number = known_model(connection, model_id)
    if number is None:
        return 0
    most = _PAGE if points.is_ready(connection, number) else _FIRST_PAGE
    last = points.last_point(connection, number)
    batch = read_vectors(connection, user, model_id, last, most=most)
    if len(batch.chunk_ids):
        points.add_points(connection, number, batch)
    return len(batch.chunk_ids)
