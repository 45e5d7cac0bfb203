"""A model answers each question from recalled context; two prompts judge it, a strict and a lenient one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from hmlr.client import HMLRClient
from hmlr.core.tasks.answer.given import AnswerInput
from hmlr.core.tasks.answer.task import ANSWER
from hmlr.core.tasks.base import Prompt
from hmlr.core.tasks.fence import fence, nonce
from hmlr.errors import ConfigurationError
from hmlr.evaluation.records import Question
from hmlr.llm.batch import BatchResult, batch_complete
from hmlr.llm.settings import LLMSettings

CONCURRENCY = 8  # calls at a time
JUDGES = ("strict", "lenient")

V = TypeVar("V")


class Verdict(BaseModel):
    """What a judge says."""

    reason: str  # first, so that it is thought of before the verdict
    right: bool


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An answer with its verdicts."""

    question: Question
    answer: str
    strict: bool
    lenient: bool


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A model that answers and judges."""

    model: str  # "provider:model"
    settings: LLMSettings
    rules: Prompt  # of the engine's own answers
    prompts: tuple[Prompt, ...]  # of JUDGES

    @classmethod
    def load(cls, model: str) -> Judge:
        """Read settings and prompts. ConfigurationError when they make no sense."""
        return cls(
            model=model,
            settings=LLMSettings.load(),
            rules=ANSWER.prompt(),
            prompts=tuple(Prompt.load(f"{__name__}.{judge}") for judge in JUDGES),
        )

    async def judge(self, hmlr: HMLRClient, questions: Sequence[Question], now: datetime) -> list[Judged]:
        """Answer and judge the questions that have a reference; those whose calls fail are left out.

        Raises ConfigurationError when the model can't be asked at all.
        """
        questions = [question for question in questions if question.answer]
        # One after the other: a question that waits long for the embedder would be searched by words only.
        asked = [await self._asked(hmlr, question.text, now) for question in questions]
        replies = _usable(
            await batch_complete(
                asked,
                model=self.model,
                settings=self.settings,
                system=self.rules.system,
                concurrency=CONCURRENCY,
                on_error="continue",
            )
        )
        answered = [(questions[reply.index], reply.text) for reply in replies]
        strict, lenient = [await self._verdicts(prompt, answered) for prompt in self.prompts]
        return [
            Judged(question=question, answer=answer, strict=strict[place], lenient=lenient[place])
            for place, (question, answer) in enumerate(answered)
            if place in strict and place in lenient
        ]

    async def _asked(self, hmlr: HMLRClient, question: str, now: datetime) -> str:
        """The question with its context, as the engine puts it to a model."""
        context = await hmlr.context(question)
        given = AnswerInput(message=question, now=now, context=context, constraints=(), facts=())
        return self.rules.render(ANSWER.variables(given))

    async def _verdicts(self, prompt: Prompt, answered: Sequence[tuple[Question, str]]) -> dict[int, bool]:
        """Whether each answer is right, by its place; a place whose call failed is missing."""
        results = _usable(
            await batch_complete(
                [_view(prompt, question, answer) for question, answer in answered],
                response_format=Verdict,
                model=self.model,
                settings=self.settings,
                system=prompt.system,
                concurrency=CONCURRENCY,
                on_error="continue",
            )
        )
        return {result.index: result.value.right for result in results if result.value}


def _usable(results: Sequence[BatchResult[V]]) -> list[BatchResult[V]]:
    """Those that have an answer. ConfigurationError when no call can ever succeed."""
    for result in results:
        if isinstance(result.error, ConfigurationError):
            raise result.error
    return [result for result in results if result.ok]


def _view(prompt: Prompt, question: Question, answer: str) -> str:
    mark = nonce()
    return prompt.render(
        {
            "question": fence(question.text, mark=mark, said_by="the user", at=None),
            "reference": fence(question.answer, mark=mark, said_by="the reference", at=None),
            "answer": fence(answer, mark=mark, said_by="the answer", at=None),
        }
    )
