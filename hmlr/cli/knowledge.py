"""Facts and the profile: what memory holds to be true, and the user's own edits of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call
from hmlr.cli.naming import fact_id
from hmlr.cli.options import Json, check_text
from hmlr.cli.output import FACT_COLUMNS, day, emit_json, emit_table, fact_rows, moment, one_line, printable
from hmlr.cli.streams import emit

if TYPE_CHECKING:
    from hmlr.records import Fact

FactId = Annotated[
    str, typer.Argument(metavar="FACT", help="Id of the fact, as `facts` shows it, or how it begins.")
]


async def profile(call: Call, json: Json = False) -> None:
    """Show what holds in every conversation; constraints come first."""
    async with call.client() as client:
        found = await client.profile()
    if json:
        emit_json(found)
        return
    sections = {
        "constraint": found.constraints,
        "identity": found.identity,
        "preference": found.preferences,
        "project": found.projects,
    }
    rows = [
        (section, fact.key, fact.value, day(fact.valid_from), fact.quote, fact.fact_id)
        for section, held in sections.items()
        for fact in held
    ]
    emit_table(("kind", "key", "value", "since", "quote", "id"), rows, empty="nothing is known yet")


async def history(call: Call, fact: FactId, json: Json = False) -> None:
    """Show all values ever held under a fact's subject and key, and every change."""
    async with call.client() as client:
        found = await client.history(await fact_id(client, fact))
    if json:
        emit_json(found)
        return
    emit_table(FACT_COLUMNS, fact_rows(found.facts), empty="no facts")
    emit("")
    rows = [
        (moment(event.recorded_at), event.fact_id, event.change, event.by, event.reason)
        for event in found.events
    ]
    emit_table(("when", "fact", "change", "by", "reason"), rows, empty="no changes")


async def correct(
    call: Call,
    fact: FactId,
    value: Annotated[str, typer.Argument(help="The right value.")],
    json: Json = False,
) -> None:
    """Replace a wrong value; the old one is marked as never true."""
    async with call.client() as client:
        changed = await client.correct(await fact_id(client, fact), check_text(value, "the value"))
        await call.finish(client)
    _show(changed, json)


async def retire(
    call: Call,
    fact: FactId,
    reason: Annotated[str, typer.Argument(help="Why it no longer holds.")] = "retired by the user",
    json: Json = False,
) -> None:
    """Mark a fact as no longer true; `restore` takes it back."""
    async with call.client() as client:
        changed = await client.retire(await fact_id(client, fact), check_text(reason, "the reason"))
    _show(changed, json)


async def restore(call: Call, fact: FactId, json: Json = False) -> None:
    """Make a retired, corrected or superseded fact active again."""
    async with call.client() as client:
        changed = await client.restore(await fact_id(client, fact))
    _show(changed, json)


def _show(fact: Fact, json: bool) -> None:
    if json:
        emit_json(fact)
    else:
        emit(f"{fact.state}: {one_line(fact.subject)} {fact.key} = {printable(fact.value)}  ({fact.fact_id})")
