"""A task is one question that a language model or a rule can answer, with the same type of answer."""

from __future__ import annotations

import asyncio
import json
import string
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from typing import Generic, TypeVar

from pydantic import BaseModel

from hmlr.errors import BrokenReply, ConfigurationError, InvalidAnswer, ModelError, TryLater
from hmlr.llm.port import Model, ModelRequest, ModelResponse
from hmlr.records import Usage

In = TypeVar("In")
Out = TypeVar("Out", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The text of a task: rules for the system role and a template for the data."""

    system: str
    template: string.Template
    digest: str  # goes into traces, so that an answer can be told from which prompt it came

    @classmethod
    def load(cls, package: str) -> Prompt:
        """Read `prompt.md` of a task's package; the line `--- data ---` parts rules from data."""
        text = resources.files(package).joinpath("prompt.md").read_text(encoding="utf-8")
        system, mark, data = text.partition("\n--- data ---\n")
        if not mark:
            raise ConfigurationError(f"prompt.md of {package} lacks the line '--- data ---'")
        return cls(
            system=system.strip(),
            template=string.Template(data.strip()),
            digest=sha256(text.encode()).hexdigest()[:12],
        )

    def render(self, variables: Mapping[str, str]) -> str:
        """Fill the template. ConfigurationError when a variable is missing or unused."""
        wanted = set(self.template.get_identifiers())
        if wanted != set(variables):
            raise ConfigurationError(f"prompt variables {sorted(wanted)} but given {sorted(variables)}")
        return self.template.substitute(variables)


@dataclass(frozen=True, kw_only=True)
class Task(Generic[In, Out]):
    """A typed question; see the module docstring."""

    name: str
    prompt: Callable[[], Prompt]  # loaded when first needed
    output: type[Out]
    variables: Callable[[In], Mapping[str, str]]  # input to prompt variables, remembered text fenced
    check: Callable[[In, Out], Out]  # drops what was not offered; raises ValueError when nothing is usable
    offline: Callable[[In], Out]  # the rule: pure, total, same type of answer
    plain: bool = False  # the answer is prose: `output` has the one field `text`
    timeout_s: float | None = None  # a model that takes longer leaves it to the rule; None: the settings'


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[Out]):
    """A task's answer and how it came about."""

    value: Out
    by: str  # "rule" or the model's name
    usage: Usage = field(default_factory=Usage)
    failure: str = ""  # why the model's answer was not used, empty when it was or none was asked


@dataclass(frozen=True, kw_only=True)
class AnswerPart(Generic[Out]):
    """A piece of a streamed answer; the last one carries the whole."""

    text: str
    answer: Answer[Out] | None = None


class TaskRunner:
    """Asks the model, checks its answer, and falls back to the task's rule: a turn always gets an answer."""

    def __init__(self, model: Model | None) -> None:
        self.model = model
        self._prompts: dict[str, Prompt] = {}

    async def run(self, task: Task[In, Out], given: In, *, patient: bool = False) -> Answer[Out]:
        """Answer the task. The rule answers for a model that fails.

        Who is `patient` gets ModelError instead when the failure may pass (TryLater) or has to be mended in
        the settings (ConfigurationError): a model's answer later is worth more than the rule's now.
        """
        if self.model is None:
            return Answer(value=task.offline(given), by="rule")
        try:
            response = await self.model.complete(await self._request(task, given))
            return Answer(value=_accept(task, given, response), by=response.model, usage=response.usage)
        except ModelError as error:
            waits = isinstance(error, TryLater | ConfigurationError) and not isinstance(error, BrokenReply)
            if patient and waits:
                raise
            return _by_rule(task, given, error)

    async def stream(self, task: Task[In, Out], given: In) -> AsyncIterator[AnswerPart[Out]]:
        """Answer a plain task piece by piece; the rule's answer comes as one piece.

        A stream that breaks after its first piece ends with the rule's answer and says so in `failure`.
        """
        if self.model is not None:
            try:
                async for part in self.model.stream(await self._request(task, given)):
                    if part.response is None:
                        yield AnswerPart(text=part.text)
                        continue
                    value = _accept(task, given, part.response)
                    answer = Answer(value=value, by=part.response.model, usage=part.response.usage)
                    yield AnswerPart(text=part.text, answer=answer)
                    return
                raise BrokenReply("the stream ended without its last part")
            except ModelError as error:
                fallback = _by_rule(task, given, error)
        else:
            fallback = Answer(value=task.offline(given), by="rule")
        yield AnswerPart(text=str(getattr(fallback.value, "text", "")), answer=fallback)

    async def _request(self, task: Task[In, Out], given: In) -> ModelRequest:
        prompt = self._prompts.get(task.name)
        if prompt is None:  # it reads a file
            prompt = self._prompts[task.name] = await asyncio.to_thread(task.prompt)
        return ModelRequest(
            task=task.name,
            system=prompt.system,
            user=prompt.render(task.variables(given)),
            timeout_s=task.timeout_s,
            output=None if task.plain else task.output,
            check=lambda text: _read(task, given, text),
        )


def _by_rule(task: Task[In, Out], given: In, error: ModelError) -> Answer[Out]:
    """The rule's answer after the model failed; what the failure cost is counted."""
    usage = Usage(calls=error.calls, input_tokens=error.input_tokens, output_tokens=error.output_tokens)
    return Answer(value=task.offline(given), by="rule", usage=usage, failure=str(error))


def _accept(task: Task[In, Out], given: In, response: ModelResponse) -> Out:
    """Parse and check an answer. ModelError, with what the answer cost, when it can't be used."""
    usage = response.usage
    if response.finish_reason != "stop":
        raise BrokenReply(
            f"{task.name}: the answer was not finished ({response.finish_reason})",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )
    try:
        return _read(task, given, response.text)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer(
            f"{task.name}: the answer breaks the task's contract ({type(error).__name__})",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        ) from error


def _read(task: Task[In, Out], given: In, text: str) -> Out:
    """Parse and check an answer's text. ValueError, with the reason, when it can't be used."""
    parsed = {"text": text} if task.plain else json.loads(text)
    return task.check(given, task.output.model_validate(parsed))
