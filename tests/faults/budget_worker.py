"""A process that gardens a memory by a model, until it is done, stopped by its budget, or killed.

Usage: budget_worker.py DATABASE URL DAILY_CALLS MINUTES. The clock goes from so many minutes after the
tests' start, so that leases of a process that was killed before are over. Says "ready", then "done" and why
it stopped.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from hmlr import HMLRClient
from hmlr.llm.settings import LLMSettings
from hmlr.settings import Settings
from tests.faults.doors import Clock

MODEL = "openai:scripted"


def asking(
    path: Path, url: str, *, clock: Clock | None = None, prices: Any = None, **limits: float
) -> HMLRClient:
    """A client on the scripted server, with these limits of the day."""
    given = {"openai_base_url": url, "attempts": 1, **limits}
    return HMLRClient(
        settings=Settings.load(db_path=str(path), embedder="none", model=MODEL),
        llm=LLMSettings.load(**given, **({"prices": prices} if prices else {})),
        user_id="ada",
        clock=clock or Clock(),
    )


async def main(path: Path, url: str, calls: int, minutes: int) -> None:
    clock = Clock()
    clock.forward(60 * minutes)
    async with asking(path, url, clock=clock, daily_calls=calls) as hmlr:
        print("ready", flush=True)
        report = await hmlr.garden()
        print(f"done {report.stopped}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
