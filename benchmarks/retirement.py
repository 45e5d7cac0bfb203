"""How precisely facts are retired: pairs of messages, told through the public door, offline.

    python -m benchmarks.retirement [--pairs 400] [--show] [--dev]

Each pair is a memory of its own. A fact of the first messages that no longer holds after the last counts as
retired. Precision: of the facts retired, how many should be. Recall: of the values that should be retired,
how many are, with nothing active left of them. `--show` prints what went wrong; `--dev` leaves the held-out
templates out of that. See `benchmarks/retirement_pairs.py` for the classes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.retirement_pairs import Pair, pairs
from hmlr import HMLRClient, Message
from hmlr.records import Fact
from hmlr.testing import hash_embedder

FIRST = datetime(2025, 3, 2, 9, tzinfo=UTC)
STEP = timedelta(days=2)
AT_ONCE = 8  # memories: they wait for the disk together


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one pair."""

    pair: Pair
    learned: bool  # the first messages gave a fact that was active before the last
    right: int  # values that should be retired and are
    wrong: int  # facts retired that should not be
    missed: int  # values that should be retired and are not, or were never learned


@dataclass(frozen=True, kw_only=True)
class Score:
    """Precision and recall over pairs."""

    pairs: int
    learned: int
    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Of what was retired, the share that should be; 1 when nothing was."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of what should be retired, the share that is; 1 when nothing should."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def score(outcomes: Iterable[Outcome]) -> Score:
    """The outcomes together."""
    kept = list(outcomes)
    return Score(
        pairs=len(kept),
        learned=sum(each.learned for each in kept),
        right=sum(each.right for each in kept),
        wrong=sum(each.wrong for each in kept),
        missed=sum(each.missed for each in kept),
    )


async def measure(count: int, seed: int = 5) -> list[Outcome]:
    """Tell so many pairs, each to a user of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(
            Path(folder) / "pairs.db", "operator", model="offline", embedder=hash_embedder()
        ) as host:
            places = asyncio.Semaphore(AT_ONCE)

            async def one(number: int, pair: Pair) -> Outcome:
                async with places:
                    return await _tell(host, pair, number)

            return await asyncio.gather(*(one(*each) for each in enumerate(pairs(count, seed))))


async def _tell(host: HMLRClient, pair: Pair, number: int) -> Outcome:
    async with host.as_user(f"pair-{number}") as hmlr:
        texts = (*pair.first, pair.then)
        said = [Message(content=text, occurred_at=FIRST + STEP * day) for day, text in enumerate(texts)]
        first = await hmlr.remember(said[:-1])
        await hmlr.flush(30)
        before = [fact for fact in await hmlr.facts() if fact.turn_id in first.turn_ids]
        await hmlr.remember(said[-1:])
        await hmlr.flush(30)
        after = await hmlr.facts(states=("active", "superseded", "invalidated"))
        return judge(pair, before, [fact for fact in after if fact.turn_id in first.turn_ids])


def judge(pair: Pair, before: Sequence[Fact], after: Sequence[Fact]) -> Outcome:
    """What was active before the last message, and is no longer, against what should be."""
    held = {fact.fact_id for fact in before}
    retired = [fact for fact in after if fact.fact_id in held and fact.state != "active"]
    active = [fact for fact in after if fact.state == "active"]
    right = sum(
        any(_says(fact, value) for fact in retired) and not any(_says(fact, value) for fact in active)
        for value in pair.retires
    )
    wrong = sum(not any(_says(fact, value) for value in pair.retires) for fact in retired)
    return Outcome(
        pair=pair, learned=bool(before), right=right, wrong=wrong, missed=len(pair.retires) - right
    )


def _says(fact: Fact, value: str) -> bool:
    return value.casefold() in fact.value.casefold()


def table(outcomes: Sequence[Outcome]) -> str:
    """Counts and rates by class, then over all, those worked on, and those held out."""
    rows = {kind: [o for o in outcomes if o.pair.kind == kind] for kind in _kinds(outcomes)}
    rows["all"] = list(outcomes)
    rows["worked on"] = [o for o in outcomes if not o.pair.held_out]
    rows["held out"] = [o for o in outcomes if o.pair.held_out]
    lines = [
        "| class | pairs | learned | right | wrong | missed | precision | recall |",
        "|---|" + "--:|" * 7,
    ]
    for name, chosen in rows.items():
        s = score(chosen)
        rates = f"{s.precision:.3f} | {s.recall:.3f}"
        lines.append(f"| {name} | {s.pairs} | {s.learned} | {s.right} | {s.wrong} | {s.missed} | {rates} |")
    return "\n".join(lines)


def _kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(sorted(o.pair.kind for o in outcomes)))


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retirement", description=__doc__)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--dev", action="store_true")
    given = parser.parse_args(arguments)
    outcomes = asyncio.run(measure(given.pairs, given.seed))
    if given.show:
        for each in outcomes:
            if (each.wrong or each.missed or not each.learned) and not (given.dev and each.pair.held_out):
                print(f"{each.pair.kind}: wrong {each.wrong}, missed {each.missed}, learned {each.learned}")
                print(*(f"    {text}" for text in (*each.pair.first, each.pair.then)), sep="\n")
    print(table(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
