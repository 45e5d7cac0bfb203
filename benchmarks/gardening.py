"""Gardening many users with a slow model: wall time beside what the calls alone would take, and memory.

    python -m benchmarks.gardening [--users 20] [--blocks 50] [--delay 0.2] [--concurrency 8]

The blocks are made by chance (tests/gardens.py), five facts in four of five blocks; every answer of the model
takes so long and gives way to the rule, so that the calls are those of a real run.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
from collections import Counter
from pathlib import Path

from hmlr import HMLRClient
from hmlr.settings import Settings
from hmlr.testing import ScriptedModel, hash_embedder
from tests.gardens import sow


async def main(users: int, blocks: int, delay_s: float, concurrency: int) -> None:
    """Sow, garden, tell."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        for number in range(users):
            await sow(path, blocks, user=f"user{number}")
        settings = Settings.load(db_path=str(path))
        model = ScriptedModel({"tag_classification": {"tags": [], "section_rules": []}}, delay_s=delay_s)
        async with HMLRClient(
            settings=settings, user_id="user0", model=model, embedder=hash_embedder()
        ) as hmlr:
            plan = await hmlr.garden(dry_run=True, all_users=True)
            report = await hmlr.garden(all_users=True, concurrency=concurrency)
        calls = Counter(request.task for request in model.requests)
    ideal = sum(calls.values()) * delay_s / concurrency
    done = report.done
    print(f"{done.blocks} blocks, {done.facts} facts, {done.created} dossiers, {report.pending} left")
    print(f"{sum(calls.values())} calls, expected {plan.expected.calls}; {dict(calls)}")
    tokens = plan.expected
    print(
        f"per block: {sum(calls.values()) / done.blocks:.1f} calls, "
        f"{tokens.input_tokens / done.blocks:.0f} tokens in, {tokens.output_tokens / done.blocks:.0f} out"
    )
    print(f"{report.seconds:.1f} s; calls alone {ideal:.1f} s; ratio {report.seconds / ideal:.2f}")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=50)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, default=8)
    given = parser.parse_args()
    asyncio.run(main(given.users, given.blocks, given.delay, given.concurrency))
