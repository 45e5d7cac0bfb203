"""Tag classification: what holds for a finished block as a whole, and what for some of its turns?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.offered import labelled, meant
from hmlr.language.literal import new_words, one_line
from hmlr.language.tokens import content_words
from hmlr.records import MessageId, StoredMessage, TagKind, Turn, TurnId

MAX_TAGS = 100  # of one block, and as many section rules; more are no terms of a topic but its content


@dataclass(frozen=True, kw_only=True)
class TagInput:
    """A finished block's turns, or a stretch of them, in order."""

    label: str  # of the block
    turns: tuple[Turn, ...]


class Tag(BaseModel):
    """What holds for all turns of a block."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    kind: TagKind
    text: str = Field(min_length=1, max_length=2000)
    quote: str = Field(min_length=1, max_length=2000)
    # Where the quote stands; the check finds it, no model is asked.
    message_id: Annotated[MessageId | None, SkipJsonSchema()] = None


class SectionRule(Tag):
    """What holds from one turn to another, both included. A model names labels, the check puts ids."""

    first: TurnId = Field(description='a label such as "T2"')
    last: TurnId = Field(description='a label such as "T5"')


T = TypeVar("T", bound=Tag)


class BlockTags(BaseModel):
    """The terms under which a block was said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tags: tuple[Tag, ...]
    section_rules: tuple[SectionRule, ...]


def may_say(message: StoredMessage, kind: TagKind) -> bool:
    """Whether a message's words can be a tag of the kind.

    Only the owner sets constraints; tools and documents set nothing; nothing is learned from an echo.
    """
    if message.echo:
        return False
    if kind == "constraint":
        return message.owner
    return message.role == "user" or (message.role == "assistant" and kind == "definition")


def check(given: TagInput, answer: BlockTags) -> BlockTags:
    """Drop what has no quote in a message that may say it, and ranges of turns that were not offered.

    A text with words that its quote lacks gives way to the quote. ValueError when no quote stands anywhere.
    """
    tags, rules = answer.tags[:MAX_TAGS], answer.section_rules[:MAX_TAGS]
    messages = [message for turn in given.turns for message in turn.messages]
    if (tags or rules) and not any(_stands(tag.quote, messages) for tag in (*tags, *rules)):
        raise ValueError("no quote of the answer stands in a message")
    return BlockTags(
        tags=_once(pinned for tag in tags if (pinned := _pinned(tag, messages))),
        section_rules=_once(
            placed
            for rule in rules
            if (pinned := _pinned(rule, messages)) and (placed := _placed(given, pinned))
        ),
    )


def _stands(quote: str, messages: Iterable[StoredMessage]) -> bool:
    """Whether the quote says something and stands in one of the messages."""
    return bool(content_words(quote)) and any(quote.strip() in message.content for message in messages)


def _pinned(tag: T, messages: Iterable[StoredMessage]) -> T | None:
    """The tag with the message that its quote stands in; the owner's own before others'."""
    quote = tag.quote.strip()
    sources = [m for m in messages if may_say(m, tag.kind) and _stands(quote, [m])]
    if not sources:
        return None
    source = next((message for message in sources if message.owner), sources[0])
    text = one_line(tag.text)
    literal = content_words(text) and not new_words(text, [quote])
    return tag.model_copy(
        update={"quote": quote, "text": text if literal else one_line(quote), "message_id": source.message_id}
    )


def _placed(given: TagInput, rule: SectionRule) -> SectionRule | None:
    """The rule with ids in place of labels, the earlier first; None when one was not offered."""
    order = [turn.turn_id for turn in given.turns]
    labels = labelled("T", order)
    ends = meant(labels, rule.first), meant(labels, rule.last)
    if ends[0] is None or ends[1] is None:
        return None
    first, last = sorted((ends[0], ends[1]), key=order.index)
    return rule.model_copy(update={"first": first, "last": last})


def _once(tags: Iterable[T]) -> tuple[T, ...]:
    """The tags without those that say the same of the same turns as an earlier one."""
    kept: dict[object, T] = {}
    for tag in tags:
        turns = (tag.first, tag.last) if isinstance(tag, SectionRule) else None
        kept.setdefault((tag.kind, tag.text.casefold(), turns), tag)
    return tuple(kept.values())


def _offline(given: TagInput) -> BlockTags:
    # Imported here: its patterns take long to compile, and who only asks never needs them.
    from hmlr.core.tasks.tag_classification.offline import tags_by_rule

    return tags_by_rule(given)


def _variables(given: TagInput) -> Mapping[str, str]:
    mark = nonce()
    return {
        "topic": fence(one_line(given.label), mark=mark, said_by="topic label", at=None),
        "turns": "\n".join(f"T{n}\n{_view(turn, mark)}" for n, turn in enumerate(given.turns, 1)) or "none",
    }


def _view(turn: Turn, mark: str) -> str:
    return "\n".join(
        fence(message.content, mark=mark, said_by=_speaker(message), at=message.occurred_at)
        for message in turn.messages
    )


def _speaker(message: StoredMessage) -> str:
    if message.owner:
        return "the user"
    return f"{message.speaker}, who is not the user" if message.speaker else message.role


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


TAG_CLASSIFICATION: Task[TagInput, BlockTags] = Task(
    name="tag_classification",
    prompt=_prompt,
    output=BlockTags,
    variables=_variables,
    check=check,
    offline=_offline,
)
