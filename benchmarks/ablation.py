"""What each ingredient of search gives: evidence found by the package with one of them off at a time.

    python -m benchmarks.ablation FILE... [--every N]

Files are those of `bench`. Each conversation is taken in once as `bench` does it, and once more with its
paragraphs not joined; then its questions are asked for each variant. An ingredient is switched off by its
constant, for the time of a variant. Prints a Markdown table: the evidence among the first ten messages and
inside 2,000 tokens, and below it the difference that each variant makes, bold where its 95 % interval leaves
out 0.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np

from hmlr import HMLRClient, Settings
from hmlr.evaluation.loading import load
from hmlr.evaluation.measures import Figure, figures, shares
from hmlr.evaluation.records import Conversation
from hmlr.evaluation.running import find, opened, remember
from hmlr.memory import chunking
from hmlr.memory.retrieval import lattice, meaning, scoring, signals

BUDGET = 2000
FIRST = 10
MEASURES = ("first 10", f"in {BUDGET:,}")
NOTHING = 1e-6  # of a weight that is divided by
EVERYTHING = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The search with some of its constants changed."""

    name: str
    changes: Mapping[tuple[ModuleType, str], float]
    joined: bool = True  # whether short paragraphs in a row were stored as one

    @contextmanager
    def set(self) -> Iterator[None]:
        """Change the constants meanwhile. AttributeError when one of them is no longer there."""
        with ExitStack() as stack:
            for (module, name), value in self.changes.items():
                stack.enter_context(patch.object(module, name, value))
            yield


def weights(name: str, **values: float) -> Variant:
    """The sum with other weights."""
    return Variant(name=name, changes={(scoring, key): value for key, value in values.items()})


# An ingredient that is off takes no part in picking candidates either. Links weigh a share of the words.
NO_WORDS = {"LEXICAL": NOTHING, "ROUGH_LEXICAL": 0.0}
NO_POOLED = {"POOLED": 0.0, "ROUGH_POOLED": 0.0}
LATE_ALONE: Mapping[tuple[ModuleType, str], float] = {(meaning, "LATE_REACH"): 0}
POOLED_ALONE: Mapping[tuple[ModuleType, str], float] = {(meaning, "POOLED_SHARE"): 0.0}
WORDS_ALONE: Mapping[tuple[ModuleType, str], float] = {(signals, "LEXICAL_REACH"): 0}

VARIANTS = (
    Variant(name="everything", changes={}),
    weights("without late interaction", LATE=0.0),
    weights("… and the weights of a model without it", LATE=0.0, POOLED=12.0, LEXICAL=9.0),
    weights("without pooled vectors", **NO_POOLED),
    weights("without words", **NO_WORDS),
    weights("without any vector (words × 15)", LATE=0.0, LEXICAL=15.0, **NO_POOLED),
    weights("without words and pooled vectors", **NO_WORDS, **NO_POOLED),
    weights("without who", WHO=0.0),
    weights("without when", WHEN=0.0),
    weights("without links", LINKS=0.0),
    weights("without “the first”, “the latest”", ORDER=0.0),
    weights("without “only asks”", ASKS=0.0),
    weights("without “says I”", OF_SELF=0.0),
    Variant(name="late interaction without neighbours", changes=LATE_ALONE),
    Variant(name="pooled vectors without neighbours", changes=POOLED_ALONE),
    Variant(name="words without neighbours", changes=WORDS_ALONE),
    Variant(name="no neighbours at all", changes={**LATE_ALONE, **POOLED_ALONE, **WORDS_ALONE}),
    weights("budget: length is free", LENGTH=0.0),
    weights("budget: a message again is free", AGAIN=0.0),
    weights("budget: both are free", LENGTH=0.0, AGAIN=0.0),
    weights("budget: without standing instructions", STANDING=0.0),
    Variant(name="160 candidates in place of 300", changes={(lattice, "CANDIDATES"): 160}),
    Variant(name="all paragraphs as candidates", changes={(lattice, "CANDIDATES"): EVERYTHING}),
    Variant(name="paragraphs not joined", changes={}, joined=False),
)
ALL = VARIANTS[0].name

Row = list[float]
Rows = dict[str, list[Row]]  # variant -> a row of MEASURES for each question


async def measured(conversation: Conversation, settings: Settings) -> Rows:
    """What each variant finds for the conversation's questions."""
    rows: Rows = {}
    for joined in (True, False):
        variants = [each for each in VARIANTS if each.joined is joined]
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            if not joined:
                stack.enter_context(patch.object(chunking, "JOIN_CHARS", 0))
            async with opened(conversation, settings, Path(folder) / "ablation.db") as hmlr:
                await remember(hmlr, conversation.messages)
                if not await hmlr.flush():
                    raise RuntimeError(f"background work failed on {conversation.name}")
                for variant in variants:
                    print(f"{conversation.name}: {variant.name}", file=sys.stderr, flush=True)
                    with variant.set():
                        rows[variant.name] = [row async for row in _found(hmlr, conversation)]
    return rows


async def _found(hmlr: HMLRClient, conversation: Conversation) -> AsyncIterator[Row]:
    for question in conversation.asked:
        hits = await hmlr.recall(question.text, limit=FIRST)
        if hits.degraded:
            raise RuntimeError(f"search was degraded: {'; '.join(hits.degraded)}")
        found = await find(hmlr, question.text, hits, [BUDGET])
        got = (found.messages, found.inside[BUDGET])
        yield [shares(question.evidence, each)[2] for each in got]


def table(sets: Mapping[str, Rows]) -> Iterable[str]:
    """The lines of the table: two columns for each set."""
    yield "| | " + " | ".join(f"{kind} {measure}" for kind in sets for measure in MEASURES) + " |"
    yield "|---|" + "---:|" * len(sets) * len(MEASURES)
    for variant in VARIANTS:
        cells = [cell for rows in sets.values() for cell in _cells(rows, variant.name)]
        yield f"| {variant.name} | " + " | ".join(cells) + " |"


def _cells(rows: Rows, variant: str) -> Iterable[str]:
    of_all, own = np.array(rows[ALL]), np.array(rows[variant])
    if variant == ALL:
        return [f"{figure.mean:.1f}" for figure in figures(own, MEASURES).values()]
    return [_difference(figure) for figure in figures(own - of_all, MEASURES).values()]


def _difference(figure: Figure) -> str:
    told = f"{figure.mean:+.1f}".replace("-", "−")
    if told in ("+0.0", "−0.0"):
        return "0"
    return f"**{told}**" if figure.low > 0 or figure.high < 0 else told


def _some(conversation: Conversation, every: int) -> Conversation:
    return replace(conversation, questions=conversation.asked[::every])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1, help="ask every Nth question only")
    options = parser.parse_args(arguments)
    # Nothing is timed here: a program that holds the machine up must not leave a question to its words.
    settings = Settings.load(model="offline", embed_timeout_s=3600)
    sets: dict[str, Rows] = defaultdict(lambda: {variant.name: [] for variant in VARIANTS})
    for conversation in load(options.files):
        for name, rows in asyncio.run(measured(_some(conversation, options.every), settings)).items():
            sets[conversation.kind][name] += rows
    print("\n".join(table(sets)))
    counts = ", ".join(f"{kind} {len(rows[ALL])}" for kind, rows in sets.items())
    print(f"\nQuestions: {counts}.")


if __name__ == "__main__":
    main()
