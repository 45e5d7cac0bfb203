"""Many users' memories, open side by side."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import ClosedError, InvalidInput
from hmlr.integrations.memories import Memories

pytestmark = pytest.mark.anyio


async def test_a_memory_is_opened_once_and_stays_open(hmlr: HMLRClient):
    async with Memories(hmlr) as memories:
        async with memories.of("bob") as first, memories.of("bob") as second:
            assert first is second
        async with memories.of("bob") as later:
            assert later is first
    with pytest.raises(ClosedError):
        await first.turns()


async def test_the_one_used_longest_ago_is_closed_and_opened_again(hmlr: HMLRClient):
    async with Memories(hmlr, keep=2) as memories:
        clients = {}
        for user in ("bob", "eve", "bob", "kim"):
            async with memories.of(user) as clients[user]:
                await clients[user].remember([Message(content=f"I am {user}.")])
        assert await clients["bob"].turns()
        with pytest.raises(ClosedError):
            await clients["eve"].turns()
        async with memories.of("eve") as again:
            assert len(await again.turns()) == 1


async def test_a_memory_in_use_is_not_closed(hmlr: HMLRClient):
    async with Memories(hmlr, keep=1) as memories, memories.of("bob") as bob:
        for user in ("eve", "kim"):
            async with memories.of(user):
                pass
        await bob.remember([Message(content="I am here.")])
        async with memories.of("bob") as same:
            assert same is bob
        assert len(await bob.turns()) == 1


async def test_to_keep_none_open_makes_no_sense(hmlr: HMLRClient):
    with pytest.raises(InvalidInput, match="keep must be 1 or more"):
        Memories(hmlr, keep=0)


async def test_a_wrong_user_is_refused_and_the_others_go_on(hmlr: HMLRClient):
    async with Memories(hmlr) as memories:
        with pytest.raises(InvalidInput, match="user id"):
            async with memories.of(" "):
                pass
        async with memories.of("bob") as bob:
            assert await bob.turns() == []
