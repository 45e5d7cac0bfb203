"""Runs steps on HMLRClient in a process of its own: JSON in on stdin, JSON out on stdout."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from hmlr import HMLRClient, Message
from hmlr.memory.embeddings import EmbedderSpec
from tests.blocking import watch

TIMES = ("occurred_at", "as_of", "known_at", "since", "until")


def plain(value: Any) -> Any:
    """A record as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def timed(options: dict[str, Any]) -> dict[str, Any]:
    """Options with their times parsed."""
    return {
        name: datetime.fromisoformat(value) if name in TIMES and value else value
        for name, value in options.items()
    }


async def run(job: dict[str, Any], *, embedder: EmbedderSpec | None = None) -> list[Any]:
    """Do the steps in order and give their results; with the settings' embedder unless one is given."""
    results = []
    given = {"model": job["model"], "embedder": embedder, **job["client"]}
    async with HMLRClient(job["db"], job["user"], **given) as hmlr:
        for name, given, options in job["steps"]:
            args = [[Message(**timed(each)) for each in given[0]]] if name == "remember" else given
            results.append(plain(await getattr(hmlr, name)(*args, **timed(options))))
        if job["flush"]:
            assert await hmlr.flush(30)
    return results


if __name__ == "__main__":
    watch().activate()  # a blocking call on the event loop ends the scenario
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
