"""Dossiers: the facts of a theme in the order of event time, and how the dossier came about."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from hmlr.garden_records import Dossier, DossierEntry, DossierEvent, DossierFile
from hmlr.records import FactId
from hmlr.server.page.dialogs import ask
from hmlr.server.page.fact_rows import STATES, draw_fact
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages, button, chip, day, text, when
from hmlr.server.page.sources import open_source

ENTRIES = 50


async def build(frame: Frame) -> None:
    """The dossiers, the one with the latest event first."""
    place = ui.element("div")
    await _list(frame, place)


async def _list(frame: Frame, place: ui.element) -> None:
    async with frame.visit.memory() as memory:
        dossiers = await memory.dossiers()
    place.clear()
    with place:
        Pages(
            dossiers,
            lambda dossier: _draw_row(frame, place, dossier),
            nothing="No dossiers yet: gardening makes them of finished topics.",
        )


def _draw_row(frame: Frame, place: ui.element, dossier: Dossier) -> None:
    with ui.element("div").classes("line"):
        text("h3", dossier.title or "To be told anew", "grow")
        if dossier.stale:
            chip("stale", "warn")
        chip(f"{dossier.facts:,} facts")
    text("div", f"{day(dossier.happened_from)} to {day(dossier.happened_to)}", "quiet small")
    text("p", dossier.search_summary, "words clipped")

    async def show() -> None:
        await _show(frame, place, dossier.dossier_id)

    with ui.element("div").classes("acts"):
        button("Open", frame.on(show), about=f"Open the dossier {dossier.title}")


async def _show(frame: Frame, place: ui.element, dossier_id: str) -> None:
    async with frame.visit.memory() as memory:
        file = await memory.dossier(dossier_id)
    place.clear()
    with place:
        _head(frame, place, file)
        if file.dossier.stale:
            text("p", "A fact has changed since this was told; the next gardening tells it anew.", "quiet")
        text("p", file.dossier.summary, "words card")

        async def changed() -> None:
            await _show(frame, place, dossier_id)

        with ui.element("section").classes("section"):
            text("h2", "Timeline")
            Pages(file.entries, lambda entry: _draw_entry(frame, entry), size=ENTRIES, nothing="No facts.")
        with ui.element("section").classes("section"):
            text("h2", "Facts")
            Pages(
                [entry.fact for entry in file.entries],
                lambda fact: draw_fact(frame, fact, changed),
                nothing="No facts.",
            )
        with ui.element("section").classes("section"):
            text("h2", "Provenance")
            said = {entry.fact.fact_id: entry.statement for entry in file.entries}
            Pages(file.events, lambda event: _draw_event(event, said), size=ENTRIES, nothing="None.")
    ui.run_javascript("document.getElementById('dossier')?.focus()")


def _head(frame: Frame, place: ui.element, file: DossierFile) -> None:
    dossier = file.dossier

    async def back() -> None:
        await _list(frame, place)

    async def rename() -> None:
        title = await ask(
            frame, "Rename this dossier", "The title is yours from then on; undo takes it back.", "Rename",
            label="Title", value=dossier.title,
        )  # fmt: skip
        if title is not None:
            async with frame.visit.memory() as memory:
                await memory.rename_dossier(dossier.dossier_id, title)
            await _show(frame, place, dossier.dossier_id)

    with ui.element("div").classes("tools"):
        button("← All dossiers", frame.on(back))
        button("Rename", frame.on(rename))
    text("h2", dossier.title or "To be told anew").props("id=dossier tabindex=-1")


def _draw_entry(frame: Frame, entry: DossierEntry) -> None:
    with ui.element("div").classes("line"):
        text("span", day(entry.fact.occurred_at), "quiet")
        text("span", entry.statement, "grow")
        chip(entry.fact.state, STATES[entry.fact.state])
        button(
            "Source",
            frame.on(lambda: open_source(frame, entry.fact.turn_id)),
            about=f"Source of: {entry.statement}",
        )


def _draw_event(event: DossierEvent, said: Mapping[FactId, str]) -> None:
    with ui.element("div").classes("line"):
        text("span", when(event.recorded_at), "quiet")
        chip(event.change)
        text("span", said.get(event.fact_id, "") if event.fact_id else "", "grow")
        text("span", f"by {event.by} · run {event.run_id[:8]}", "quiet small")
