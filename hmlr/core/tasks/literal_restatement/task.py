"""Literal restatement: what does a fact say, in one sentence that stands by itself?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.offered import OfferedFact, fact_lines, said_in
from hmlr.language.literal import new_words, one_line, says_not
from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import content_words

MAX_CHARS = 3000  # a value has up to 1,000 characters, and a statement words around it


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What a word of the quote means: "it" is Styx, "last Friday" is 2025-03-07."""

    said: str
    means: str


@dataclass(frozen=True, kw_only=True)
class RestatementInput:
    """A fact, its statement and quote, and what the words in it refer to."""

    offered: OfferedFact
    resolutions: tuple[Resolution, ...] = ()


class Restatement(BaseModel):
    """One literal sentence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = Field(min_length=1, max_length=MAX_CHARS)


def offline(given: RestatementInput) -> Restatement:
    """The statement with the day from which it holds."""
    statement, day = one_line(given.offered.statement), f"{given.offered.fact.valid_from:%Y-%m-%d}"
    dated = statement if day in statement else f"{statement.rstrip('.')} ({day})."
    return Restatement(text=dated if len(dated) <= MAX_CHARS else f"{dated[: MAX_CHARS - 1]}…")


def check(given: RestatementInput, answer: Restatement) -> Restatement:
    """Refuse what is not one literal sentence that keeps the value and a "not". Raises ValueError."""
    text, fact = one_line(answer.text), given.offered.fact
    sources = (*said_in([given.offered]), *(resolution.means for resolution in given.resolutions))
    if foreign := new_words(text, sources):
        raise ValueError(f"words that stand neither in fact nor quote: {', '.join(foreign[:20])}")
    if missing := content_words(fact.value) - content_words(text):
        raise ValueError(f"the value lacks words: {', '.join(sorted(missing)[:20])}")
    if not content_words(text):
        raise ValueError("the sentence says nothing")
    if says_not(given.offered.statement) and not says_not(text):
        raise ValueError('the "not" of the statement is missing')
    if len(sentence_spans(text)) > max(1, len(sentence_spans(one_line(given.offered.statement)))):
        raise ValueError("more than one sentence")
    return Restatement(text=text)


def variables(given: RestatementInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark, fact = nonce(), given.offered.fact
    resolved = "\n".join(f"{one_line(r.said)} = {one_line(r.means)}" for r in given.resolutions)
    return {
        "fact": fence(fact_lines([given.offered]), mark=mark, said_by="memory", at=None),
        "quote": fence(fact.quote, mark=mark, said_by=fact.said_by, at=fact.occurred_at),
        "resolutions": fence(resolved or "none", mark=mark, said_by="memory", at=None),
    }


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


LITERAL_RESTATEMENT: Task[RestatementInput, Restatement] = Task(
    name="literal_restatement",
    prompt=_prompt,
    output=Restatement,
    variables=variables,
    check=check,
    offline=offline,
)
