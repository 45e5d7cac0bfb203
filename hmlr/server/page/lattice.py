"""The lattice as a picture: days, topics, turns, facts and dossiers."""

from __future__ import annotations

from urllib.parse import urlencode

import uuid_utils
from nicegui import ui

from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import button, text

DRAWN_AT_ONCE = 2_000  # turns; a picture of more is drawn when asked for


async def build(frame: Frame) -> None:
    """The picture in a box that scrolls, and a slider for its size."""
    async with frame.visit.memory() as memory:
        turns = (await memory.stats()).turns
    text("p", "Days, topics, turns, facts and dossiers, and what leads to what.", "quiet")
    with ui.element("div").classes("tools"):
        text("span", "Size", "quiet")
        size = ui.slider(min=25, max=400, step=25, value=100).classes("slider")
        size.props('label aria-label="Size in percent"')
        again = button("Draw", lambda: None)
    box = (
        ui.element("div").classes("sheet").props('tabindex=0 role=region aria-label="Picture of the lattice"')
    )
    with box:
        picture = ui.element("img").props(
            'alt="The lattice of this memory: all of it stands in the other views"'
        )

    def draw() -> None:
        # Another address each time: the memory may have changed. An image can't run or load anything.
        whose = {"user": str(frame.visit.user)} if frame.visit.is_admin else {}
        picture.props["src"] = "/lattice.svg?" + urlencode({"v": str(uuid_utils.uuid7()), **whose})

    again.on_click(draw)
    size.on_value_change(lambda: picture.style(f"width: {int(size.value)}%"))
    picture.style("width: 100%")
    if turns <= DRAWN_AT_ONCE:
        draw()
    else:
        text("p", f"This memory has {turns:,} turns: drawing it may take long.", "quiet")
