"""Work that tells how far it is: its events, and what happens to it when nobody listens any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing

import pytest

from hmlr.errors import Conflict
from hmlr.garden_records import GardenProgress
from hmlr.records import Usage
from hmlr.server.memory.streams import Told

Tell = Callable[[GardenProgress], None]


async def events(work: Callable[[Tell], object]) -> list[tuple[str, dict[str, object]]]:
    """All events, by name."""
    told = Told(GardenProgress, Usage)
    found = [each.decode().strip().split("\n") async for each in told.events(work, "r1")]  # type: ignore[arg-type]
    return [(name[len("event: ") :], json.loads(data[len("data: ") :])) for name, data in found]


async def test_progress_comes_before_the_report() -> None:
    async def work(tell: Tell) -> Usage:
        tell(GardenProgress(done=0, total=1))
        await asyncio.sleep(0)
        tell(GardenProgress(done=1, total=1))
        return Usage(calls=3)

    *steps, (name, report) = await events(work)
    assert steps == [("progress", {"done": number, "total": 1}) for number in (0, 1)]
    assert (name, report["calls"]) == ("report", 3)


async def test_a_failure_is_the_last_event() -> None:
    async def work(tell: Tell) -> Usage:
        raise Conflict("it changed meanwhile")

    ((name, body),) = await events(work)
    assert name == "error"
    assert body["error"]["code"] == "Conflict"  # type: ignore[index]
    assert body["error"]["request_id"] == "r1"  # type: ignore[index]


async def test_work_ends_when_the_client_goes_away() -> None:
    ended = asyncio.Event()

    async def work(tell: Tell) -> Usage:
        tell(GardenProgress(done=0, total=1))
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError("it went on")

    async with aclosing(Told(GardenProgress, Usage).events(work, "r1")) as stream:
        assert b"progress" in await anext(stream)
    assert ended.is_set()


async def test_a_bug_is_not_hidden() -> None:
    async def work(tell: Tell) -> Usage:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await events(work)
