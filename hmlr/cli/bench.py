"""`bench`: how much of the evidence recall finds, beside BM25 and plain vectors."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError
from hmlr.cli.options import Json
from hmlr.cli.output import as_json, emit_json, printable
from hmlr.cli.progress import PREPARING, counting, unprepared
from hmlr.cli.streams import dim, emit, note

if TYPE_CHECKING:
    from hmlr.evaluation.judging import Judge
    from hmlr.evaluation.records import Conversation
    from hmlr.evaluation.running import Run
    from hmlr.settings import Settings


class Form(StrEnum):
    """What a file can be."""

    AUTO = "auto"
    LOCOMO = "locomo"
    REALTALK = "realtalk"
    BEAM = "beam"
    JSONL = "jsonl"


def bench(
    call: Call,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Conversations with questions.")],
    *,
    kind: Annotated[Form, typer.Option("--kind", help="Form of the files; auto tells by shape.")] = Form.AUTO,
    lexical: Annotated[bool, typer.Option("--lexical", help="Without the embedding model.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Most questions per conversation.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the report (JSON).")
    ] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write a picture.")] = None,
    json: Json = False,
) -> None:
    """Measure recall on LoCoMo, REALTALK and BEAM files, or on your own (JSON Lines).

    Each conversation goes into a memory of its own, which is deleted afterwards. It needs no key and no
    network, unless --model provider:name is given: that model then answers every question from recalled
    context and judges the answers.
    """
    from hmlr.evaluation.loading import load  # not needed for help
    from hmlr.evaluation.picture import picture
    from hmlr.evaluation.report import report
    from hmlr.evaluation.tables import tables

    for path in (out, svg):
        _check_folder(path)
    settings = call.settings.model_copy(update={"embedder": "none"} if lexical else {})
    conversations = [_cut(each, limit) for each in load(files, None if kind is Form.AUTO else kind)]
    judge = _judge(call)
    made = report(_runs(conversations, settings, judge), settings, judge.model if judge else "")
    if out is not None:
        out.write_text(as_json(made) + "\n", encoding="utf-8")
    if svg is not None:
        svg.write_text(picture(made), encoding="utf-8")
    emit_json(made) if json else emit(printable(tables(made)))


def _runs(conversations: list[Conversation], settings: Settings, judge: Judge | None) -> list[Run]:
    from hmlr.evaluation.running import run  # not needed for help

    if unprepared(settings):
        note(dim(PREPARING))
    with counting("bench", sum(len(each.asked) for each in conversations)) as step:
        return [run(each, settings, judge, step) for each in conversations]


def _judge(call: Call) -> Judge | None:
    """The model that answers and judges; only when it is named, for it costs money."""
    from hmlr.evaluation.judging import Judge  # not needed for help
    from hmlr.llm.names import OFFLINE

    model = call.options.model
    return Judge.load(model) if model and model != OFFLINE else None


def _cut(conversation: Conversation, limit: int | None) -> Conversation:
    """The conversation with its first questions only."""
    return replace(conversation, questions=conversation.questions[:limit])


def _check_folder(path: Path | None) -> None:
    """Refuse, before anything is measured, to write where nothing can be written."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise CommandError(f"can't write {path}", hint="Name a file in a folder that exists")
