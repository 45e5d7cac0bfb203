"""The recall gate: the sample conversation answers its questions, with and without the embedding model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT, call

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]
DATA = ROOT / "data"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line]


def fraction_found(sit: Callable[..., list[Any]], limit: int, **client: Any) -> float:
    """Mean share of the evidence among the first hits."""
    questions = lines("sample_questions.jsonl")
    sessions: dict[str, list[dict[str, Any]]] = {}
    for message in lines("sample.jsonl"):
        sessions.setdefault(message.pop("session_id", "default"), []).append(message)
    stored = [call("remember", said, session_id=name) for name, said in sessions.items()]
    sit(*stored, **client)
    answers = sit(*[call("recall", each["question"], limit=limit) for each in questions], **client)
    shares = []
    for question, hits in zip(questions, answers, strict=True):
        found = {hit["sources"][0]["metadata"].get("id") for hit in hits["items"]}
        shares.append(len(found & set(question["evidence"])) / len(question["evidence"]))
    return sum(shares) / len(shares)


@pytest.mark.parametrize(("limit", "least"), [(3, 0.7), (10, 0.9)])
def test_the_sample_is_recalled(sit, limit: int, least: float):
    share = fraction_found(sit, limit)
    assert share >= least


def test_the_sample_is_recalled_by_words_alone(sit, environment):
    environment["HMLR_EMBEDDER"] = "none"
    try:
        share = fraction_found(sit, 10)
        assert share >= 0.85
    finally:
        del environment["HMLR_EMBEDDER"]
