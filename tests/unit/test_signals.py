"""The signals of the score, each alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from hmlr.language.dates import question_time
from hmlr.memory.retrieval import signals
from hmlr.memory.retrieval.index import UserIndex
from hmlr.records import SessionId, TurnId
from hmlr.store.records import ChunkColumns, Postings, VectorBatch

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def index(
    speakers: list[str], days: list[float] | None = None, owners: list[bool] | None = None
) -> UserIndex:
    n = len(speakers)
    at = [NOW - timedelta(days=age) for age in (days or [0.0] * n)]
    made = UserIndex()
    made.append(
        ChunkColumns(
            chunk_ids=np.arange(10, 10 + n, dtype=np.int64),
            message_nos=np.arange(n, dtype=np.int64),
            term_counts=np.full(n, 5, np.int32),
            occurred_us=np.array([int(each.timestamp() * 1e6) for each in at], np.int64),
            owners=np.array(owners or [False] * n, np.bool_),
            speakers=tuple(speakers),
            turn_ids=tuple(TurnId(f"t{number}") for number in range(n)),
            sessions=tuple(SessionId("s") for _ in range(n)),
        )
    )
    return made


def posting(*chunk_ids: int) -> Postings:
    return Postings(chunk_ids=np.array(chunk_ids, np.int64), counts=np.ones(len(chunk_ids), np.int32))


def test_a_rare_term_weighs_more_than_a_common_one():
    scores = signals.lexical(index(["Ann"] * 4), {"rare": posting(10), "common": posting(11, 12, 13)}, 4)
    assert scores[0] > scores[1] == scores[2] > 0


def test_terms_of_chunks_that_are_not_loaded_yet_are_passed_over():
    assert not signals.lexical(index(["Ann"]), {"new": posting(99)}, 1).any()


def test_the_only_named_speaker_is_lifted():
    made = index(["Ann", "Bob"])
    assert list(signals.who(made, "Where did Ann go?", 2)) == [1.0, -1.0]
    assert list(signals.who(made, "Where did Ann and Bob go?", 2)) == [0.0, 0.0]
    assert list(signals.who(made, "Where did they go?", 2)) == [0.0, 0.0]


def test_a_first_person_question_lifts_the_owner():
    made = index(["user", "assistant"], owners=[True, False])
    assert list(signals.who(made, "Where do I live?", 2)) == [1.0, -1.0]


def test_near_the_named_date_counts_more():
    made = index(["Ann"] * 3, days=[1.2, 8.0, 300.0])
    scores = signals.when(made, question_time("What happened yesterday?", NOW), 3)
    assert scores[0] > 0.9
    assert scores[0] > scores[1] > scores[2]


def test_vectors_that_come_later_find_their_rows():
    made = index(["Ann", "Bob"])
    made.add_vectors(
        VectorBatch(
            vector_nos=np.array([1], np.int64),
            chunk_ids=np.array([11], np.int64),
            rows=np.array([[0.6, 0.8]], np.float32),
        )
    )
    assert list(signals.vector(made, np.array([0.6, 0.8], np.float32), 2).round(3)) == [0.0, 1.0]
    made.append(_more())
    assert made.n == 3
    assert list(signals.vector(made, np.array([0.6, 0.8], np.float32), 3).round(3)) == [0.0, 1.0, 0.0]


def _more() -> ChunkColumns:
    return ChunkColumns(
        chunk_ids=np.array([20], np.int64), message_nos=np.array([9], np.int64),
        term_counts=np.array([5], np.int32), occurred_us=np.array([0], np.int64),
        owners=np.array([False]), speakers=("Eve",), turn_ids=(TurnId("t9"),), sessions=(SessionId("s"),),
    )  # fmt: skip


def test_the_shares_of_a_flat_signal_are_nothing():
    shares = signals.combine({"lexical": np.zeros(3, np.float32)})
    assert not shares["lexical"].any()
