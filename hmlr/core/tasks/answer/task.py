"""Answer: the reply to the user. Offline it quotes, it never pretends to have understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.answer.evidence import bullets, evidence, former_lines, list_lines, profile_lines, quoted
from hmlr.core.tasks.answer.given import AnswerInput
from hmlr.core.tasks.answer.requests import courtesy, forgetting, keeps, summed_up, wants_profile
from hmlr.core.tasks.answer.talks import talk_lines
from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import escape, fence, nonce

NOTHING = "I have nothing on that yet."

_ASKS = re.compile(
    r"\?\s*[\"'”’)]*\s*$|^\W*(?:what|where|when|who|whom|whose|which|why|how|is|are|am|was|were|do|does|"
    r"did|can|could"
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


class AnswerText(BaseModel):
    """The reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = Field(min_length=1)


def offline(given: AnswerInput) -> AnswerText:
    """The best matching facts and statements, as dated quotes; constraints when advice is asked for."""
    message = given.message.strip()
    if text := forgetting(given) or courtesy(message):
        return AnswerText(text=text)
    if wants_profile(message):
        return AnswerText(text="\n".join(profile_lines(given)) or NOTHING)
    if given.talks is not None:
        return AnswerText(text="\n".join(talk_lines(given.talks)))
    if given.listed:
        return AnswerText(text="\n".join(list_lines(given)))
    topic = summed_up(message)
    asks = bool(topic or _ASKS.search(message)) and not keeps(message)
    advice = bool(_ADVICE.search(message)) and not keeps(message)
    parts: list[str] = []
    bind = given.constraints if advice else ()
    if bind:
        lines = [f"{known.statement} — {quoted(known.fact)}" for known in bind]
        parts.append("\n".join(["Keep in mind what always holds for you:", *bullets(lines)]))
    about = replace(given, message=topic or message)
    found = evidence(about, but=bind, summary=bool(topic)) if asks or advice else []
    gone = former_lines(about, found) if asks or advice else []
    parts += ["\n".join(lines) for lines in (gone, found) if lines]
    if not parts:
        parts.append(NOTHING if asks else "Noted, word for word.")
    return AnswerText(text="\n\n".join(parts))


def check(_given: AnswerInput, answer: AnswerText) -> AnswerText:
    """Any prose is an answer, an empty one is not."""
    if not answer.text.strip():
        raise ValueError("the answer is empty")
    return answer


def variables(given: AnswerInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    return {
        "today": f"{given.now:%A}, {given.now.day} {given.now:%B %Y}",
        "context": _remembered(given) or "Nothing is remembered yet.",
        "message": escape(given.message),
    }


def _remembered(given: AnswerInput) -> str:
    """The context, and what was talked about in the time that is asked for."""
    if given.talks is None:
        return given.context.text
    talked = fence("\n".join(talk_lines(given.talks)), mark=nonce(), said_by="the record of days", at=None)
    return "\n\n".join(part for part in (given.context.text, talked) if part)


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
