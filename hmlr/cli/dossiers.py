"""Dossiers: listing them, what one stands on, the user's own arrangement of them, and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.naming import dossier_id, fact_id
from hmlr.cli.options import Json, check_text
from hmlr.cli.output import day, emit_json, emit_table, moment, one_line, printable
from hmlr.cli.pictures import is_page, write
from hmlr.cli.streams import emit

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.garden_records import Dossier, DossierEdit, DossierFile


async def dossiers(
    call: Call,
    dossier: Annotated[
        str | None, typer.Argument(metavar="DOSSIER", help="Show this one, with what it stands on.")
    ] = None,
    *,
    rename: Annotated[
        str | None, typer.Option("--rename", metavar="DOSSIER", help="Give it the title of --title.")
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="The new title; also of what is split off.")
    ] = None,
    merge: Annotated[
        str | None, typer.Option("--merge", metavar="DOSSIER", help="Move its facts into --into.")
    ] = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="DOSSIER", help="The dossier that stays.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="DOSSIER", help="Move the facts of --fact into a new one."),
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="FACT", help="A fact to be split off. Repeatable.")
    ] = None,
    timeline: Annotated[
        Path | None,
        typer.Option("--timeline", metavar="FILE", help="Draw them over time: an .svg, or an .html page."),
    ] = None,
    json: Json = False,
) -> None:
    """List dossiers, the latest first; show one; rename, merge or split one by hand; or draw them."""
    _check(
        {"DOSSIER": dossier, "--rename": rename, "--merge": merge, "--split": split, "--timeline": timeline},
        {
            "--title": (title, ("--rename", "--split")),
            "--into": (into, ("--merge",)),
            "--fact": (fact, ("--split",)),
        },
        json=json,
    )
    page = timeline is not None and is_page(timeline)
    async with call.client() as client:
        if timeline is not None:
            write(timeline, await client.draw_dossiers(html=page))
            return
        if dossier is not None:
            file = await client.dossier(await dossier_id(client, check_text(dossier, "DOSSIER")))
            emit_json(file) if json else _shown(file)
            return
        edit = await _edit(client, rename=rename, title=title, merge=merge, into=into, split=split, fact=fact)
        found = [] if edit else await client.dossiers()
    if json:
        emit_json(edit or found)
    elif edit:
        emit(f"{one_line(edit.dossier.title)} ({edit.dossier.facts} facts, {edit.dossier.dossier_id})")
        emit(f"undo it with: garden --undo {edit.run_id}")
    else:
        _table(found)


def _check(
    asked: Mapping[str, object], needed: Mapping[str, tuple[object, tuple[str, ...]]], *, json: bool
) -> None:
    """Refuse what excludes each other, and what lacks its other half."""
    chosen = [name for name, value in asked.items() if value is not None]
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} exclude each other", hint="Do one thing at a time")
    if json and chosen == ["--timeline"]:
        raise UsageError("--timeline and --json exclude each other", hint="Give one of them")
    for name, (value, partners) in needed.items():
        if value and not set(partners) & set(chosen):
            raise UsageError(f"{name} goes with {' or '.join(partners)}", hint="See --help")
        if not value and name != "--title" and set(partners) & set(chosen):
            raise UsageError(f"{partners[0]} needs {name}", hint="See --help")
    if chosen == ["--rename"] and not needed["--title"][0]:
        raise UsageError("--rename needs --title", hint="See --help")


async def _edit(
    client: HMLRClient,
    *,
    rename: str | None,
    title: str | None,
    merge: str | None,
    into: str | None,
    split: str | None,
    fact: list[str] | None,
) -> DossierEdit | None:
    """Make the edit that is asked for; None when none is."""
    if title is not None:
        check_text(title, "--title")
    if rename is not None:
        return await client.rename_dossier(
            await dossier_id(client, check_text(rename, "--rename")), title or ""
        )
    if merge is not None:
        target = await dossier_id(client, check_text(into or "", "--into"))
        return await client.merge_dossiers(await dossier_id(client, check_text(merge, "--merge")), target)
    if split is not None:
        ids = [await fact_id(client, check_text(each, "--fact")) for each in fact or ()]
        source = await dossier_id(client, check_text(split, "--split"))
        return await client.split_dossier(source, ids, title=title)
    return None


def _table(found: list[Dossier]) -> None:
    rows = [
        (
            each.title or "(to be told anew)",
            each.facts,
            day(each.happened_from),
            day(each.happened_to),
            each.dossier_id,
        )
        for each in found
    ]
    emit_table(("dossier", "facts", "from", "to", "id"), rows, empty="no dossiers; `garden` makes them")


def _shown(file: DossierFile) -> None:
    dossier = file.dossier
    emit(f"{one_line(dossier.title)}\n")
    emit(printable(dossier.summary) or "(to be told anew by the next `garden`)")
    emit(f"\nfound by: {one_line(dossier.search_summary, 1000)}\n")
    rows = [
        (
            day(entry.fact.valid_from),
            entry.fact.state,
            entry.statement,
            entry.fact.quote,
            entry.fact.fact_id,
            entry.fact.turn_id,
        )
        for entry in file.entries
    ]
    emit_table(("since", "state", "fact", "quote", "fact id", "turn"), rows, empty="no facts")
    emit("")
    events = [
        (
            moment(event.recorded_at),
            event.change,
            event.fact_id or "",
            event.other or "",
            event.by,
            event.run_id,
        )
        for event in file.events
    ]
    emit_table(("when", "change", "fact", "other dossier", "by", "run"), events, empty="no changes")
