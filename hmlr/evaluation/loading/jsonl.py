"""One's own questions: JSON Lines of messages, as `remember` reads them, and of questions with evidence.

A line with the key "question" is a question: {"question": …, "evidence": [ids], "category": …, "answer": …}.
Its evidence names messages by the `id` in their metadata. Questions stand among the messages, or in a file
of their own beside them: talk_questions.jsonl beside talk.jsonl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hmlr.errors import InvalidInput
from hmlr.evaluation.loading.reading import distinct, shaped_as
from hmlr.evaluation.records import Conversation, Said, question
from hmlr.memory.importing import BadLine, Entry, read

_QUESTIONS = "_questions"


class Asked(BaseModel):
    """A question as it stands in its line."""

    model_config = ConfigDict(extra="forbid")

    question: str
    evidence: list[str | int] = []
    category: str | int = ""
    answer: str = ""


def messages_of(path: Path) -> Path | None:
    """The file of messages that a file of questions belongs to; None for one of messages."""
    if not path.stem.endswith(_QUESTIONS):
        return None
    return path.with_name(path.stem.removesuffix(_QUESTIONS) + path.suffix)


def load(path: Path) -> list[Conversation]:
    """The one conversation of a file, with the questions beside it. InvalidInput names a bad line."""
    path = messages_of(path) or path
    messages, asked = _parted(path)
    beside = path.with_name(f"{path.stem}{_QUESTIONS}{path.suffix}")
    if beside.exists():
        others, more = _parted(beside)
        if others:
            raise InvalidInput(f"{beside} holds messages", hint=f"Move them to {path.name}")
        asked += more
    said = distinct((_said(entry) for entry in messages), path)
    known = frozenset(each.id for each in said)
    questions = tuple(
        question(
            each.question,
            frozenset(map(str, each.evidence)),
            known,
            category=str(each.category),
            answer=each.answer,
        )
        for each in asked
    )
    return [Conversation(name=path.stem, kind="jsonl", messages=said, questions=questions)]


def _parted(path: Path) -> tuple[list[Entry], list[Asked]]:
    """The messages and the questions of one file."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise InvalidInput(f"can't read {path}: {error.strerror or error}", hint="Check the path") from error
    asked = dict(_questions(lines, path))
    # A blank line in a question's place keeps the numbers of the others.
    rest = [b"\n" if number in asked else line for number, line in enumerate(lines, start=1)]
    messages = []
    for entry in read(rest, form="jsonl", session=path.stem):
        if isinstance(entry, BadLine):
            raise InvalidInput(f"{path} is no jsonl file: {entry}", hint="docs/bench.md shows the form")
        messages.append(entry)
    return messages, list(asked.values())


def _questions(lines: list[bytes], path: Path) -> Iterator[tuple[int, Asked]]:
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the reader of messages says what is wrong with it
        if isinstance(value, dict) and "question" in value:
            with shaped_as("jsonl", path, f"line {number}"):
                yield number, Asked.model_validate(value)


def _said(entry: Entry) -> Said:
    message = entry.message
    return Said(
        id=str(message.metadata.get("id", f"line {entry.line}")),
        text=message.content,
        session=entry.session_id,
        speaker=message.speaker,
        role=message.role,
        at=message.occurred_at,
    )
