"""Many turns, a page at a time: a list of all of them would hold up every thread when it is let go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from hmlr.records import Turn, UserId
from hmlr.store.port import TurnStore
from hmlr.store.records import TurnQuery

PAGE = 500


async def pages(store: TurnStore, user: UserId, query: TurnQuery) -> AsyncIterator[list[Turn]]:
    """The turns of an ascending query without a limit, `PAGE` at a time; each page is a read of its own."""
    while page := await store.turns(user, replace(query, limit=PAGE)):
        yield page
        if len(page) < PAGE:
            return
        query = replace(query, after_seq=page[-1].seq)
