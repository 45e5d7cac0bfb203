"""BEAM: a folder with chat.json, batches of turns of messages, and probing_questions.json by ability."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from hmlr.evaluation.loading.reading import distinct, parse_time, read_json, rows, shaped_as
from hmlr.evaluation.records import Conversation, Question, Said, question
from hmlr.records import Role

_FORM = "%B-%d-%Y"
_PACE = timedelta(seconds=20)  # from one message to the next; a batch has one date
_MARK = re.compile(r"\s*->->.*\Z", re.DOTALL)  # the generator's note at the end of a user's message


class Line(BaseModel):
    """A message as it stands in the file."""

    id: int | str
    role: Role
    content: str
    time_anchor: str | None = None


class Batch(BaseModel):
    """One sitting as it stands in the file."""

    turns: list[list[Line]]
    batch_number: int | str = ""
    time_anchor: str | None = None


class Probe(BaseModel):
    """A question as it stands in the file; its reference answer has another name in each ability."""

    question: str
    source_chat_ids: object = None
    answer: object = None
    ideal_answer: object = None
    ideal_response: object = None
    ideal_summary: object = None
    expected_compliance: object = None

    @property
    def reference(self) -> str:
        """The reference answer, "" when there is none."""
        named = (
            *(self.answer, self.ideal_answer, self.ideal_response),
            *(self.ideal_summary, self.expected_compliance),
        )
        return next((str(each) for each in named if each), "")


def load(path: Path) -> list[Conversation]:
    """The one conversation of a folder. InvalidInput when it is no BEAM folder."""
    chat, probes = path / "chat.json", path / "probing_questions.json"
    data, asked = read_json(chat), read_json(probes)
    with shaped_as("beam", chat):
        batches = rows(Batch, data)
    with shaped_as("beam", probes):
        abilities = TypeAdapter(dict[str, list[Probe]]).validate_python(asked)
    messages = distinct(_messages(batches, chat), chat)
    known = frozenset(said.id for said in messages)
    questions = tuple(_questions(abilities, known))
    return [Conversation(name=path.name, kind="beam", messages=messages, questions=questions)]


def _messages(batches: list[Batch], path: Path) -> Iterator[Said]:
    """The messages with a text; a date holds until the next one is named."""
    at: datetime | None = None
    for number, batch in enumerate(batches, start=1):
        if batch.time_anchor:
            at = parse_time(batch.time_anchor, _FORM, path)
        for line in (line for turn in batch.turns for line in turn):
            if line.time_anchor:
                at = parse_time(line.time_anchor, _FORM, path)
            elif at:
                at += _PACE
            if text := _MARK.sub("", line.content).strip():
                session = f"batch_{batch.batch_number or number}"
                yield Said(id=str(line.id), text=text, session=session, role=line.role, at=at)


def _questions(abilities: Mapping[str, list[Probe]], known: frozenset[str]) -> Iterator[Question]:
    for ability, probes in abilities.items():
        for probe in probes:
            evidence = frozenset(_ids(probe.source_chat_ids))
            yield question(probe.question, evidence, known, category=ability, answer=probe.reference)


def _ids(value: object) -> Iterator[str]:
    """The ids in a list, or in a dict of lists."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif value is not None:
        yield str(value)
