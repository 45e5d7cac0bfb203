"""Topics: listing them, and the user's own arrangement of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.naming import block_id, turn_id
from hmlr.cli.options import Json, check_text
from hmlr.cli.output import day, emit_json, emit_table
from hmlr.cli.pictures import is_page, write

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.records import Block


async def blocks(
    call: Call,
    *,
    rename: Annotated[
        str | None, typer.Option("--rename", metavar="BLOCK", help="Give it the label of --label.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="TEXT", help="The new label.")] = None,
    merge: Annotated[
        str | None, typer.Option("--merge", metavar="BLOCK", help="Move its turns into --into.")
    ] = None,
    into: Annotated[str | None, typer.Option("--into", metavar="BLOCK", help="The block that stays.")] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="BLOCK", help="Move its turns from --at-turn on.")
    ] = None,
    at_turn: Annotated[
        str | None, typer.Option("--at-turn", metavar="TURN", help="First turn of the new block.")
    ] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="BLOCK", help="Make it active.")] = None,
    graph: Annotated[
        Path | None,
        typer.Option("--graph", metavar="FILE", help="Draw the lattice: an .svg, or an .html page."),
    ] = None,
    json: Json = False,
) -> None:
    """List topics, the latest first; rename, merge, split or resume one; or draw the lattice."""
    edits = {
        "--rename": (rename, label, "--label"),
        "--merge": (merge, into, "--into"),
        "--split": (split, at_turn, "--at-turn"),
        "--resume": (resume, resume, ""),
    }
    asked = {name: each for name, each in edits.items() if each[0] is not None}
    if graph is not None and (asked or json):
        other = next(iter(asked), "--json")
        raise UsageError(f"--graph and {other} exclude each other", hint="Do one thing at a time")
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} exclude each other", hint="Make one edit at a time")
    for name, (_, value, needed) in edits.items():
        if name in asked and value is None:
            raise UsageError(f"{name} needs {needed}", hint="See --help")
        if name not in asked and value is not None:
            raise UsageError(f"{needed} goes with {name}", hint="See --help")
    page = graph is not None and is_page(graph)
    async with call.client() as client:
        if graph is not None:
            write(graph, await client.draw_blocks(html=page))
            return
        for name, (block, value, _) in asked.items():
            await _edit(client, name, check_text(block or "", name), check_text(value or "", name))
        found = await client.blocks()
    emit_json(found) if json else _table(found)


async def _edit(client: HMLRClient, name: str, block: str, value: str) -> None:
    block = await block_id(client, block)
    if name == "--rename":
        await client.rename_block(block, value)
    elif name == "--merge":
        await client.merge_blocks(block, await block_id(client, value))
    elif name == "--split":
        await client.split_block(block, await turn_id(client, value))
    else:
        await client.resume_block(block)


def _table(found: list[Block]) -> None:
    rows = [
        (each.label, each.state, each.turn_count, day(each.started_at), day(each.last_at), each.block_id)
        for each in found
    ]
    emit_table(("topic", "state", "turns", "from", "to", "id"), rows, empty="no topics")
