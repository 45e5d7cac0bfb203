"""LoCoMo: a list of samples, each with `conversation` and `qa`; a session has one time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from hmlr.evaluation.loading.reading import parse_time, read_json, rows, shaped_as
from hmlr.evaluation.loading.sessions import Line, Talk
from hmlr.evaluation.records import Conversation

_FORM = "%I:%M %p on %d %B, %Y"
_PACE = timedelta(seconds=20)  # from one message to the next; the file has no times within a session


class Sample(BaseModel):
    """One conversation as it stands in the file."""

    conversation: object
    qa: object
    sample_id: str = ""


def load(path: Path) -> list[Conversation]:
    """The conversations of a file. InvalidInput when it is no LoCoMo file."""
    data = read_json(path)
    with shaped_as("locomo", path):
        samples = rows(Sample, data if isinstance(data, list) else [data])

    def time(_line: Line, start: str, index: int) -> datetime:
        return parse_time(start, _FORM, path) + index * _PACE

    return [
        Talk(
            kind="locomo",
            path=path,
            name=sample.sample_id or f"{path.stem}-{number}",
            chat=sample.conversation,
            qa=sample.qa,
            time=time,
        ).read()
        for number, sample in enumerate(samples, start=1)
    ]
