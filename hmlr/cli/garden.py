"""Gardening: plan, apply, undo."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError, UsageError
from hmlr.cli.naming import run_id
from hmlr.cli.options import Json, check_text
from hmlr.cli.output import emit_json, emit_table, moment, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import dim, emit, note

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.core.gardening import GardenArguments
    from hmlr.garden_records import GardenPlan, GardenProgress, GardenReport, GardenRun


async def garden(
    call: Call,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes and what the model calls would cost.")
    ] = False,
    undo: Annotated[str | None, typer.Option("--undo", metavar="RUN", help="Take a run back.")] = None,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs so far.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, every HMLR_GARDEN_EVERY_S.")] = False,
    all_users: Annotated[bool, typer.Option("--all-users", help="Every memory of the database.")] = False,
    include_active: Annotated[
        bool, typer.Option("--include-active", help="Also the topic that is talked about now.")
    ] = False,
    allow_large: Annotated[
        bool, typer.Option("--allow-large", help="Change any share of what is in order already.")
    ] = False,
    budget_tokens: Annotated[
        int | None, typer.Option("--budget-tokens", metavar="N", min=0, help="Hard limit of this run.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option("--budget-usd", metavar="N", min=0, help="Hard limit of this run.")
    ] = None,
    daily_tokens: Annotated[
        int | None,
        typer.Option("--daily-tokens", metavar="N", min=0, help="Stop at so many a user and day."),
    ] = None,
    daily_usd: Annotated[
        float | None, typer.Option("--daily-usd", metavar="N", min=0, help="Stop at so much a user and day.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", min=1, max=256, help="Users and calls at a time.")
    ] = 8,
    json: Json = False,
) -> None:
    """Turn finished topics into long-term memory: tags, and facts in dossiers. Nothing is deleted."""
    chosen = [
        name
        for name, on in (("--dry-run", dry_run), ("--undo", undo), ("--watch", watch), ("--runs", runs))
        if on
    ]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", hint="Give one of them")
    options: GardenArguments = {
        "include_active": include_active,
        "allow_large": allow_large,
        "budget_tokens": budget_tokens,
        "budget_usd": budget_usd,
        "daily_tokens": daily_tokens,
        "daily_usd": daily_usd,
        "concurrency": concurrency,
    }
    async with call.client() as client:
        if undo is not None:
            await _undo(client, await run_id(client, check_text(undo, "--undo")), json=json)
        elif runs:
            _runs(await client.garden_runs(), json=json)
        elif dry_run:
            await call.finish(client)
            plan = await client.garden(dry_run=True, all_users=all_users, **options)
            emit_json(plan) if json else _planned(plan)
        else:
            await _garden(call, client, options, all_users=all_users, json=json, watch=watch)


async def _undo(client: HMLRClient, run: str, *, json: bool) -> None:
    """Take a run back; of one that was taken back before it says so, and leaves it."""
    before = {each.run_id: each.undone_at for each in await client.garden_runs()}
    undone = await client.undo(run)
    if json:
        emit_json(undone)
    elif at := before.get(undone.run_id):
        emit(f"undone already, on {moment(at)}; nothing was changed")
    else:
        emit(f"undone: {undone.done.in_words}")


async def _garden(
    call: Call, client: HMLRClient, options: GardenArguments, *, all_users: bool, json: bool, watch: bool
) -> None:
    """Garden once, or again and again until interrupted."""
    import asyncio  # not needed for help

    while True:
        await call.finish(client)  # what was said last is learned first
        report = await _run(client, options, all_users=all_users)
        if not watch or report.done.blocks or report.stopped:
            emit_json(report) if json else _reported(report)
        if not watch:
            break
        if report.stopped:
            note(dim(f"{report.pending} topics are left: {report.stopped}"))
        await asyncio.sleep(call.settings.garden_every_s)
    if report.stopped:
        raise CommandError(f"{report.pending} topics are left: {report.stopped}")


async def _run(client: HMLRClient, options: GardenArguments, *, all_users: bool) -> GardenReport:
    """Garden under a bar that begins once the blocks are counted."""
    with ExitStack() as shown:
        steps: list[Callable[[int], None]] = []
        before = 0

        def tell(progress: GardenProgress) -> None:
            nonlocal before
            if not steps:
                steps.append(shown.enter_context(counting("garden", progress.total)))
            steps[0](progress.done - before)
            before = progress.done

        return await client.garden(all_users=all_users, progress=tell, **options)


def _planned(plan: GardenPlan) -> None:
    signs = {
        "create": "+",
        "append": "+",
        "tag": "+",
        "section rule": "+",
        "merge": "~",
        "split": "~",
        "retell": "~",
    }
    for line in plan.lines:
        named = f" {line.dossier_id}" if line.dossier_id else ""
        emit(f"{signs[line.change]} {line.change}{named}  {one_line(line.text)}")
        for statement in line.facts:
            emit(f"    + {one_line(statement)}")
    emit(f"{plan.blocks} topics to garden; nothing was changed")
    if plan.calls:
        calls = ", ".join(f"{count} {name}" for name, count in plan.calls.items())
        usage = plan.expected
        money = f", ${usage.cost_usd:.4f}" if usage.cost_usd else ", no price is set for it"
        emit(
            f"about {usage.calls} calls of {plan.model} ({calls}): "
            f"{usage.input_tokens} tokens in, {usage.output_tokens} out{money}"
        )
    else:
        emit("no model calls: the rules do it")


def _reported(report: GardenReport) -> None:
    done = report.done
    emit(f"gardened: {done.in_words} in {report.seconds:.1f} s")
    if done.usage.calls:
        emit(
            f"{done.usage.calls} model calls, {done.usage.input_tokens} tokens in, "
            f"{done.usage.output_tokens} out, ${done.usage.cost_usd:.4f}; "
            f"{done.fallbacks} answers by rule instead"
        )
    for missed in report.degraded:
        note(dim(f"without: {one_line(missed)}"))
    if done.blocks:
        emit(f"undo it with: garden --undo {report.run_id}")


def _runs(found: list[GardenRun], *, json: bool) -> None:
    if json:
        emit_json(found)
        return
    rows = [(moment(run.started_at), _state(run), run.done.in_words, run.run_id) for run in found]
    emit_table(("when", "state", "what", "id"), rows, empty="no runs")


def _state(run: GardenRun) -> str:
    if run.undone_at is not None:
        return "undone"
    if run.sealed:
        return "can't be undone"
    return "done" if run.ended_at is not None else "not ended"
