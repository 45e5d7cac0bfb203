"""A fact as it is listed: what it says, since when, from which words, and what can be done about it."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from hmlr.records import OWNER, Fact, FactEvent
from hmlr.server.page.dialogs import ask, certified, confirm, opened
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import button, chip, day, text, when
from hmlr.server.page.sources import Changed, open_source

LEARNING_S = 1.0  # that a view waits for facts which are being learned
STATES = {"active": "good", "superseded": "warn", "invalidated": "bad"}


def about(fact: Fact) -> str:
    """Of what a fact speaks."""
    return f"{'You' if fact.subject == OWNER else fact.subject} · {fact.key.replace('_', ' ')}"


async def catch_up(frame: Frame) -> None:
    """Give what was said a moment to be learned from, and say so when it was not."""
    async with frame.visit.memory() as memory:
        done = await memory.flush(LEARNING_S)
    if not done:
        text("p", "Not all that was said has been learned from yet: look again in a moment.", "quiet")


def draw_fact(frame: Frame, fact: Fact, changed: Changed) -> None:
    """One fact with its actions; `changed` is called when one of them has changed something."""
    with ui.element("div").classes("line"):
        text("h3", f"{about(fact)}: {fact.value}", "grow")
        chip(fact.category)
        chip(fact.state, STATES[fact.state])
    text("blockquote", f"“{fact.quote}”", "quote words")
    text("div", _times(fact), "quiet small")
    if fact.reason:
        text("div", f"Why it is {fact.state}: {fact.reason}", "quiet small")
    with ui.element("div").classes("acts"):
        act = partial(_act, frame, fact, changed)
        act("Source", lambda: open_source(frame, fact.turn_id, changed=changed))
        act("History", lambda: _history(frame, fact))
        if fact.state == "active":
            act("Correct", lambda: _correct(frame, fact, changed))
            act("Retire", lambda: _retire(frame, fact, changed))
        else:
            act("Restore", lambda: _restore(frame, fact, changed))
        act("Forget", lambda: _forget(frame, fact, changed), kind="danger")


def _act(
    frame: Frame, fact: Fact, changed: Changed, label: str, handler: Changed, *, kind: str = "flat"
) -> None:
    button(label, frame.on(handler), about=f"{label}: {about(fact)}, {fact.value}", kind=kind)


def _times(fact: Fact) -> str:
    until = "" if fact.valid_to is None else f" to {day(fact.valid_to)}"
    who = {"user": "you", "assistant": "HMLR"}.get(fact.said_by, fact.said_by)
    again = "" if fact.confirmations < 1 else f" · said again {fact.confirmations}×"
    return f"Holds from {day(fact.valid_from)}{until} · said by {who} {when(fact.occurred_at)}{again}"


async def _history(frame: Frame, fact: Fact) -> None:
    async with frame.visit.memory() as memory:
        history = await memory.history(fact.fact_id)
    values = {each.fact_id: each for each in history.facts}
    with opened(frame, f"History of {about(fact)}") as dialog:
        with ui.element("ol").classes("timeline"):
            for event in history.events:
                _draw_event(event, values.get(event.fact_id))
        with ui.element("div").classes("buttons"):
            button("Close", dialog.close, kind="main").props("autofocus")


def _draw_event(event: FactEvent, fact: Fact | None) -> None:
    with ui.element("li"):
        with ui.element("div").classes("line"):
            text("span", when(event.recorded_at), "quiet small")
            chip(event.change)
            text("span", "" if fact is None else fact.value, "grow")
        text("div", f"by {event.by}" + (f": {event.reason}" if event.reason else ""), "quiet small")


async def _correct(frame: Frame, fact: Fact, changed: Changed) -> None:
    value = await ask(
        frame,
        "Correct this fact",
        f"{about(fact)} is “{fact.value}” now. That becomes invalidated, as never true, and what you write "
        "takes its place. Both stay in the history.",
        "Correct",
        label="The right value",
        value=fact.value,
    )
    if value is None or value == fact.value:
        return
    async with frame.visit.memory() as memory:
        await memory.correct(fact.fact_id, value)
    frame.notice("Corrected.")
    await changed()


async def _retire(frame: Frame, fact: Fact, changed: Changed) -> None:
    reason = await ask(
        frame,
        "Retire this fact",
        f"{about(fact)}: “{fact.value}” becomes superseded: true until now, no longer told. Restore takes it "
        "back.",
        "Retire",
        label="Why it no longer holds",
    )
    if reason is None:
        return
    async with frame.visit.memory() as memory:
        await memory.retire(fact.fact_id, reason)
    frame.notice("Retired.")
    await changed()


async def _restore(frame: Frame, fact: Fact, changed: Changed) -> None:
    sure = await confirm(
        frame,
        "Restore this fact?",
        f"{about(fact)}: “{fact.value}” becomes active again, and is told as true from now on.",
        "Restore",
    )
    if not sure:
        return
    async with frame.visit.memory() as memory:
        await memory.restore(fact.fact_id)
    frame.notice("Restored.")
    await changed()


async def _forget(frame: Frame, fact: Fact, changed: Changed) -> None:
    sure = await confirm(
        frame,
        "Forget this fact?",
        f"{about(fact)}: “{fact.value}” is erased for good, and its quote is blanked in the turn that it "
        "came from. To keep it in the history, retire it instead.",
        "Forget",
    )
    if not sure:
        return
    async with frame.visit.memory() as memory:
        certificate = await memory.forget(fact_id=fact.fact_id)
    await changed()
    certified(frame, certificate)
