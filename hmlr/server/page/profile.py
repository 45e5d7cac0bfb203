"""The profile: what holds in every conversation, constraints first."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from hmlr.server.page.fact_rows import catch_up, draw_fact
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages, text


async def build(frame: Frame) -> None:
    """Constraints, identity, preferences, projects."""
    await catch_up(frame)
    async with frame.visit.memory() as memory:
        profile = await memory.profile()
    sections = {
        "Constraints": profile.constraints,
        "Identity": profile.identity,
        "Preferences": profile.preferences,
        "Projects": profile.projects,
    }
    changed = partial(frame.show, "profile")
    for name, facts in sections.items():
        with ui.element("section").classes("section"):
            text("h2", name)
            Pages(facts, lambda fact: draw_fact(frame, fact, changed), nothing="None yet.")
