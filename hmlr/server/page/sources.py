"""The turn that something comes from, with what was said around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from hmlr.errors import NotFound
from hmlr.records import Source, StoredMessage, Turn, TurnId
from hmlr.server.page.dialogs import certified, confirm, opened
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import button, day, text, when

NAMES = {"user": "You", "assistant": "HMLR"}
Changed = Callable[[], Awaitable[None]]  # what is done when a dialog has changed the memory
AROUND = 3  # turns before it and after it


def speaker(message: StoredMessage | Source) -> str:
    """Who said it, as it is shown."""
    return message.speaker or NAMES.get(message.role, message.role)


def draw_turn(turn: Turn, *, marked: bool = False) -> None:
    """A turn with all it holds, as text."""
    with ui.element("article").classes("turn marked" if marked else "turn"):
        for message in turn.messages:
            with ui.element("div").classes(f"message {'mine' if message.owner else 'theirs'}"):
                text("div", f"{speaker(message)} · {when(message.occurred_at)}", "meta")
                text("div", message.content, "words")


async def open_source(frame: Frame, turn_id: TurnId, *, changed: Changed | None = None) -> None:
    """Show a turn in its session; it can be forgotten there. `changed` is called when it was."""
    async with frame.visit.memory() as memory:
        found = await memory.turns(turn_ids=[turn_id])
        if not found:
            raise NotFound("This turn is not there any more", hint="It may have been forgotten")
        (turn,) = found
        before = await memory.turns(
            session_id=turn.session_id, before_seq=turn.seq, newest=True, limit=AROUND
        )
        after = await memory.turns(session_id=turn.session_id, after_seq=turn.seq, limit=AROUND)
    with opened(frame, "Source") as dialog:
        text("p", f"{day(turn.occurred_at)} · session {turn.session_id} · turn {turn.seq}", "quiet")
        with ui.element("div").classes("around").props('tabindex=0 role=region aria-label="What was said"'):
            for each in reversed(before):
                draw_turn(each)
            draw_turn(turn, marked=True)
            for each in after:
                draw_turn(each)

        async def forget() -> None:
            if await forget_turn(frame, turn):
                dialog.close()
                if changed is not None:
                    await changed()

        with ui.element("div").classes("buttons"):
            button("Forget this turn", frame.on(forget), kind="danger")
            button("Close", dialog.close, kind="main").props("autofocus")


async def forget_turn(frame: Frame, turn: Turn) -> bool:
    """Erase a turn after asking; whether it was."""
    sure = await confirm(
        frame,
        "Forget this turn?",
        "Its messages, the facts learned from them, their vectors and quotes are erased from the database "
        "and its files, for good. Dossiers that told of it are told anew.",
        "Forget",
    )
    if sure:
        async with frame.visit.memory() as memory:
            certificate = await memory.forget(turn_id=turn.turn_id)
        certified(frame, certificate)
    return sure
