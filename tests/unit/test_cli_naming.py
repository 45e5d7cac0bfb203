"""Beginnings of ids, and "me"."""

from __future__ import annotations

from typing import Any, cast

import pytest

from hmlr.cli.call import CommandError
from hmlr.cli.naming import block_id, fact_id, owner, turn_id
from hmlr.client import HMLRClient
from tests.unit.making import block, fact, turn

pytestmark = pytest.mark.anyio
IDS = ("0193aaaa-1111", "0193aaaa-2222", "beef0123-3333")


class _Known:
    async def facts(self, **_: Any) -> list[Any]:
        return [fact("x", fact_id=each) for each in IDS]

    async def turns(self) -> list[Any]:
        return [turn("x", turn_id=each) for each in IDS]

    async def blocks(self) -> list[Any]:
        return [block("x", block_id=each) for each in IDS]


KNOWN = cast("HMLRClient", _Known())


@pytest.mark.parametrize("resolve", [fact_id, turn_id, block_id])
async def test_a_unique_beginning_is_enough(resolve: Any):
    assert await resolve(KNOWN, "beef01") == "beef0123-3333"
    assert await resolve(KNOWN, "0193aaaa-2") == "0193aaaa-2222"


@pytest.mark.parametrize("resolve", [fact_id, turn_id, block_id])
async def test_an_ambiguous_beginning_is_refused_with_the_ids(resolve: Any):
    with pytest.raises(CommandError, match="0193aaaa-1111, 0193aaaa-2222"):
        await resolve(KNOWN, "0193aaaa")


@pytest.mark.parametrize("given", ["beef0", "nosuch", "cafe0123", "0193aaaa-1111-4444-5555-666666666666"])
async def test_what_begins_nothing_is_left_as_it_is(given: str):
    assert await fact_id(KNOWN, given) == given


def test_me_is_the_owner():
    assert [owner(name) for name in ("me", "Me", "myself", "Ada", None)] == [
        "user",
        "user",
        "user",
        "Ada",
        None,
    ]
