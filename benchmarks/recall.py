"""Recall on LoCoMo conversations: HMLR beside plain BM25 and plain MiniLM, on the same questions.

    python -m benchmarks.recall FILE.json [--k 10] [--embedder minilm|none]

Reads the file by path; nothing of it is kept. One message is one turn; figures are shares of the evidence
turns among the first k: any of them, all of them, and the mean fraction.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.locomo_to_jsonl import conversations, messages
from hmlr import HMLRClient, Message, Settings
from hmlr.language.tokens import terms
from hmlr.memory.embeddings import EmbeddingService, embedder_spec


@dataclass(frozen=True)
class Conversation:
    """Messages by session, and questions with the ids of their evidence."""

    name: str
    sessions: list[tuple[str, list[Message]]]
    questions: list[tuple[str, frozenset[str]]]

    @property
    def messages(self) -> list[Message]:
        """All messages in order."""
        return [message for _, messages in self.sessions for message in messages]


@dataclass
class Score:
    """Sums over questions."""

    any: int = 0
    all: int = 0
    fraction: float = 0.0
    count: int = 0

    def add(self, found: Sequence[str], evidence: frozenset[str]) -> None:
        """Count one question."""
        share = len(evidence & set(found)) / len(evidence)
        self.any += share > 0
        self.all += share == 1
        self.fraction += share
        self.count += 1

    def __str__(self) -> str:
        n = max(self.count, 1)
        return f"{100 * self.any / n:5.1f} {100 * self.all / n:5.1f} {100 * self.fraction / n:5.1f}"


def load(path: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file; questions without evidence are left out."""
    data = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for (name, conversation), sample in zip(conversations(data, path.stem), _samples(data), strict=True):
        sessions: dict[str, list[Message]] = {}
        for row in messages(conversation):
            said = Message(
                content=str(row["content"]),
                speaker=str(row["speaker"]),
                occurred_at=datetime.fromisoformat(str(row["occurred_at"])),
                metadata=dict(row["metadata"]),  # type: ignore[call-overload]
            )
            sessions.setdefault(str(row["session_id"]), []).append(said)
        known = {str(message.metadata["id"]) for each in sessions.values() for message in each}
        questions = [
            (str(item["question"]), evidence) for item in sample["qa"] if (evidence := _evidence(item, known))
        ]
        found.append(Conversation(name, list(sessions.items()), questions))
    return found


def _samples(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _evidence(item: dict[str, Any], known: set[str]) -> frozenset[str]:
    ids = [part for each in item.get("evidence", []) for part in str(each).replace(";", " ").split()]
    return frozenset(each for each in ids if each in known)


class Bm25:
    """Plain BM25 over "speaker: text", stemmed, stop words out."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.docs = [Counter(terms(text)) for text in texts]
        self.lengths = [sum(doc.values()) for doc in self.docs]
        self.mean = sum(self.lengths) / max(len(texts), 1)
        self.df = Counter(term for doc in self.docs for term in doc)

    def rank(self, question: str, k: int) -> list[int]:
        """Numbers of the best k texts."""
        n = len(self.docs)
        scores = [0.0] * n
        for term in set(terms(question)):
            idf = math.log(1 + (n - self.df[term] + 0.5) / (self.df[term] + 0.5))
            for number, doc in enumerate(self.docs):
                if tf := doc.get(term, 0):
                    norm = 1.2 * (0.25 + 0.75 * self.lengths[number] / self.mean)
                    scores[number] += idf * tf * 2.2 / (tf + norm)
        return sorted(range(n), key=lambda number: -scores[number])[:k]


async def measure(conversation: Conversation, k: int, settings: Settings) -> dict[str, Score]:
    """Scores of each method on one conversation."""
    scores = {"hmlr": Score(), "bm25": Score(), "minilm": Score()}
    messages = conversation.messages
    ids = [str(message.metadata["id"]) for message in messages]
    texts = [f"{message.speaker}: {message.content}" for message in messages]
    bm25 = Bm25(texts)
    service = EmbeddingService(embedder_spec("minilm", settings.cache))
    vectors = await service.embed(texts)
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(Path(folder) / "b.db", "bench", settings=settings) as hmlr:
            start = time.perf_counter()
            for session_id, said in conversation.sessions:
                await hmlr.remember(said, session_id=session_id)
            stored = time.perf_counter() - start
            await hmlr.flush()
            done = time.perf_counter() - start
            seconds = 0.0
            for question, evidence in conversation.questions:
                start = time.perf_counter()
                hits = await hmlr.recall(question, limit=k)
                seconds += time.perf_counter() - start
                scores["hmlr"].add([str(hit.metadata["id"]) for hit in hits], evidence)
                scores["bm25"].add([ids[number] for number in bm25.rank(question, k)], evidence)
                query = (await service.embed([question]))[0]
                best = np.argsort(-(vectors @ query), kind="stable")[:k]
                scores["minilm"].add([ids[number] for number in best], evidence)
    await service.aclose()
    print(
        f"{conversation.name}: {len(messages)} messages stored in {stored:.1f} s, digested in {done:.1f} s; "
        f"{len(conversation.questions)} questions, {1000 * seconds / len(conversation.questions):.1f} ms each"
    )
    return scores


async def main() -> None:
    """Measure every conversation and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--embedder", default="minilm")
    options = parser.parse_args()
    settings = Settings.load(embedder=options.embedder)
    totals = {"hmlr": Score(), "bm25": Score(), "minilm": Score()}
    for conversation in load(options.file):
        for name, score in (await measure(conversation, options.k, settings)).items():
            print(f"  {name:8} {score}")
            total = totals[name]
            total.any += score.any
            total.all += score.all
            total.fraction += score.fraction
            total.count += score.count
    print(f"all, {totals['hmlr'].count} questions, turn level @{options.k}:   any   all  fraction")
    for name, score in totals.items():
        print(f"  {name:8} {score}")


if __name__ == "__main__":
    asyncio.run(main())
