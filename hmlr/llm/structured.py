"""Answers that follow a schema: checked, repaired by telling the model what was wrong, continued when cut.

A cut answer is never read as if it were whole: of the list that was being written the complete items are
kept, the last one is dropped, and the model is asked for the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from hmlr.errors import BrokenReply, InvalidAnswer, ModelError
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, OutputSchema
from hmlr.records import Usage

T = TypeVar("T")
Ask = Callable[[ChatRequest], Awaitable[Completion]]
# An answer that is still not whole after so many parts is not worth its price.
MAX_PARTS = 8
MAX_COMPLAINT_CHARS = 1000
MAX_NAME_CHARS = 64  # OpenAI's limit


@dataclass(frozen=True, kw_only=True)
class Structured(Generic[T]):
    """The checked answer, and the last completion with its whole text and the usage of all that led to it."""

    value: T
    completion: Completion


@cache  # a model's schema takes milliseconds to make, and there are few
def schema_of(model: type[BaseModel]) -> OutputSchema:
    """A pydantic model as the schema that providers take, under a name that they accept."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", model.__name__)[:MAX_NAME_CHARS]
    return OutputSchema(name=name, schema=model.model_json_schema())


@dataclass
class _Dialogue:
    """The exchange about one answer: the question, what was given of it, and what it cost."""

    request: ChatRequest
    usage: Usage = field(default_factory=Usage)
    attempts: tuple[Any, ...] = ()
    whole: dict[str, Any] | list[Any] | None = None  # complete parts of a cut answer
    list_key: str | None = None  # where its list stands; None: the answer is the list

    def say(self, answer: str, reply: str) -> None:
        """Add the model's answer and what we say to it."""
        messages = (ChatMessage(role="assistant", content=answer), ChatMessage(role="user", content=reply))
        self.request = replace(self.request, messages=(*self.request.messages, *messages))

    def items(self) -> list[Any]:
        """The complete items so far."""
        if isinstance(self.whole, dict):
            return list(self.whole[self.list_key or ""])
        return self.whole or []

    def keep(self, text: str) -> bool:
        """Keep the complete items of a cut answer. False when there is none new."""
        salvaged = _salvage(text)
        if salvaged is None:
            return False
        whole, key = salvaged
        fresh = whole[key] if isinstance(whole, dict) and key is not None else whole
        before, merged = self.items(), _joined(self.items(), list(fresh))
        if isinstance(whole, dict) and key is not None:
            earlier = self.whole if isinstance(self.whole, dict) else {}
            self.whole, self.list_key = {**whole, **earlier, key: merged}, key
        else:
            self.whole = merged
        return len(merged) > len(before)

    def complete(self, text: str) -> str:
        """The last part of an answer put behind the parts before it."""
        if self.whole is None:
            return text
        try:
            last = from_json(text)
        except ValueError:
            return text
        if isinstance(self.whole, list) and isinstance(last, list):
            return json.dumps(_joined(self.whole, last))
        if isinstance(self.whole, dict) and isinstance(last, dict) and self.list_key is not None:
            rest = last.get(self.list_key)
            joined = _joined(self.items(), rest if isinstance(rest, list) else [])
            return json.dumps({**last, **self.whole, self.list_key: joined})
        return text


async def structured(
    ask: Ask, request: ChatRequest, check: Callable[[str], T], *, attempts: int = 4
) -> Structured[T]:
    """Ask until `check` accepts the answer's text; it raises ValueError, with the reason, when it does not.

    Raises InvalidAnswer after `attempts` answers that were whole but not acceptable, BrokenReply for an
    answer that is cut where nothing can be kept, and what `ask` raises; each with the tokens of all calls.
    """
    dialogue = _Dialogue(request)
    refused = 0
    for _ in range(attempts + MAX_PARTS):
        completion = await _asked(ask, dialogue)
        if completion.finish_reason == "length":
            _go_on(dialogue, completion)
            continue
        text = dialogue.complete(completion.text)
        try:
            value = check(text)
        except (ValueError, RecursionError) as error:
            refused += 1
            if refused >= attempts:
                break
            dialogue.say(completion.text, _complaint(error))
        else:
            done = replace(completion, text=text, usage=dialogue.usage, attempts=dialogue.attempts)
            return Structured(value=value, completion=done)
    failure = InvalidAnswer(
        f"{completion.model}: the answer breaks the asked-for form, also after {refused} attempts",
        model=completion.model,
    )
    failure.calls = 0  # its calls are counted in the dialogue
    raise costing(failure, dialogue.usage)


async def _asked(ask: Ask, dialogue: _Dialogue) -> Completion:
    try:
        completion = await ask(dialogue.request)
    except ModelError as error:
        raise costing(error, dialogue.usage) from error.__cause__
    dialogue.usage += completion.usage
    dialogue.attempts += completion.attempts
    return completion


def _go_on(dialogue: _Dialogue, completion: Completion) -> None:
    """Keep what is whole of a cut answer and ask for the rest."""
    if not dialogue.keep(completion.text):
        error = BrokenReply(
            f"{completion.model}: the answer was cut and holds no complete item",
            hint="Allow more with max_tokens",
            model=completion.model,
            retryable=False,
        )
        error.calls = 0
        raise costing(error, dialogue.usage)
    items = dialogue.items()
    dialogue.say(
        json.dumps(items, ensure_ascii=False),
        f"Your answer was cut off. These {len(items)} items are kept. Answer again in the same form, with "
        "only the items that are missing.",
    )


def costing(error: ModelError, usage: Usage) -> ModelError:
    """The error with what was spent before it added."""
    error.calls += usage.calls
    error.input_tokens += usage.input_tokens
    error.output_tokens += usage.output_tokens
    return error


def _complaint(error: Exception) -> str:
    """What was wrong, for the model to mend."""
    return f"That answer can't be used: {reasons_of(error)}. Answer again, in the form asked for."


def reasons_of(error: Exception) -> str:
    """Why something was refused, on one line; without the input, which the model knows."""
    if isinstance(error, ValidationError):
        items = error.errors(include_url=False, include_input=False, include_context=False)
        reasons = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in items)
    else:
        reasons = str(error) or type(error).__name__
    return reasons[:MAX_COMPLAINT_CHARS]


def _salvage(text: str) -> tuple[dict[str, Any] | list[Any], str | None] | None:
    """The complete parts of cut JSON, and under which key its list stands; None when there is no list.

    The last item is dropped even if it reads well: nobody can tell whether it was whole.
    """
    try:
        partial = from_json(text, allow_partial=True)
    except ValueError:
        return None
    if isinstance(partial, list):
        return partial[:-1], None
    if isinstance(partial, Mapping) and partial:
        key = next(reversed(dict(partial)))
        if isinstance(partial[key], list):
            return {**partial, key: partial[key][:-1]}, key
    return None


def _joined(before: list[Any], after: list[Any]) -> list[Any]:
    """Both lists, without items that came twice."""
    return before + [item for item in after if item not in before]
