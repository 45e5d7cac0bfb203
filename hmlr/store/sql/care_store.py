"""The part of the store that erases, moves and repairs; what concerns files is the adapter's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from hmlr.records import StoredMessage, UserId
from hmlr.store.care_records import Erased, ErasePlan
from hmlr.store.port import ExportRecord
from hmlr.store.slicing import Slicer
from hmlr.store.sql import care, importing, purging
from hmlr.store.sql import erase as erasing
from hmlr.store.sql import export as exporting
from hmlr.store.sql import turns as turn_rows
from hmlr.store.sql.gate import Gate


class SqlCare:
    """CareStore on a relational database."""

    _gate: Gate
    _slicer: Slicer

    async def messages_containing(self, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
        """See CareStore."""
        return await self._gate.patient.read(user, lambda c: turn_rows.messages_containing(c, user, needles))

    async def erase(self, user: UserId, plan: ErasePlan, *, now: datetime) -> Erased:
        """See CareStore."""
        return await self._gate.patient.write(user, lambda c: erasing.erase(c, user, plan, now))

    async def purge_pending(self) -> bool:
        """See CareStore."""
        return await self._gate.read(None, purging.is_pending)

    async def export(self, user: UserId) -> AsyncGenerator[ExportRecord, None]:
        """See CareStore; one snapshot, held until the iterator is read to its end or closed."""
        snapshot = self._gate.hold(user)
        try:
            for kind, statement in exporting.statements(user):
                async for page in snapshot.pages(statement, exporting.PAGE):
                    for row in page:
                        yield exporting.to_record(kind, row)
        finally:
            await snapshot.close()

    async def import_records(self, user: UserId, records: Sequence[ExportRecord]) -> int:
        """See CareStore. InvalidInput names the first record that can't be taken; none is then."""
        self._gate.check()
        parcel = await asyncio.to_thread(importing.unpack, records, self._slicer)
        return await self._gate.patient.write(user, lambda c: importing.import_parcel(c, user, parcel))

    async def rebuild_search(self) -> int:
        """See CareStore."""
        return await self._gate.patient.write(None, lambda c: care.rebuild(c, self._slicer), alone=True)

    async def drop_knowledge(self, user: UserId) -> None:
        """See CareStore."""
        await self._gate.patient.write(user, lambda c: care.drop_knowledge(c, user))

    async def users(self) -> list[UserId]:
        """See CareStore."""
        return await self._gate.read(None, care.users_here)
