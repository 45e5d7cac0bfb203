"""Makes worker processes by fork: `tests/workers.py` starts this file and says by lines of JSON what.

A child works on a memory through the public door until SIGTERM, with a model that takes its time and gives
way to the rules. Starting Python and importing everything takes seconds, a fork hundredths of one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from typing import Any

import psycopg_pool  # noqa: F401

import hmlr.errands.procrastinate_worker
import hmlr.store.postgres.store  # noqa: F401
from hmlr import HMLRClient
from hmlr.settings import Settings
from hmlr.testing import ScriptedModel, hash_embedder


async def work(job: dict[str, Any]) -> None:
    settings = Settings.load(**job["settings"], embedder="none", model="offline", user="nobody")
    model = ScriptedModel({"tag_classification": {"tags": [], "section_rules": []}}, delay_s=job["delay_s"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with HMLRClient(settings=settings, model=model, embedder=hash_embedder()) as hmlr:
        await hmlr.work(stop=stop, **job["shift"])
    if job.get("calls"):
        with open(job["calls"], "a", encoding="utf-8") as told:
            told.write(f"{len(model.requests)}\n")


def main() -> None:
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children are reaped by themselves
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            asyncio.run(work(json.loads(line)))
            sys.stdout.flush()
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
