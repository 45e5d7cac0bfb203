"""Facts as a list, as the timeline of one entity, as contradictions, or as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.naming import owner
from hmlr.cli.options import AsOf, Json, KnownAt, check_text
from hmlr.cli.output import FACT_COLUMNS, day, emit_json, emit_table, fact_rows, one_line
from hmlr.cli.streams import dim, emit, note

if TYPE_CHECKING:
    from hmlr.records import Fact, FactState


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
    known_at: KnownAt = None,
    state: Annotated[list[State] | None, typer.Option("--state", help="Repeatable; default active.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Facts in every state.")] = False,
    timeline: Annotated[
        str | None,
        typer.Option("--timeline", metavar="NAME", help="All of one entity, under any name, by time."),
    ] = None,
    contradictions: Annotated[
        bool, typer.Option("--contradictions", help="Pairs that cannot both hold, with both sources.")
    ] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw them over time, in every state.")
    ] = None,
    json: Json = False,
) -> None:
    """List facts, each with the words it was taken from."""
    narrowed = {"--subject": subject, "--key": key, "--kind": kind, "--as-of": as_of, "--known-at": known_at}
    listed: dict[str, object] = {**narrowed, "--state": state, "--all": everything}
    _one_of({"--state": state, "--all": everything})
    _one_of({"--json": json, "--svg": svg, "--contradictions": contradictions and svg is not None})
    if timeline is not None:
        _one_of({"--timeline": True, "--contradictions": contradictions, **listed})
        await _timeline(call, timeline, svg, json)
        return
    if contradictions:
        _one_of({"--contradictions": True, **listed})
        await _contradictions(call, json)
        return
    every = everything or (svg is not None and not state)
    chosen: tuple[FactState, ...] = tuple(
        each.value for each in (State if every else state or [State.ACTIVE])
    )
    async with call.client() as client:
        found = await client.facts(
            subject=owner(subject), key=key, kind=kind, as_of=as_of, known_at=known_at, states=chosen
        )
        opposed = [] if json or svg is not None else await client.contradictions()
    if svg is not None:
        _draw(found, svg)
        return
    emit_json(found) if json else emit_table(FACT_COLUMNS, fact_rows(found), empty="no facts")
    if kind and not json:
        note(dim(f"{len(found)} {kind}"))
    shown = {fact.fact_id for fact in found}
    count = sum(not shown.isdisjoint((each.one.fact_id, each.other.fact_id)) for each in opposed)
    if count:
        note(f"{count} contradict{'s' if count == 1 else ''} another: see `facts --contradictions`")


def _draw(found: list[Fact], file: Path) -> None:
    from hmlr.memory.drawing.facts_over_time import picture  # not needed for help

    file.write_text(picture(found, datetime.now(UTC)).svg(), encoding="utf-8")
    emit(f"{len(found)} facts drawn in {one_line(str(file))}")


def _one_of(given: Mapping[str, object]) -> None:
    """Refuse options that exclude each other."""
    chosen = [name for name, value in given.items() if value]
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} exclude each other", hint="Give one of them")


async def _timeline(call: Call, entity: str, svg: Path | None, json: bool) -> None:
    async with call.client() as client:
        found = await client.timeline(owner(check_text(entity, "the name")) or entity)
    if svg is not None:
        _draw([*found.facts], svg)
        return
    if json:
        emit_json(found)
        return
    if len(found.names) > 1:
        emit(f"names: {', '.join(map(one_line, found.names))}\n")
    rows = [
        (
            day(fact.valid_from),
            day(fact.valid_to),
            fact.state,
            fact.subject,
            fact.key,
            fact.value,
            fact.quote,
            fact.said_by,
            fact.turn_id,
            fact.fact_id,
        )
        for fact in found.facts
    ]
    columns = ("from", "until", "state", "subject", "key", "value", "quote", "said by", "turn", "id")
    emit_table(columns, rows, empty=f"nothing is known of {one_line(entity)}")


async def _contradictions(call: Call, json: bool) -> None:
    async with call.client() as client:
        found = await client.contradictions()
    if json:
        emit_json(found)
        return
    rows = [
        (
            number,
            fact.subject,
            fact.key,
            fact.value,
            day(fact.occurred_at),
            fact.said_by,
            fact.quote,
            fact.fact_id,
        )
        for number, each in enumerate(found, 1)
        for fact in (each.one, each.other)
    ]
    columns = ("pair", "subject", "key", "value", "said", "by", "quote", "id")
    emit_table(columns, rows, empty="no contradictions")
    if rows:
        emit("\n`retire ID` or `correct ID VALUE` settles a pair")
