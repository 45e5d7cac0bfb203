"""A run: HMLR through its public door, and the baselines, on the same conversations and questions."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from hmlr.client import HMLRClient
from hmlr.core.services import utc_now
from hmlr.evaluation import baselines
from hmlr.evaluation.judging import Judge, Judged
from hmlr.evaluation.measures import distinct
from hmlr.evaluation.records import BUDGETS, DEPTH, Conversation, Found, Said
from hmlr.llm.names import OFFLINE
from hmlr.records import Hit, Hits, Message
from hmlr.settings import Settings

BATCH = 1000  # messages in one call of `remember`
MOST_HITS = 1000  # that a budget is filled from
UNDIGESTED = "some messages: background work failed, so that they have no vectors, topics or facts"

Step = Callable[[int], None]  # told how many questions are done


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long HMLR took with one conversation."""

    stored_s: float  # until all messages were durable
    digested_s: float  # ... and vectors, topics and facts made, from the same start
    recall_ms: tuple[float, ...]  # each question's search for DEPTH hits


@dataclass(frozen=True, kw_only=True)
class Run:
    """What each method found in one conversation, in the order of its asked questions."""

    conversation: Conversation
    found: Mapping[str, tuple[Found, ...]]  # method -> one per question
    timing: Timing
    degraded: tuple[str, ...]  # what did not take part in HMLR's search
    judged: tuple[Judged, ...]  # empty without a judge


def run(conversation: Conversation, settings: Settings, judge: Judge | None, step: Step) -> Run:
    """Ask all methods the conversation's questions, and with a judge let its model answer them.

    Without an embedder in the settings MiniLM is left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        hmlr = opened(conversation, settings, Path(folder) / "bench.db")
        asked = asyncio.run(_ask(hmlr, conversation, judge, step))
    beside = _baselines(conversation, settings)
    return Run(
        conversation=conversation,
        found={"HMLR": asked.found, **beside},
        timing=asked.timing,
        degraded=asked.degraded,
        judged=asked.judged,
    )


def _baselines(conversation: Conversation, settings: Settings) -> dict[str, tuple[Found, ...]]:
    questions = [each.text for each in conversation.asked]
    paragraphs = baselines.paragraphs(conversation.messages)
    scorers = {"BM25": baselines.bm25(paragraphs)}
    if settings.embedder != "none":
        scorers["MiniLM"] = baselines.minilm(paragraphs, settings.cache)
    found = {
        name: tuple(baselines.find(score(each), paragraphs) for each in questions)
        for name, score in scorers.items()
    }
    pieces = baselines.pieces(conversation.messages)
    score = baselines.bm25(pieces)
    found["BM25/400"] = tuple(baselines.find(score(each), pieces, per_message=None) for each in questions)
    return found


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What HMLR found."""

    found: tuple[Found, ...]
    timing: Timing
    degraded: tuple[str, ...]
    judged: tuple[Judged, ...]


async def _ask(client: HMLRClient, conversation: Conversation, judge: Judge | None, step: Step) -> _Asked:
    async with client as hmlr:
        start = time.perf_counter()
        await remember(hmlr, conversation.messages)
        stored = time.perf_counter() - start
        done = await hmlr.flush()
        digested = time.perf_counter() - start
        found, seconds, degraded = [], [], set[str]() if done else {UNDIGESTED}
        for question in conversation.asked:
            start = time.perf_counter()
            hits = await hmlr.recall(question.text, limit=DEPTH)
            seconds.append(time.perf_counter() - start)
            degraded.update(hits.degraded)
            found.append(await find(hmlr, question.text, hits))
            step(1)
        now = conversation.end or utc_now()
        judged = await judge.judge(hmlr, conversation.questions, now) if judge else []
    milliseconds = tuple(round(1000 * each, 2) for each in seconds)
    timing = Timing(stored_s=round(stored, 2), digested_s=round(digested, 2), recall_ms=milliseconds)
    return _Asked(found=tuple(found), timing=timing, degraded=tuple(sorted(degraded)), judged=tuple(judged))


def opened(conversation: Conversation, settings: Settings, path: Path) -> HMLRClient:
    """A client for an empty memory, at the time when the conversation is over.

    Its clock runs: background work waits by it. What a model would add to an import is not measured.
    """
    begun, end = utc_now(), conversation.end

    def clock() -> datetime:
        return utc_now() if end is None else end + (utc_now() - begun)

    return HMLRClient(path, "bench", model=OFFLINE, settings=settings, clock=clock)


async def remember(hmlr: HMLRClient, messages: Sequence[Said]) -> None:
    """Store a conversation, session by session in its order."""
    for session, said in groupby(messages, key=lambda each: each.session):
        kept, size = list(said), min(BATCH, hmlr.settings.max_batch_messages)
        for start in range(0, len(kept), size):
            batch = kept[start : start + size]
            await hmlr.remember([_message(each) for each in batch], session_id=session)


async def find(hmlr: HMLRClient, question: str, hits: Hits, budgets: Sequence[int] = BUDGETS) -> Found:
    """What recall finds: `hits` are those without a budget, the budgets are asked for here."""
    inside = {}
    for budget in budgets:
        filled = await hmlr.recall(question, budget_tokens=budget, limit=MOST_HITS)
        inside[budget] = frozenset(_ids(filled))
    return Found(messages=distinct(_ids(hits))[:DEPTH], inside=inside)


def _ids(hits: Iterable[Hit]) -> Iterator[str]:
    """The messages behind the hits, best first."""
    for hit in hits:
        for source in hit.sources:
            yield str(source.metadata["id"])


def _message(said: Said) -> Message:
    return Message(
        content=said.text,
        role=said.role,
        speaker=said.speaker,
        occurred_at=said.at,
        metadata={"id": said.id},
    )
