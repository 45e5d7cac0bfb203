"""Gardening: review what would change and what it would cost, apply it, and undo a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nicegui import ui

from hmlr.core.gardening import GardenArguments
from hmlr.garden_records import GardenLine, GardenPlan, GardenProgress, GardenReport, GardenRun
from hmlr.server.page.dialogs import confirm
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages, button, chip, text, when

CHANGES = {"create": "good", "append": "good", "merge": "warn", "split": "warn"}


@dataclass
class _Desk:
    """What is chosen, and where its outcome is shown."""

    frame: Frame
    active: ui.checkbox = field(init=False)
    large: ui.checkbox = field(init=False)
    outcome: ui.element = field(init=False)
    runs: ui.element = field(init=False)

    @property
    def options(self) -> GardenArguments:
        """What may be said of a run."""
        return {"include_active": bool(self.active.value), "allow_large": bool(self.large.value)}


async def build(frame: Frame) -> None:
    """A plan to review, and the runs so far."""
    desk = _Desk(frame)
    text(
        "p",
        "Finished topics become long-term memory: tags, and facts in dossiers. Nothing is lost by it.",
        "quiet",
    )
    with ui.element("div").classes("tools"):
        desk.active = ui.checkbox("The topic that is talked about now, too")
        desk.large = ui.checkbox("It may change much of what was in order")
        button("Review plan", frame.on(lambda: _review(desk)), kind="main")
    desk.outcome = ui.element("div").props("aria-live=polite")
    with ui.element("section").classes("section"):
        text("h2", "Runs")
        desk.runs = ui.element("div")
    await _list_runs(desk)


async def _review(desk: _Desk) -> None:
    options = desk.options
    async with desk.frame.visit.memory() as memory:
        plan = await memory.garden(dry_run=True, **options)
        labels = {str(each.block_id): each.label for each in await memory.blocks()}
    desk.outcome.clear()
    with desk.outcome:
        text("h2", "Plan")
        text("p", cost(plan))
        Pages(plan.lines, lambda line: _draw_line(line, labels), nothing="Nothing is to be changed.")
        if plan.lines or plan.blocks:
            with ui.element("div").classes("buttons"):
                button("Apply", desk.frame.on(lambda: _apply(desk, plan, options)), kind="main")


def cost(plan: GardenPlan) -> str:
    """What a plan concerns, and what it would take."""
    calls = sum(plan.calls.values())
    price = "no model calls" if not calls else (
        f"about {calls:,} model calls, {plan.expected.input_tokens + plan.expected.output_tokens:,} tokens, "
        f"${plan.expected.cost_usd:.2f}"
    )  # fmt: skip
    return f"{plan.blocks:,} topics, {len(plan.lines):,} changes with {plan.model}; expected cost: {price}."


def _draw_line(line: GardenLine, labels: Mapping[str, str]) -> None:
    with ui.element("div").classes("line"):
        chip(line.change, CHANGES.get(line.change, ""))
        text("h3", line.text, "grow")
        text("span", labels.get(str(line.block_id), ""), "quiet small")
    if line.facts:
        with ui.element("ul").classes("diff"):
            for fact in line.facts[:50]:
                text("li", f"+ {fact}", "words")
            if len(line.facts) > 50:
                text("li", f"… and {len(line.facts) - 50:,} more", "quiet")


async def _apply(desk: _Desk, plan: GardenPlan, options: GardenArguments) -> None:
    sure = await confirm(
        desk.frame,
        "Apply this plan?",
        f"{cost(plan)} A model may decide otherwise than the plan. The run can be undone.",
        "Apply",
    )
    if not sure:
        return
    desk.outcome.clear()
    with desk.outcome:
        bar = ui.linear_progress(0.0, show_value=False).props('aria-label="Progress"')
        told = text("p", "Gardening …", "quiet")

    def progress(state: GardenProgress) -> None:
        bar.value = state.done / state.total if state.total else 1.0
        told.set_text(f"{state.done:,} of {state.total:,} topics")

    try:
        async with desk.frame.visit.memory() as memory:
            report = await memory.garden(progress=progress, **options)
    finally:
        desk.outcome.clear()
    with desk.outcome:
        _draw_report(report)
    await _list_runs(desk)


def _draw_report(report: GardenReport) -> None:
    text("h2", "Done")
    text("p", f"{report.done.in_words}, in {report.seconds:.1f} s.")
    if report.pending:
        text("p", f"{report.pending:,} topics are left. {report.stopped}", "quiet")
    for stage in report.degraded:
        chip(stage, "warn")


async def _list_runs(desk: _Desk) -> None:
    async with desk.frame.visit.memory() as memory:
        runs = await memory.garden_runs()
    desk.runs.clear()
    with desk.runs:
        Pages(runs, lambda run: _draw_run(desk, run), nothing="No runs yet.")


def _draw_run(desk: _Desk, run: GardenRun) -> None:
    with ui.element("div").classes("line"):
        text("span", when(run.started_at), "quiet")
        text("span", run.done.in_words, "grow")
        if run.undone_at is not None:
            chip("undone")
        elif run.sealed:
            chip("can't be undone: something it stood on was forgotten", "warn")
        elif run.ended_at is None:
            chip("not ended", "warn")
        else:
            button(
                "Undo",
                desk.frame.on(lambda: _undo(desk, run)),
                about=f"Undo the run of {when(run.started_at)}",
            )


async def _undo(desk: _Desk, run: GardenRun) -> None:
    sure = await confirm(
        desk.frame,
        "Undo this run?",
        f"What it changed is taken back: {run.done.in_words}. Turns and facts stay.",
        "Undo",
    )
    if sure:
        async with desk.frame.visit.memory() as memory:
            await memory.undo(run.run_id)
        desk.frame.notice("Undone.")
        desk.outcome.clear()
        await _list_runs(desk)
