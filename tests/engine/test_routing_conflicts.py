"""Two processes that route turns of one user at a time: each decides again until both are routed."""

from __future__ import annotations

import asyncio

from hmlr import HMLRClient
from hmlr.errors import Conflict
from hmlr.records import UserId
from hmlr.store.port import Store
from hmlr.testing import hash_embedder
from tests.opening import Place


async def test_a_turn_is_routed_however_often_another_process_was_first(database: Place) -> None:
    async with HMLRClient(database, user_id="ada", model="offline", embedder=hash_embedder()) as hmlr:
        store = hmlr._member.services.store
        refuse = Refusing(store, 6)
        reply = await hmlr.chat("The harbour walk takes two hours.")
    assert refuse.left == 0
    assert reply.degraded == ()
    assert reply.block_id is not None


async def test_eight_at_once_from_two_processes_are_all_routed(database: Place) -> None:
    async with (
        HMLRClient(database, user_id="ada", model="offline", embedder=hash_embedder()) as one,
        HMLRClient(database, user_id="ada", model="offline", embedder=hash_embedder()) as two,
    ):
        talks = [each.chat(f"Walk {number} was long.") for number in range(4) for each in (one, two)]
        replies = await asyncio.gather(*talks)
    assert [reply.degraded for reply in replies] == [()] * 8


class Refusing:
    """The store finds the block changed so many times."""

    def __init__(self, store: Store, times: int) -> None:
        self.left = times
        self._apply = store.apply
        store.apply = self.apply  # type: ignore[method-assign]

    async def apply(self, user: UserId, changes: object, **options: object) -> None:
        if self.left:
            self.left -= 1
            raise Conflict("the block has changed since")
        await self._apply(user, changes, **options)  # type: ignore[arg-type]
