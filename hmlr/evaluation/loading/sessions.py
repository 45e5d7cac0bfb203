"""What LoCoMo and REALTALK share: lists of messages under session_1, session_2 …, and questions in `qa`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from hmlr.evaluation.loading.reading import distinct, rows, shaped_as
from hmlr.evaluation.records import Conversation, Question, Said, question

CATEGORIES = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop", "5": "adversarial"}
_SESSION = re.compile(r"session_(\d+)")
_ID = re.compile(r"D\d+:\d+")


class Line(BaseModel):
    """A message as it stands in the file."""

    dia_id: str
    speaker: str
    text: str = Field("", validation_alias=AliasChoices("clean_text", "text"))
    date_time: str = ""
    blip_caption: str | None = None

    @property
    def content(self) -> str:
        """What was said, and in brackets what a picture shows, as a reader would note it."""
        return (f"{self.text} [picture: {self.blip_caption}]" if self.blip_caption else self.text).strip()


class Asked(BaseModel):
    """A question as it stands in the file."""

    question: str
    evidence: list[object] = []
    category: int | str = ""
    answer: object = None


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation of a file that is still to be read."""

    kind: str
    path: Path
    name: str
    chat: object  # a mapping with session_N
    qa: object
    # When a message was said, from the session's own time and the message's place in it.
    time: Callable[[Line, str, int], datetime]

    def read(self) -> Conversation:
        """The conversation. InvalidInput when it has not the kind's shape."""
        with shaped_as(self.kind, self.path):
            chat = TypeAdapter(dict[str, object]).validate_python(self.chat)
        messages = distinct(self._messages(chat), self.path)
        questions = tuple(self._questions(messages))
        return Conversation(name=self.name, kind=self.kind, messages=messages, questions=questions)

    def _messages(self, chat: Mapping[str, object]) -> Iterator[Said]:
        for number in sorted(int(found[1]) for key in chat if (found := _SESSION.fullmatch(key))):
            name = f"session_{number}"
            with shaped_as(self.kind, self.path, name):
                lines = rows(Line, chat[name])
            start = str(chat.get(f"{name}_date_time", ""))
            for index, line in enumerate(lines):
                if line.content:
                    yield Said(
                        id=line.dia_id,
                        text=line.content,
                        session=name,
                        speaker=line.speaker,
                        at=self.time(line, start, index),
                    )

    def _questions(self, messages: Sequence[Said]) -> Iterator[Question]:
        """Of an evidence such as "D8:6; D9:17" every id counts, of a range its two ends."""
        known = frozenset(said.id for said in messages)
        with shaped_as(self.kind, self.path, "qa"):
            asked = rows(Asked, self.qa)
        for each in asked:
            yield question(
                each.question,
                frozenset(_ID.findall(" ".join(map(str, each.evidence)))),
                known,
                category=CATEGORIES.get(str(each.category), str(each.category)),
                answer="" if each.answer is None else str(each.answer),
            )
