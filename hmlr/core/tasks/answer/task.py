"""Answer: the reply to the user. Offline it quotes, it never pretends to have understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import escape
from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import content_words
from hmlr.records import Context, Fact, Hit, TurnId

MAX_FACTS = 5
MAX_QUOTES = 3
SHORT_CHARS = 240
# Cosine of all-MiniLM-L6-v2 above which a statement is about the question though they share no word.
ABOUT_IT = 0.35

_ASKS = re.compile(
    r"\?\s*[\"'”’)]*\s*$|^\W*(?:what|where|when|who|whom|whose|which|why|how|is|are|am|was|were|do|does|did|can|could"
    r"|may|might|should|shall|will|would|has|have|had|tell me|show me|remind me|list|name)\b",
    re.IGNORECASE,
)
# A question of fact ("what did I say in May?", "where can I ...") asks for no advice.
_ADVICE = re.compile(
    r"^(?!\W*(?:where|when|who)\b).*\b(?:(?:should|shall|can|could|may|might|would|must) (?:i|we)\b"
    r"|(?:if|is it|is this|is that|that|be) ok(?:ay)?\b|(?:good|bad) idea|allowed to|crav(?:e|ing)"
    r"|recommend|suggest|advise|compliant)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class KnownFact:
    """A fact with its readable statement."""

    fact: Fact
    statement: str


@dataclass(frozen=True, kw_only=True)
class AnswerInput:
    """The message with everything that was found for it."""

    message: str
    now: datetime
    context: Context  # what a model reads
    constraints: tuple[KnownFact, ...]
    facts: tuple[KnownFact, ...]  # those that bear on the message, best first
    hits: tuple[Hit, ...] = ()  # what search found, best first
    outdated: frozenset[str] = frozenset()  # quotes of facts that no longer hold


class AnswerText(BaseModel):
    """The reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = Field(min_length=1)


def offline(given: AnswerInput) -> AnswerText:
    """The best matching facts and statements, as dated quotes; constraints when advice is asked for."""
    asks = bool(_ASKS.search(given.message.strip()))
    advice = bool(_ADVICE.search(given.message))
    parts: list[str] = []
    if given.constraints and advice:
        lines = [f"{known.statement} — {_quoted(known.fact)}" for known in given.constraints]
        parts.append("\n".join(["Keep in mind what always holds for you:", *_bullets(lines)]))
    evidence = _evidence(given, advice=advice) if asks or advice else []
    if evidence:
        parts.append("\n".join(evidence))
    if not parts:
        parts.append("I have nothing on that yet." if asks else "Noted, word for word.")
    return AnswerText(text="\n\n".join(parts))


def _evidence(given: AnswerInput, *, advice: bool) -> list[str]:
    shown = {known.fact.fact_id for known in given.constraints} if advice else set()
    facts = [known for known in given.facts if known.fact.fact_id not in shown][:MAX_FACTS]
    lines = [f"{known.statement} — {_quoted(known.fact)}" for known in facts]
    quotes = list(_quotes(given, {known.fact.turn_id for known in facts}))[:MAX_QUOTES]
    if lines:
        found = [*_bullets(lines)]
        return found if not quotes else [*found, "", "Also said:", *_bullets(quotes)]
    return ["This was said about it:", *_bullets(quotes)] if quotes else []


def _quotes(given: AnswerInput, told: set[TurnId]) -> Iterable[str]:
    """Statements among the hits that are about the message; questions are not repeated."""
    words = content_words(given.message)
    for hit in given.hits:
        if told & set(hit.turn_ids) or not _about(hit, words):
            continue
        if excerpt := _excerpt(hit.text, words, given.outdated):
            who = _speaker(hit.sources[0].speaker or hit.sources[0].role) if hit.sources else "unknown"
            yield f"“{excerpt}” — {who}, {_day(hit.occurred_at)}"


def _about(hit: Hit, words: frozenset[str]) -> bool:
    return bool(words & content_words(hit.text)) or (hit.similarity or 0.0) >= ABOUT_IT


def _excerpt(text: str, words: frozenset[str], outdated: frozenset[str]) -> str:
    """A short text whole, since an answer often stands in the sentence after the one that shares its words.

    Of a longer one, or where a part no longer holds, the sentence that shares most words with the question.
    """
    sentences = [text[start:end].strip() for start, end in sentence_spans(text)]
    holding = [
        sentence
        for sentence in sentences
        if sentence and not any(sentence in quote or quote in sentence for quote in outdated)
    ]
    statements = [sentence for sentence in holding if not sentence.endswith(("?", "？"))]
    if statements and len(text) <= SHORT_CHARS and len(holding) == len(sentences):
        return " ".join(text.split())
    return max(statements, key=lambda sentence: len(words & content_words(sentence)), default="")


def _quoted(fact: Fact) -> str:
    who = "you" if fact.owner else _speaker(fact.said_by)
    return f"“{fact.quote}” ({who}, {_day(fact.occurred_at)})"


def _speaker(name: str) -> str:
    return "you" if name == "user" else name


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"• {line}" for line in lines]


def check(_given: AnswerInput, answer: AnswerText) -> AnswerText:
    """Any prose is an answer, an empty one is not."""
    if not answer.text.strip():
        raise ValueError("the answer is empty")
    return answer


def variables(given: AnswerInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    return {
        "today": f"{given.now:%A}, {_day(given.now)}",
        "context": given.context.text or "Nothing is remembered yet.",
        "message": escape(given.message),
    }


@lru_cache(maxsize=1)
def _prompt() -> Prompt:
    return Prompt.load(__package__)


ANSWER = Task(
    name="answer",
    prompt=_prompt,
    output=AnswerText,
    variables=variables,
    check=check,
    offline=offline,
    plain=True,
)
