"""Routing: which topic a turn belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.language.tokens import content_words
from hmlr.records import BlockId

# Cosines of all-MiniLM-L6-v2 between a message and a topic's messages. Unrelated pairs lie below 0.15,
# related ones mostly above 0.25; between them shared words decide.
CONTINUE_ABOVE = 0.25
RESUME_ABOVE = 0.35
# To leave the current topic for an older one, that one has to be clearly nearer.
RESUME_MARGIN = 0.10
# So few content words carry no topic of their own: "and for two people?" goes on with what was there.
SHORT_WORDS = 2

# The user waits for it, and the rule is good enough.
TIMEOUT_S = 20.0

_SHIFT = re.compile(
    r"\b(?:by the way|on (?:a|an)(?:other| different| unrelated)(?: note| topic| subject)?"
    r"|(?:different|new) (?:topic|subject)|change (?:of|the) (?:topic|subject)"
    r"|something (?:else|different)|unrelated|let'?s (?:switch|move on))\b",
    re.IGNORECASE,
)
_RETURN = re.compile(
    r"\b(?:back to|return(?:ing)? to|as (?:we|i) (?:said|discussed|mentioned)|earlier (?:we|you|i)"
    r"|coming back|regarding (?:our|the))\b",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"^\W*(?:and|but|so|also|then|what about|how about|what if|ok(?:ay)?|yes|no|thanks?|great|sure|why"
    r"|which one)\b"
    r"|\b(?:it|that|this|those|these|them|they|he|she|him|her|its|their|same|one)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A block as the router sees it."""

    block_id: BlockId
    label: str
    keywords: tuple[str, ...]
    words: frozenset[str]  # content words of its latest messages
    similarity: float  # cosine of the message to the topic's messages, 0 when there are no vectors
    said: str = ""  # its latest message


@dataclass(frozen=True, kw_only=True)
class RoutingInput:
    """The message and the topics it may belong to."""

    message: str
    current: Topic | None  # of this session's turn before; None at a session's start
    others: tuple[Topic, ...]  # latest first
    has_vectors: bool


class Routing(BaseModel):
    """Where the turn belongs; `block_id` is one that was offered, None for a new topic."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    action: Literal["continue", "resume", "new"]
    block_id: BlockId | None = None
    label: str = Field("", max_length=120)
    keywords: tuple[str, ...] = Field((), max_length=20)


def offline(given: RoutingInput) -> Routing:
    """Route by nearness, shared words and the words that people use to change the subject."""
    words = content_words(given.message)
    current = given.current
    if _RETURN.search(given.message) and (best := _nearest(given, words)) and _shares(best, words):
        return Routing(action="resume", block_id=best.block_id)
    if current is None:
        best = _nearest(given, words)
        return _resume_or_new(given, best, words, against=0.0)
    if _SHIFT.search(given.message):
        return _resume_or_new(given, _nearest(given, words), words, against=current.similarity)
    if _belongs(current, words, given):
        best = _nearest(given, words)
        if best and _much_nearer(best, current, words, has_vectors=given.has_vectors):
            return Routing(action="resume", block_id=best.block_id)
        return Routing(action="continue", block_id=current.block_id)
    return _resume_or_new(given, _nearest(given, words), words, against=current.similarity)


def _belongs(topic: Topic, words: frozenset[str], given: RoutingInput) -> bool:
    if len(words) <= SHORT_WORDS and (_LEANS.search(given.message) or not words):
        return True
    if _shares(topic, words):
        return True
    if given.has_vectors:
        lean = 0.1 if _LEANS.search(given.message) else 0.0
        return topic.similarity >= CONTINUE_ABOVE - lean
    return bool(_LEANS.search(given.message))


def _shares(topic: Topic, words: frozenset[str]) -> int:
    return len(words & topic.words)


def _nearest(given: RoutingInput, words: frozenset[str]) -> Topic | None:
    return max(given.others, key=lambda topic: (topic.similarity, _shares(topic, words)), default=None)


def _much_nearer(best: Topic, current: Topic, words: frozenset[str], *, has_vectors: bool) -> bool:
    if has_vectors:
        nearer = best.similarity >= max(RESUME_ABOVE, current.similarity + RESUME_MARGIN)
        return nearer and _shares(best, words) > _shares(current, words)
    return _shares(best, words) >= _shares(current, words) + 2


def _resume_or_new(
    given: RoutingInput, best: Topic | None, words: frozenset[str], *, against: float
) -> Routing:
    if best is not None:
        near = best.similarity >= max(RESUME_ABOVE, against + RESUME_MARGIN) if given.has_vectors else False
        if (near and _shares(best, words)) or _shares(best, words) >= 2:
            return Routing(action="resume", block_id=best.block_id)
    return Routing(action="new")


def check(given: RoutingInput, answer: Routing) -> Routing:
    """Refuse a topic that was not offered; the words of a "continue" can only mean the current one."""
    if answer.action == "new":
        return answer.model_copy(update={"block_id": None})
    if answer.action == "continue":
        if given.current is None:
            raise ValueError("there is no current topic")
        return answer.model_copy(update={"block_id": given.current.block_id})
    offered = {label: topic.block_id for label, topic in _labelled(given)}
    offered |= {topic.block_id: topic.block_id for topic in given.others}
    if answer.block_id not in offered:
        raise ValueError("the topic was not offered")
    return answer.model_copy(update={"block_id": offered[answer.block_id]})


def _labelled(given: RoutingInput) -> list[tuple[str, Topic]]:
    """The other topics under short names: a model copies "2" without a slip, and sees the same every time."""
    return [(str(number), topic) for number, topic in enumerate(given.others, 1)]


def variables(given: RoutingInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark = nonce()

    def view(head: str, topic: Topic) -> str:
        said = fence(topic.said, mark=mark, said_by="user", at=None)
        label = fence(topic.label, mark=mark, said_by="topic label", at=None)
        keywords = fence(", ".join(topic.keywords), mark=mark, said_by="keywords", at=None)
        return "\n".join((head, keywords, label, said)).strip()

    return {
        "current": view("", given.current) if given.current else "none",
        "others": "\n\n".join(view(f"id {label}", topic) for label, topic in _labelled(given)) or "none",
        "message": fence(given.message, mark=mark, said_by="user", at=None),
    }


@lru_cache(maxsize=1)
def _prompt() -> Prompt:
    return Prompt.load(__package__)


ROUTING = Task(
    name="routing",
    prompt=_prompt,
    output=Routing,
    variables=variables,
    check=check,
    offline=offline,
    timeout_s=TIMEOUT_S,
)
