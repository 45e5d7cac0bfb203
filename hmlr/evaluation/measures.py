"""Measures of recall: pure functions of what was found and what the evidence is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hmlr.evaluation.records import BUDGETS, KS, Found, Question

T = TypeVar("T")
RESAMPLES = 1000
SEED = 0

LEVELS = ("turn", "session")
SHARES = ("any", "all", "fraction")
# Names of all measures, in the order of a row.
COLUMNS = (
    *(f"{level}_{share}@{k}" for level in LEVELS for k in KS for share in SHARES),
    *(f"inside_{budget}" for budget in BUDGETS),
    "mrr",
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over questions with its bootstrap interval, in per cent."""

    mean: float
    low: float  # 2.5 % of the resamples lie below
    high: float  # 2.5 % lie above


def row(found: Found, question: Question, sessions: Mapping[str, str]) -> list[float]:
    """All measures of one question in the order of COLUMNS, each from 0 to 1."""
    values: list[float] = []
    for level in LEVELS:
        wanted, ranked = question.evidence, found.messages
        if level == "session":
            wanted = frozenset(sessions[each] for each in wanted)
            # A session stands where its best message does.
            ranked = distinct(sessions[each] for each in ranked)
        for k in KS:
            values += shares(wanted, ranked[:k])
    values += [shares(question.evidence, found.inside[budget])[2] for budget in BUDGETS]
    values.append(reciprocal_rank(question.evidence, found.messages))
    return values


def shares(wanted: frozenset[str], got: Iterable[str]) -> tuple[float, float, float]:
    """Whether any of the wanted is there, whether all are, and which part of them."""
    count = len(wanted & set(got))
    return float(count > 0), float(count == len(wanted)), count / len(wanted)


def reciprocal_rank(wanted: frozenset[str], ranked: Sequence[str]) -> float:
    """One over the rank of the first wanted one, 0 when there is none."""
    return next((1 / rank for rank, each in enumerate(ranked, start=1) if each in wanted), 0.0)


def distinct(values: Iterable[T]) -> tuple[T, ...]:
    """The values, each where it stands first."""
    return tuple(dict.fromkeys(values))


def figures(rows: NDArray[np.float64], names: Sequence[str] = COLUMNS) -> dict[str, Figure]:
    """Each column of the questions' rows `(n, len(names))`, n above 0, as a figure by its name.

    The resamples are the same for all columns and on every run, so that a difference of two methods' rows
    gives the interval of their difference.
    """
    draws = np.random.default_rng(SEED).integers(0, len(rows), (RESAMPLES, len(rows)))
    counts = np.apply_along_axis(np.bincount, 1, draws, minlength=len(rows))
    low, high = np.quantile(counts @ rows / len(rows), [0.025, 0.975], axis=0)
    return {
        name: Figure(mean=_per_cent(mean), low=_per_cent(a), high=_per_cent(b))
        for name, mean, a, b in zip(names, rows.mean(axis=0), low, high, strict=True)
    }


def _per_cent(value: float) -> float:
    return round(100 * float(value), 2)
