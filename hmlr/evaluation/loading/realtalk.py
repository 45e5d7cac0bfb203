"""REALTALK: one conversation, its sessions and `qa` at the top; each message has a time of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from hmlr.evaluation.loading.reading import parse_time, read_json, shaped_as
from hmlr.evaluation.loading.sessions import Line, Talk
from hmlr.evaluation.records import Conversation

_FORM = "%d.%m.%Y, %H:%M:%S"


class Chat(BaseModel):
    """The part of the file that has a fixed name."""

    qa: object


def load(path: Path) -> list[Conversation]:
    """The one conversation of a file. InvalidInput when it is no REALTALK file."""
    data = read_json(path)
    with shaped_as("realtalk", path):
        chat = Chat.model_validate(data)

    def time(line: Line, _start: str, _index: int) -> datetime:
        return parse_time(line.date_time, _FORM, path)

    return [Talk(kind="realtalk", path=path, name=path.stem, chat=data, qa=chat.qa, time=time).read()]
