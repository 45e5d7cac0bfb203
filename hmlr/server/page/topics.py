"""Topics as threads: the list of them, and each with its turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from nicegui import ui

from hmlr.records import Block, Turn
from hmlr.server.page.dialogs import ask
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages, button, chip, day, empty, text
from hmlr.server.page.sources import draw_turn, forget_turn

TURNS = 30  # of a thread, on one page
STATES = {"ACTIVE": "good", "PAUSED": "", "GARDENED": "warn"}


async def build(frame: Frame) -> None:
    """The topics, the one with the latest turn first."""
    place = ui.element("div")
    await _list(frame, place)


async def _list(frame: Frame, place: ui.element) -> None:
    async with frame.visit.memory() as memory:
        blocks = await memory.blocks()
    place.clear()
    with place:
        Pages(blocks, lambda block: _draw_row(frame, place, block), nothing="No topics yet.")


def _draw_row(frame: Frame, place: ui.element, block: Block) -> None:
    with ui.element("div").classes("line"):
        text("h3", block.label, "grow")
        chip(block.state.lower(), STATES[block.state])
        chip(f"{block.turn_count:,} turns")
    text("div", f"{day(block.started_at)} to {day(block.last_at)}", "quiet small")
    text("p", block.summary, "words clipped")
    with ui.element("div").classes("acts"):

        async def thread() -> None:
            await _show(_Thread(frame, place, block))

        button("Open", frame.on(thread), about=f"Open the topic {block.label}")
        _edits(frame, block, lambda _: _list(frame, place))


def _edits(frame: Frame, block: Block, changed: Callable[[Block], Awaitable[None]]) -> None:
    async def rename() -> None:
        label = await ask(
            frame, "Rename this topic", "The label is yours from then on and is kept.", "Rename",
            label="Label", value=block.label,
        )  # fmt: skip
        if label is not None:
            async with frame.visit.memory() as memory:
                after = await memory.rename_block(block.block_id, label)
            await changed(after)

    async def resume() -> None:
        async with frame.visit.memory() as memory:
            after = await memory.resume_block(block.block_id)
        frame.notice("This topic is the active one now; the next session takes it up.")
        await changed(after)

    button("Rename", frame.on(rename), about=f"Rename the topic {block.label}")
    if block.state != "ACTIVE":
        button("Resume", frame.on(resume), about=f"Resume the topic {block.label}")


@dataclass
class _Thread:
    """One topic as it is shown; `starts` are the turns before each page that was passed."""

    frame: Frame
    place: ui.element
    block: Block
    starts: list[int | None] = field(default_factory=lambda: [None])


async def _show(thread: _Thread) -> None:
    frame, block = thread.frame, thread.block
    async with frame.visit.memory() as memory:
        turns = await memory.turns(block_id=block.block_id, after_seq=thread.starts[-1], limit=TURNS + 1)
    thread.place.clear()
    with thread.place:
        _head(thread)
        shown = turns[:TURNS]
        if not shown:
            empty("No turns are left in this topic.")
        for turn in shown:
            _draw_turn(thread, turn)
        _pager(thread, shown, more=len(turns) > TURNS)
    ui.run_javascript("document.getElementById('thread')?.focus()")


def _head(thread: _Thread) -> None:
    frame, block = thread.frame, thread.block

    async def back() -> None:
        await _list(frame, thread.place)

    async def again(after: Block) -> None:
        thread.block = after
        await _show(thread)

    with ui.element("div").classes("tools"):
        button("← All topics", frame.on(back))
        _edits(frame, block, again)
    text("h2", block.label).props("id=thread tabindex=-1")
    text("p", block.summary, "words")
    with ui.element("div").classes("line"):
        for keyword in block.keywords[:12]:
            chip(keyword)
    for title, lines in (("Open", block.open_loops), ("Decided", block.decisions)):
        if lines:
            text("h3", title, "section")
            with ui.element("ul"):
                for line in lines[:20]:
                    text("li", line, "words")


def _draw_turn(thread: _Thread, turn: Turn) -> None:
    frame = thread.frame

    async def forget() -> None:
        if await forget_turn(frame, turn):
            await _show(thread)

    draw_turn(turn)
    with ui.element("div").classes("acts end"):
        button("Forget", frame.on(forget), about=f"Forget turn {turn.seq}", kind="danger")


def _pager(thread: _Thread, shown: list[Turn], *, more: bool) -> None:
    async def back() -> None:
        thread.starts.pop()
        await _show(thread)

    async def on() -> None:
        thread.starts.append(shown[-1].seq)
        await _show(thread)

    if more or len(thread.starts) > 1:
        with ui.element("div").classes("pager"):
            button("Previous", thread.frame.on(back)).set_enabled(len(thread.starts) > 1)
            text("span", f"Page {len(thread.starts)}", "quiet")
            button("Next", thread.frame.on(on)).set_enabled(more)
