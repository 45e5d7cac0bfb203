"""`deep-recall`: a question that takes several steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call
from hmlr.cli.options import Json, check_question
from hmlr.cli.output import emit_json, moment, one_line, printable
from hmlr.cli.progress import degraded
from hmlr.cli.streams import dim, emit, note

if TYPE_CHECKING:
    from hmlr.deep_records import Evidence


async def deep_recall(
    call: Call,
    question: Annotated[str, typer.Argument(help="A question.")],
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", help="Most rounds of the model.")] = 8,
    budget: Annotated[
        int, typer.Option("--budget", metavar="TOKENS", help="Most that is read of memory.")
    ] = 8000,
    json: Json = False,
) -> None:
    """Answer a question that takes several steps, with a source for each of them."""
    async with call.client() as client:
        answer = await client.deep_recall(check_question(question), max_rounds=rounds, budget_tokens=budget)
    if json:
        emit_json(answer)
        return
    emit(printable(answer.text))
    for each in () if answer.by == "rule" else answer.evidence:  # the rule's text is its evidence
        emit(f"\n{_source(each)}")
    if answer.refused:
        note(dim(f"left out: {', '.join(answer.refused)}, cited by the model, found nowhere"))
    degraded(answer.degraded, call.settings)


def _source(each: Evidence) -> str:
    about = f"  {one_line(each.note)}" if each.note else ""
    return (
        f"[{each.number}] {moment(each.occurred_at)}  {one_line(each.said_by)}  {each.kind} "
        f"{each.node_id}{about}\n   {one_line(each.text, 400)}"
    )
