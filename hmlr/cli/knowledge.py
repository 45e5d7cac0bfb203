"""Facts and the profile: what memory holds to be true, and the user's own edits of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.naming import fact_id, owner
from hmlr.cli.options import AsOf, Json, check_text
from hmlr.cli.output import FACT_COLUMNS, day, emit_json, emit_table, fact_rows, moment, one_line, printable
from hmlr.cli.streams import dim, emit, note

if TYPE_CHECKING:
    from hmlr.records import Fact, FactState

FactId = Annotated[
    str, typer.Argument(metavar="FACT", help="Id of the fact, as `facts` shows it, or how it begins.")
]


class State(StrEnum):
    """What has become of a fact."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    INVALIDATED = "invalidated"


async def facts(
    call: Call,
    *,
    subject: Annotated[str | None, typer.Option("--subject", metavar="NAME", help="Of whom or what.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="What is said of it.")] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="WORD", help="What is listed: pets, dogs, allergies, cities."),
    ] = None,
    as_of: AsOf = None,
    state: Annotated[list[State] | None, typer.Option("--state", help="Repeatable; default active.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Facts in every state.")] = False,
    json: Json = False,
) -> None:
    """List facts, each with the words it was taken from."""
    if state and everything:
        raise UsageError("--state and --all exclude each other", hint="Give one of them")
    chosen: tuple[FactState, ...] = tuple(
        each.value for each in (State if everything else state or [State.ACTIVE])
    )
    async with call.client() as client:
        found = await client.facts(subject=owner(subject), key=key, kind=kind, as_of=as_of, states=chosen)
    emit_json(found) if json else emit_table(FACT_COLUMNS, fact_rows(found), empty="no facts")
    if kind and not json:
        note(dim(f"{len(found)} {kind}"))


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
