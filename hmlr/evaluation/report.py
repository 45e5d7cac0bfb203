"""The report of a run: figures by set and category with intervals, and what they were taken from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmlr.evaluation.judging import JUDGES
from hmlr.evaluation.measures import Figure, figures, row
from hmlr.evaluation.records import Question
from hmlr.evaluation.running import Run, Timing
from hmlr.settings import Settings

OURS = "HMLR"
ALL = "all"
FIRST = 10  # hits that are listed for each question

Figures = Mapping[str, Figure]  # measure -> figure


@dataclass(frozen=True, kw_only=True)
class Group:
    """The figures of some of the questions."""

    name: str  # a kind of file, or ALL; of a part its category
    questions: int
    methods: Mapping[str, Figures]
    lead: Mapping[str, Figures]  # HMLR's figures less the baseline's, question by question
    answers: Figures  # strict and lenient; empty when nothing was judged
    judged: int  # answers behind them
    categories: tuple[Group, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversationPart:
    """One conversation as it was taken in."""

    name: str
    kind: str
    messages: int
    questions: int  # that figures are about
    left_out: Mapping[str, int]  # the others by reason
    unknown_evidence: int  # ids in evidence that no message has
    timing: Timing


@dataclass(frozen=True, kw_only=True)
class QuestionPart:
    """One question, for reading failures."""

    conversation: str
    question: str
    category: str
    evidence: tuple[str, ...]
    first: tuple[str, ...]  # HMLR's first ten messages
    missed: tuple[str, ...]  # evidence that is not among them


@dataclass(frozen=True, kw_only=True)
class AnswerPart:
    """One judged answer."""

    conversation: str
    question: str
    reference: str
    answer: str
    strict: bool
    lenient: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that `bench` knows; its JSON form has these names."""

    embedder: str
    model: str  # that answered and judged, "" when none was asked
    groups: tuple[Group, ...]
    conversations: tuple[ConversationPart, ...]
    degraded: tuple[str, ...]  # what did not take part in HMLR's search
    questions: tuple[QuestionPart, ...]
    answers: tuple[AnswerPart, ...]


def report(runs: Sequence[Run], settings: Settings, model: str) -> Report:
    """The report of all runs, which have a question at least."""
    kinds = list(dict.fromkeys(run.conversation.kind for run in runs))
    groups = [_group(kind, [run for run in runs if run.conversation.kind == kind]) for kind in kinds]
    if len(kinds) > 1:
        groups.append(_group(ALL, runs))
    return Report(
        embedder=settings.embedder,
        model=model,
        groups=tuple(group for group in groups if group.questions or group.judged),
        conversations=tuple(map(_conversation, runs)),
        degraded=tuple(sorted({each for run in runs for each in run.degraded})),
        questions=tuple(part for run in runs for part in _questions(run)),
        answers=tuple(part for run in runs for part in _answers(run)),
    )


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Measures per question, of some runs."""

    asked: tuple[Question, ...]
    rows: Mapping[str, NDArray[np.float64]]  # method -> (questions, measures)
    judged: tuple[Question, ...]
    verdicts: NDArray[np.float64]  # (judged, JUDGES)

    def group(self, name: str, category: str | None = None) -> Group:
        """The figures of all questions, or of one category."""
        mask = _mask(self.asked, category)
        verdicts = self.verdicts[_mask(self.judged, category)]
        rows = {method: rows[mask] for method, rows in self.rows.items()} if mask.any() else {}
        return Group(
            name=name,
            questions=int(mask.sum()),
            methods={method: figures(each) for method, each in rows.items()},
            lead={method: figures(rows[OURS] - each) for method, each in rows.items() if method != OURS},
            answers=figures(verdicts, JUDGES) if len(verdicts) else {},
            judged=len(verdicts),
            categories=() if category is not None else tuple(self._categories()),
        )

    def _categories(self) -> Iterable[Group]:
        names = {question.category for question in (*self.asked, *self.judged)}
        return (self.group(name, name) for name in sorted(names) if name)


def _mask(questions: Sequence[Question], category: str | None) -> NDArray[np.bool_]:
    return np.array([category in (None, question.category) for question in questions], np.bool_)


def _group(name: str, runs: Sequence[Run]) -> Group:
    judged = [each for run in runs for each in run.judged]
    methods = runs[0].found
    return _Rows(
        asked=tuple(question for run in runs for question in run.conversation.asked),
        rows={method: np.array([each for run in runs for each in _rows(run, method)]) for method in methods},
        judged=tuple(each.question for each in judged),
        verdicts=np.array([(each.strict, each.lenient) for each in judged], np.float64).reshape(-1, 2),
    ).group(name)


def _rows(run: Run, method: str) -> Iterable[list[float]]:
    sessions = run.conversation.sessions
    asked = zip(run.found[method], run.conversation.asked, strict=True)
    return (row(found, question, sessions) for found, question in asked)


def _conversation(run: Run) -> ConversationPart:
    talk = run.conversation
    return ConversationPart(
        name=talk.name,
        kind=talk.kind,
        messages=len(talk.messages),
        questions=len(talk.asked),
        left_out=talk.left_out,
        unknown_evidence=sum(question.unknown for question in talk.questions),
        timing=run.timing,
    )


def _questions(run: Run) -> Iterable[QuestionPart]:
    for found, question in zip(run.found[OURS], run.conversation.asked, strict=True):
        first = found.messages[:FIRST]
        yield QuestionPart(
            conversation=run.conversation.name,
            question=question.text,
            category=question.category,
            evidence=tuple(sorted(question.evidence)),
            first=first,
            missed=tuple(sorted(question.evidence - set(first))),
        )


def _answers(run: Run) -> Iterable[AnswerPart]:
    for judged in run.judged:
        yield AnswerPart(
            conversation=run.conversation.name,
            question=judged.question.text,
            reference=judged.question.answer,
            answer=judged.answer,
            strict=judged.strict,
            lenient=judged.lenient,
        )
