"""Facts over time: what is known, what was, and what was put right."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from hmlr.records import Fact, FactState
from hmlr.server.page.fact_rows import about, catch_up, draw_fact
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages

CHOICES: dict[str, Sequence[FactState]] = {
    "Active": ("active",),
    "Superseded": ("superseded",),
    "Invalidated": ("invalidated",),
    "All": ("active", "superseded", "invalidated"),
}


async def build(frame: Frame) -> None:
    """A list by subject and key, in the order in which values held; a search, and a choice of states."""
    with ui.element("div").classes("tools"):
        search = ui.input("Search facts").props("outlined dense clearable debounce=300").classes("field")
        state = ui.select(list(CHOICES), value="Active", label="State").props("outlined dense options-dense")
    await catch_up(frame)
    pages: Pages[Fact] = Pages((), lambda fact: draw_fact(frame, fact, fill), nothing="No such facts.")

    async def fill() -> None:
        async with frame.visit.memory() as memory:
            facts = await memory.facts(states=CHOICES["All"])
        # Read only now: while the facts were on their way, more may have been typed.
        words, states = (search.value or "").casefold().split(), CHOICES[str(state.value)]
        pages.replace(
            sorted(
                (fact for fact in facts if fact.state in states and _fits(fact, words)),
                key=lambda fact: (fact.subject, fact.key, fact.valid_from),
            )
        )

    search.on_value_change(frame.on(fill, overlapping=True))
    state.on_value_change(frame.on(fill, overlapping=True))
    await fill()


def _fits(fact: Fact, words: Sequence[str]) -> bool:
    within = f"{about(fact)} {fact.key} {fact.value} {fact.category} {fact.quote}".casefold()
    return all(word in within for word in words)
